import { Client } from 'pg';
import { sessionClosedChannel } from './close-session.js';

/** Seconds of a lease by the database's clock; a process treats it as lost one second earlier, by its own. */
const leaseSeconds = 5;
const trustedMilliseconds = 4_000;
const renewEveryMilliseconds = 1_000;
const reconnectAfterMilliseconds = 200;

export interface LeaseCallbacks {
  /** Sessions that this process may still let through; asked at each renewal. */
  held(): readonly string[];
  /** These are closed: heard by notification, or read at a renewal. May name one more than once. */
  closed(sessionIds: readonly string[]): void;
}

export interface SessionLease {
  readonly processId: string;
  /** True while no command can have overlooked this process. Synchronous and cheap: asked before every request. */
  held(): boolean;
  /** Changes whenever the lease was lost in between: what was read in another term may be out of date. */
  readonly term: number;
  /** Deletes the lease; `held` is false from now on. */
  giveBack(): Promise<void>;
}

export interface LeaseIdentity {
  readonly url: string;
  readonly processId: string;
  readonly processName: string;
}

/**
 * Keeps the process registered, on a connection of its own so that a busy pool delays neither renewals nor notifications.
 * Resolves when the first lease is there; connects again for ever after that. Rejects when the first connection fails.
 */
export async function keepLease(identity: LeaseIdentity, callbacks: LeaseCallbacks): Promise<SessionLease> {
  let client: Client | undefined;
  let renewedAt = Number.NEGATIVE_INFINITY;
  let term = 0;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let cycle: Promise<void> = Promise.resolve();

  const held = (): boolean => !stopped && performance.now() - renewedAt < trustedMilliseconds;

  async function connect(): Promise<Client> {
    const fresh = new Client({ connectionString: identity.url, application_name: `millrace-lease ${identity.processName}`.slice(0, 63), connectionTimeoutMillis: 3_000, query_timeout: 3_000, keepAlive: true });
    fresh.on('error', () => {
      if (client === fresh) client = undefined;
    });
    fresh.on('end', () => {
      if (client === fresh) client = undefined;
    });
    fresh.on('notification', (message) => {
      if (message.channel === sessionClosedChannel && message.payload !== undefined) callbacks.closed([message.payload]);
    });
    try {
      await fresh.connect();
      await fresh.query(`listen ${sessionClosedChannel}`);
    } catch (error) {
      await fresh.end().catch(() => undefined);
      throw error;
    }
    return fresh;
  }

  /**
   * A process whose connection breaks again and again must not look alive to a command without ever hearing of it: what was
   * closed while it was away is acknowledged before the lease is renewed.
   */
  async function reconnect(): Promise<Client> {
    const fresh = await connect();
    try {
      callbacks.closed(await readClosed(fresh));
      return fresh;
    } catch (error) {
      await fresh.end().catch(() => undefined);
      throw error;
    }
  }

  async function readClosed(connection: Client): Promise<string[]> {
    const { rows } = await connection.query<{ session_id: string }>({ text: findClosedSessions, values: [callbacks.held(), identity.processId] });
    return rows.map((row) => row.session_id);
  }

  /**
   * First the lease, committed; then, in another statement, the states. A command commits its close before it reads the leases, so
   * either it sees this lease and waits for an acknowledgement, or the second statement here sees the close.
   */
  async function renew(): Promise<void> {
    client ??= await reconnect();
    const sentAt = performance.now();
    await client.query({ text: renewLease, values: [identity.processId, identity.processName, leaseSeconds] });
    const closed = await readClosed(client);
    if (stopped) return;
    callbacks.closed(closed);
    if (performance.now() - renewedAt >= trustedMilliseconds) term += 1;
    renewedAt = sentAt;
  }

  async function tick(): Promise<void> {
    let wait = renewEveryMilliseconds;
    try {
      await renew();
    } catch {
      // The database is away: the lease runs out by itself, and no request is let through until it is back.
      wait = reconnectAfterMilliseconds;
      const broken = client;
      client = undefined;
      void broken?.end().catch(() => undefined);
    }
    schedule(wait);
  }

  function schedule(wait: number): void {
    if (stopped) return;
    timer = setTimeout(() => {
      cycle = tick();
    }, wait);
  }

  await renew();
  schedule(renewEveryMilliseconds);

  return {
    processId: identity.processId,
    held,
    get term() {
      return term;
    },
    async giveBack() {
      stopped = true;
      clearTimeout(timer);
      await cycle;
      try {
        await client?.query('delete from proxy_processes where id = $1', [identity.processId]);
        await client?.query('delete from revocation_acks where process_id = $1', [identity.processId]);
      } catch {
        // It runs out by itself.
      }
      await client?.end().catch(() => undefined);
    },
  };
}

const renewLease = `with pruned as (delete from proxy_processes where lease_until < now() - interval '1 hour')
  insert into proxy_processes (id, name, lease_until) values ($1, $2, now() + make_interval(secs => $3))
  on conflict (id) do update set lease_until = excluded.lease_until`;

/** Closes that wait for this process, and sessions that it holds and that are not open (any more). */
const findClosedSessions = `select r.session_id from revocations r
    where not exists (select 1 from revocation_acks a where a.session_id = r.session_id and a.process_id = $2)
  union
  select h.id from unnest($1::text[]) as h(id) where not exists (select 1 from sessions s where s.id = h.id and s.state = 'open')`;
