import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { MillraceError } from '../errors/millrace-error.js';
import { asMillraceError } from './database-errors.js';

/** Locks by name that at most one process holds at a time, and that nobody holds who has died, hangs, or was cut off. */
export interface NamedLocks {
  /**
   * Waits for the lock, works, and lets go. The lock is lost when this process does not answer for `longestSilence`: `held.signal` then aborts, and `held.confirm` rejects.
   * Errors: `database-unavailable`, and those of the work.
   */
  hold<T>(name: string, work: (held: HeldLock) => Promise<T>, options: { readonly signal: AbortSignal }): Promise<T>;
}

export interface HeldLock {
  /** Aborts as soon as it is known that the lock is lost. */
  readonly signal: AbortSignal;
  /** Asks the server. Errors: `database-unavailable`: it is lost, or nobody knows. */
  confirm(): Promise<void>;
}

export interface NamedLocksOptions {
  /** Milliseconds after which the server gives up a holder that says nothing: it was stopped, or its machine is gone. */
  readonly longestSilence?: number;
}

/** Milliseconds between attempts. */
const retryInterval = 150;

/**
 * PostgreSQL's advisory locks, each on a connection of its own: a lock is the connection's, so it ends with it. Nothing here is in a transaction; `idle_session_timeout`
 * has the server end the connection of a process that hangs.
 */
export function createNamedLocks(databaseUrl: string, { longestSilence = 10_000 }: NamedLocksOptions = {}): NamedLocks {
  return {
    async hold(name, work, { signal }) {
      const client = new Client({ connectionString: databaseUrl, application_name: 'millrace-lock', connectionTimeoutMillis: 5_000, query_timeout: 5_000, keepAlive: true });
      const lost = new AbortController();
      const lose = (): void => lost.abort(lostLock(name));
      client.on('error', lose);
      client.on('end', lose);
      let beat: NodeJS.Timeout | undefined;
      let asked: Promise<unknown> = Promise.resolve();
      /** One after the other: those who work may ask together. */
      const inTurn = <T>(question: () => Promise<T>): Promise<T> => {
        const answer = asked.then(question);
        asked = answer.catch(() => undefined);
        return answer;
      };
      const ask = async (text: string, parameters: readonly unknown[] = []): Promise<{ taken?: boolean } | undefined> => {
        try {
          return (await inTurn(() => client.query<{ taken?: boolean }>(text, [...parameters]))).rows[0];
        } catch (error) {
          lose();
          throw asMillraceError(error);
        }
      };
      try {
        await client.connect().catch((error: unknown) => {
          throw asMillraceError(error);
        });
        await ask(`set idle_session_timeout = ${Math.ceil(longestSilence)}`);
        while ((await ask('select pg_try_advisory_lock(hashtextextended($1, 7)) as taken', [name]))?.taken !== true) await pause(retryInterval, undefined, { signal });
        beat = setInterval(() => void ask('select 1').catch(() => undefined), longestSilence / 5);
        return await work({ signal: lost.signal, confirm: async () => void (await ask('select 1')) }).catch((error: unknown) => {
          // Streams that are broken off say no more than that.
          throw lost.signal.aborted && (error as { name?: unknown }).name === 'AbortError' ? lost.signal.reason : error;
        });
      } finally {
        clearInterval(beat);
        await client.end().catch(() => undefined);
      }
    },
  };
}

function lostLock(name: string): MillraceError {
  return new MillraceError('database-unavailable', `the lock of ${name} is lost: PostgreSQL has not been reached in time`);
}
