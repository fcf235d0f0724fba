import type { ObjectStore } from '../../object-storage/object-store.js';

export interface BreakingStore {
  readonly store: ObjectStore;
  /** Calls so far, as `put packages/a`. */
  readonly calls: string[];
}

export interface BreakOptions {
  /** The call that breaks, from 1; undefined: none does. */
  readonly at?: number;
  /** Whether it has had its effect by then: its answer is lost. */
  readonly after?: boolean;
  /** What it throws; then every later call throws it, too, as if the process were gone. */
  readonly error?: () => unknown;
  /** Runs before each call. */
  readonly before?: (call: string) => Promise<void> | void;
}

/** A store that breaks off at one call, for whoever wants to see what is there then. */
export function breakingStore(inner: ObjectStore, { at, after = false, error = () => new Error('killed'), before = () => undefined }: BreakOptions = {}): BreakingStore {
  const calls: string[] = [];
  async function made<T>(call: string, work: () => Promise<T>): Promise<T> {
    calls.push(call);
    await before(call);
    const breaks = at !== undefined && calls.length >= at;
    if (breaks && !(after && calls.length === at)) throw error();
    const answer = await work();
    if (breaks) throw error();
    return answer;
  }
  return {
    calls,
    store: {
      put: (key, content, options) => made(`put ${key}`, () => inner.put(key, content, options)),
      copy: (from, to, options) => made(`copy ${to}`, () => inner.copy(from, to, options)),
      head: (key, options) => made(`head ${key}`, () => inner.head(key, options)),
      get: (key, options) => made(`get ${key}`, () => inner.get(key, options)),
      async *list(prefix, options) {
        await made(`list ${prefix}`, () => Promise.resolve());
        yield* inner.list(prefix, options);
      },
      remove: (keys, options) => made(`remove ${keys.join(' ')}`, () => inner.remove(keys, options)),
      presign: (key, options) => inner.presign(key, options),
      close: () => undefined,
    },
  };
}
