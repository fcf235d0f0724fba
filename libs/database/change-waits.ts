import { Client } from 'pg';

export interface ChangeWaitsOptions<Key> {
  /** Holds the password. */
  readonly databaseUrl: string;
  /** That PostgreSQL notifies at the commit of a change. */
  readonly channel: string;
  /** Shown by PostgreSQL in pg_stat_activity. */
  readonly applicationName: string;
  /** Of a notification. */
  readonly read: (payload: string) => ChangedVersion<Key>;
  /** The versions as they are now. Errors: `database-unavailable`. */
  readonly look: (keys: readonly Key[]) => Promise<readonly ChangedVersion<Key>[]>;
  /** Whether this version is what somebody waits for who has seen that one. */
  readonly isNews: (version: number, seen: number) => boolean;
}

export interface ChangedVersion<Key> {
  readonly key: Key;
  readonly version: number;
}

export interface ChangeWaits<Key> {
  /** Until there is news, the time is over, or the signal aborts. Errors: those of `look`, when the database is away at the beginning. */
  wait(key: Key, options: { readonly version: number; readonly milliseconds: number; readonly signal?: AbortSignal }): Promise<void>;
  close(): Promise<void>;
}

interface Waiter {
  readonly version: number;
  readonly wake: () => void;
}

/** Milliseconds. */
const reconnectAfter = 200;

/** Hears of changes on one connection of its own, made when the first waits; after every reconnection the versions are read again. */
export function createChangeWaits<Key extends string | number>({ databaseUrl, channel, applicationName, read, look, isNews }: ChangeWaitsOptions<Key>): ChangeWaits<Key> {
  const waiters = new Map<Key, Set<Waiter>>();
  let client: Client | undefined;
  let connecting: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  function heard({ key, version }: ChangedVersion<Key>): void {
    for (const waiter of waiters.get(key) ?? []) if (isNews(version, waiter.version)) waiter.wake();
  }

  async function connect(): Promise<void> {
    const fresh = new Client({ connectionString: databaseUrl, application_name: applicationName, connectionTimeoutMillis: 3_000, keepAlive: true });
    const lost = (): void => {
      if (client === fresh) client = undefined;
      reconnectLater();
    };
    fresh.on('error', lost);
    fresh.on('end', lost);
    fresh.on('notification', ({ payload = '' }) => heard(read(payload)));
    try {
      await fresh.connect();
      await fresh.query(`listen ${channel}`);
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
    if (!closed && waiters.size > 0) timer = setTimeout(() => void listen(), reconnectAfter);
  }

  /** What changed before the connection listened. */
  async function lookAgain(keys: readonly Key[]): Promise<void> {
    if (keys.length > 0) for (const now of await look(keys)) heard(now);
  }

  function join(key: Key, waiter: Waiter): () => void {
    const set = waiters.get(key) ?? new Set();
    waiters.set(key, set.add(waiter));
    return () => {
      set.delete(waiter);
      if (set.size === 0 && waiters.get(key) === set) waiters.delete(key);
    };
  }

  return {
    async wait(key, { version, milliseconds, signal }) {
      if (closed || signal?.aborted === true || milliseconds <= 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const wake = (): void => resolve();
      const leave = join(key, { version, wake });
      const timeout = setTimeout(wake, milliseconds);
      signal?.addEventListener('abort', wake, { once: true });
      try {
        await Promise.race([promise, listen().then(() => lookAgain([key])).then(() => promise)]);
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
