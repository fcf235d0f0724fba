import { MillraceError } from '../errors/millrace-error.js';

export interface TurnOptions {
  /** How many have their turn at once. */
  readonly limit: number;
  /** Longest wait for a turn. */
  readonly milliseconds: number;
}

/**
 * Lets so many pieces of work run at once, and the others in the order in which they came. The pool of connections gives up on who waits for a few seconds,
 * which a thousand requests at once do; they only have to be patient. Errors: `database-unavailable` after the longest wait.
 */
export function takeTurns({ limit, milliseconds }: TurnOptions): <Result>(work: () => Promise<Result>) => Promise<Result> {
  const waiting = new Set<() => void>();
  let running = 0;

  function turn(): Promise<void> {
    if (running < limit) {
      running += 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(begin);
        reject(new MillraceError('database-unavailable', 'the database is too slow for all who ask it'));
      }, milliseconds);
      const begin = (): void => {
        clearTimeout(timer);
        resolve();
      };
      waiting.add(begin);
    });
  }

  /** Hands the turn on, or gives it back. */
  function over(): void {
    const [next] = waiting;
    if (next === undefined) {
      running -= 1;
      return;
    }
    waiting.delete(next);
    next();
  }

  return async (work) => {
    await turn();
    try {
      return await work();
    } finally {
      over();
    }
  };
}
