import { briefly } from '../../amqp/briefly.js';

/** Messages that were received and are not settled. */
export interface UnderWay {
  /** Settles it when it was taken; what cannot be taken ends everything. */
  add(taking: Promise<unknown>, settle: () => void): void;
  /** Rejects with the first that could not be taken. */
  readonly failed: Promise<never>;
  /** Resolves when all that are under way are settled, or after two seconds. */
  ended(): Promise<void>;
}

export function createUnderWay(): UnderWay {
  const open = new Set<Promise<void>>();
  const { promise: failed, reject } = Promise.withResolvers<never>();
  failed.catch(() => undefined); // nobody may be waiting when it fails
  return {
    add(taking, settle) {
      const one: Promise<void> = taking.then(settle).catch((error: unknown) => reject(error)).finally(() => open.delete(one));
      open.add(one);
    },
    failed,
    ended: () => briefly(Promise.all(open)),
  };
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
