import pg from 'pg';
import { messagesChannel } from './messages-channel.js';

export interface MessageWake {
  /** How often something has happened; give it to `wait`. */
  count(): number;
  /** Resolves when more has happened than `seen`, after `longest` milliseconds, or when the signal aborts. */
  wait(seen: number, longest: number, signal: AbortSignal): Promise<void>;
}

/** Milliseconds. */
const pauseAfterFailure = 1000;

/**
 * Listens for messages on a connection of its own until the signal aborts. Only a convenience: whoever waits looks for himself after
 * `longest`, so that a connection that is down, or a pooler that does not know LISTEN, costs a second and no message.
 */
export function listenForMessages(databaseUrl: string, signal: AbortSignal): MessageWake {
  let count = 0;
  const waiting = new Set<() => void>();
  const wake = (): void => {
    count += 1;
    for (const resolve of waiting) resolve();
  };
  const connect = (): void => {
    if (signal.aborted) return;
    const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5000, keepAlive: true, application_name: 'millrace-messages' });
    let over = false;
    const end = (): void => {
      if (over) return;
      over = true;
      signal.removeEventListener('abort', end);
      client.end().catch(() => undefined);
      if (!signal.aborted) setTimeout(connect, pauseAfterFailure).unref();
    };
    client.on('notification', wake);
    client.on('error', end);
    client.on('end', end);
    signal.addEventListener('abort', end, { once: true });
    client
      .connect()
      .then(() => client.query(`listen ${messagesChannel}`))
      .then(wake, end);
  };
  connect();

  return {
    count: () => count,
    wait: (seen, longest, ending) =>
      new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          waiting.delete(done);
          ending.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, longest);
        waiting.add(done);
        ending.addEventListener('abort', done, { once: true });
        if (count !== seen || ending.aborted) done();
      }),
  };
}
