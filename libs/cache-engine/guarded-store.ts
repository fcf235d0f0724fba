import { isMillraceError } from '../errors/millrace-error.js';
import type { ObjectStore } from '../object-storage/object-store.js';
import { asUnavailable, type StoreGuard } from './store-guard.js';

/** The store of the cache, whose word can be believed: what it does not have is not there, and nothing is written or deleted where it is not. Errors also: `storage-unavailable` in the place of `storage-refused`. */
export function guardedStore(store: ObjectStore, guard: StoreGuard): ObjectStore {
  /** Asked twice, and known to be the right one before and after: it may come and go. */
  async function believed<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!isAbsent(error)) throw asUnavailable(error);
    }
    await guard.demandNow();
    try {
      return await work();
    } catch (error) {
      if (isAbsent(error)) await guard.demandNow();
      throw asUnavailable(error);
    }
  }

  async function answered<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw asUnavailable(error);
    }
  }

  return {
    async put(key, content, options) {
      await guard.demand();
      return answered(() => store.put(key, content, options));
    },
    async copy(from, to, options) {
      await guard.demand();
      return believed(() => store.copy(from, to, options));
    },
    async head(key, options) {
      const found = await answered(() => store.head(key, options));
      if (found === undefined) await guard.demandNow();
      return found;
    },
    get: (key, options) => believed(() => store.get(key, options)),
    async *list(prefix, options) {
      await guard.demandNow();
      yield* store.list(prefix, options);
    },
    async remove(keys, options) {
      if (keys.length === 0) return;
      await guard.demandNow();
      await answered(() => store.remove(keys, options));
      // What was not there when it was to be deleted may come back: whoever asked for it must not forget it.
      await guard.demandNow();
    },
    presign: (key, options) => store.presign(key, options),
    close: () => store.close(),
  };
}

function isAbsent(error: unknown): boolean {
  return isMillraceError(error) && error.code === 'blob-not-found';
}
