import { setTimeout as pause } from 'node:timers/promises';
import { isMillraceError } from '../errors/millrace-error.js';
import type { ListedObject, ObjectContent, ObjectStore, WriteCondition } from './object-store.js';

export interface RetryPolicy {
  /** Milliseconds from the first attempt, after which a failure is told. */
  readonly deadline: number;
  /** Milliseconds at most before the second attempt; twice as long before each further one, up to `longestPause`. */
  readonly firstPause: number;
  readonly longestPause: number;
  /** From 0 to 1: those who fail together do not come back together. */
  readonly random: () => number;
}

export const defaultRetries: RetryPolicy = { deadline: 30_000, firstPause: 200, longestPause: 5000, random: Math.random };
/** For whoever is asked again anyway, and has to tell meanwhile what it waits for. */
export const briefRetries: RetryPolicy = { ...defaultRetries, deadline: 3000, longestPause: 1000 };

/**
 * Asks again while the store is away, for longer than a client of the service does by itself. Only what may be repeated: neither streams, which are read once,
 * nor conditional writes, whose condition may be broken by their own first attempt.
 */
export function retryingStore(store: ObjectStore, policy: RetryPolicy = defaultRetries): ObjectStore {
  async function repeat<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const end = performance.now() + policy.deadline;
    for (let longest = policy.firstPause; ; longest = Math.min(2 * longest, policy.longestPause)) {
      try {
        return await work();
      } catch (error) {
        const wait = policy.random() * longest;
        if (!isAway(error) || performance.now() + wait > end) throw error;
        await pause(wait, undefined, signal === undefined ? {} : { signal });
      }
    }
  }

  return {
    put: (key, content, options) => (isRepeatable(content, options?.condition) ? repeat(options?.signal, () => store.put(key, content, options)) : store.put(key, content, options)),
    copy: (from, to, options) => (options?.condition === undefined ? repeat(options?.signal, () => store.copy(from, to, options)) : store.copy(from, to, options)),
    head: (key, options) => repeat(options?.signal, () => store.head(key, options)),
    get: (key, options) => repeat(options?.signal, () => store.get(key, options)),
    async *list(prefix, options = {}) {
      let after = options.after;
      let pages = store.list(prefix, options)[Symbol.asyncIterator]();
      /** A listing that broke off goes on after the last key that it has given. */
      const next = (): Promise<IteratorResult<ListedObject>> =>
        repeat(options.signal, async () => {
          try {
            return await pages.next();
          } catch (error) {
            pages = store.list(prefix, after === undefined ? options : { ...options, after })[Symbol.asyncIterator]();
            throw error;
          }
        });
      try {
        for (let object = await next(); object.done !== true; object = await next()) {
          after = object.value.key;
          yield object.value;
        }
      } finally {
        await pages.return?.();
      }
    },
    remove: (keys, options) => repeat(options?.signal, () => store.remove(keys, options)),
    presign: (key, options) => store.presign(key, options),
    close: () => store.close(),
  };
}

function isAway(error: unknown): boolean {
  return isMillraceError(error) && error.code === 'storage-unavailable';
}

function isRepeatable(content: ObjectContent, condition: WriteCondition | undefined): boolean {
  return condition === undefined && (Buffer.isBuffer(content) || 'file' in content);
}
