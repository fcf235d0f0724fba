import { Client } from 'pg';
import { query } from '../database/sql.js';
import type { Database } from '../database/open-database.js';

/** Payload: id and version of the compose, with a space between. */
export const composeChangedChannel = 'millrace_compose_changed';

const reconnectAfterMilliseconds = 200;

export interface ComposeChanges {
  /** Errors: `database-unavailable`, when it is away at the beginning. */
  wait(id: number, options: { readonly version: number; readonly milliseconds: number; readonly signal?: AbortSignal }): Promise<void>;
  close(): Promise<void>;
}

interface Waiter {
  readonly version: number;
  readonly wake: () => void;
}

/** Hears of changes on one connection of its own, made when the first waits; after every reconnection the versions are read again. */
export function createComposeChanges(database: Database): ComposeChanges {
  const waiters = new Map<number, Set<Waiter>>();
  let client: Client | undefined;
  let connecting: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  function heard(id: number, version: number): void {
    for (const waiter of waiters.get(id) ?? []) if (waiter.version !== version) waiter.wake();
  }

  async function connect(): Promise<void> {
    const fresh = new Client({ connectionString: database.url, application_name: 'millrace-compose-changes', connectionTimeoutMillis: 3_000, keepAlive: true });
    const lost = (): void => {
      if (client === fresh) client = undefined;
      reconnectLater();
    };
    fresh.on('error', lost);
    fresh.on('end', lost);
    fresh.on('notification', ({ payload = '' }) => {
      const [id, version] = payload.split(' ');
      heard(Number(id), Number(version));
    });
    try {
      await fresh.connect();
      await fresh.query(`listen ${composeChangedChannel}`);
      client = fresh;
      await lookAgain([...waiters.keys()]);
    } catch {
      client = undefined;
      await fresh.end().catch(() => undefined);
      reconnectLater();
    }
  }

  function listen(): Promise<void> {
    if (client !== undefined || closed) return Promise.resolve();
    connecting ??= connect().finally(() => (connecting = undefined));
    return connecting;
  }

  function reconnectLater(): void {
    clearTimeout(timer);
    if (!closed && waiters.size > 0) timer = setTimeout(() => void listen(), reconnectAfterMilliseconds);
  }

  /** What changed before the connection listened. */
  async function lookAgain(ids: readonly number[]): Promise<void> {
    if (ids.length === 0) return;
    const rows = await query<{ id: string; position: string | null }>(database, 'select w.id, c.position from unnest($1::bigint[]) as w(id) left join composes c on c.id = w.id', [ids]);
    for (const { id, position } of rows) heard(Number(id), Number(position ?? 0));
  }

  function join(id: number, waiter: Waiter): () => void {
    const set = waiters.get(id) ?? new Set();
    waiters.set(id, set.add(waiter));
    return () => {
      set.delete(waiter);
      if (set.size === 0 && waiters.get(id) === set) waiters.delete(id);
    };
  }

  return {
    async wait(id, { version, milliseconds, signal }) {
      if (closed || signal?.aborted === true || milliseconds <= 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const wake = (): void => resolve();
      const leave = join(id, { version, wake });
      const timeout = setTimeout(wake, milliseconds);
      signal?.addEventListener('abort', wake, { once: true });
      try {
        await Promise.race([promise, listen().then(() => lookAgain([id])).then(() => promise)]);
      } finally {
        leave();
        clearTimeout(timeout);
        signal?.removeEventListener('abort', wake);
      }
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      for (const set of waiters.values()) for (const waiter of set) waiter.wake();
      await connecting;
      await client?.end().catch(() => undefined);
    },
  };
}
