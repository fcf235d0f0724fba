import { setTimeout as pause } from 'node:timers/promises';
import { isMillraceError } from '../../libs/errors/millrace-error.js';

/** Milliseconds between two attempts, at first and at most. */
const shortest = 250;
const longest = 5000;

/** An hour of generation is not thrown away because PostgreSQL restarts: the command is repeated until the database is back or the signal aborts. */
export async function whileDatabaseIsAway<T>(command: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let wait = shortest; ; wait = Math.min(longest, wait * 2)) {
    try {
      return await command();
    } catch (error) {
      if (!isMillraceError(error) || error.code !== 'database-unavailable') throw error;
      await pause(wait, undefined, { signal });
    }
  }
}
