import type { ObjectStore } from './object-store.js';

/** Opened by its first use, and again by the next one when that fails: a server may be down, an SDK slow to load. */
export function lazyStore(open: () => Promise<ObjectStore>): ObjectStore {
  let opening: Promise<ObjectStore> | undefined;

  async function store(): Promise<ObjectStore> {
    opening ??= open();
    try {
      return await opening;
    } catch (error) {
      opening = undefined;
      throw error;
    }
  }

  return {
    put: async (key, content, options) => (await store()).put(key, content, options),
    copy: async (from, to, options) => (await store()).copy(from, to, options),
    head: async (key, options) => (await store()).head(key, options),
    get: async (key, options) => (await store()).get(key, options),
    async *list(prefix, options) {
      yield* (await store()).list(prefix, options);
    },
    remove: async (keys, options) => (await store()).remove(keys, options),
    presign: async (key, options) => (await store()).presign(key, options),
    close: () => void opening?.then((opened) => opened.close()).catch(() => undefined),
  };
}
