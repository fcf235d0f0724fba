/** Lets at most so many pieces of work of one key run at once; the others wait in order. */
export interface Turns {
  /** Rejects with the signal's reason when it is aborted while the work waits. */
  take<Result>(key: string, signal: AbortSignal | undefined, work: () => Promise<Result>): Promise<Result>;
  /** Inside of `take`: gives the turn up while `wait` runs, and takes it again before it returns. */
  without<Result>(key: string, wait: () => Promise<Result>): Promise<Result>;
}

export function createTurns(atOnce: number): Turns {
  const running = new Map<string, number>();
  const waiting = new Map<string, (() => void)[]>();

  function release(key: string): void {
    const next = waiting.get(key)?.shift();
    if (waiting.get(key)?.length === 0) waiting.delete(key);
    if (next !== undefined) {
      next();
      return;
    }
    const left = (running.get(key) ?? 0) - 1;
    if (left === 0) running.delete(key);
    else running.set(key, left);
  }

  function acquire(key: string, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    const now = running.get(key) ?? 0;
    if (now < atOnce) {
      running.set(key, now + 1);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const queue = waiting.get(key) ?? [];
      waiting.set(key, queue);
      const begin = (): void => {
        signal?.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = (): void => {
        const at = queue.indexOf(begin);
        if (at >= 0) queue.splice(at, 1);
        if (queue.length === 0 && waiting.get(key) === queue) waiting.delete(key);
        reject(signal?.reason as Error);
      };
      queue.push(begin);
      signal?.addEventListener('abort', giveUp, { once: true });
    });
  }

  return {
    async take(key, signal, work) {
      await acquire(key, signal);
      try {
        return await work();
      } finally {
        release(key);
      }
    },
    async without(key, wait) {
      release(key);
      try {
        return await wait();
      } finally {
        // Without the signal: `take` releases once more when the work is given up, and this is the turn that it releases.
        await acquire(key, undefined);
      }
    },
  };
}
