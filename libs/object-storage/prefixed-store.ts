import { assertObjectKey, assertObjectPrefix } from './object-key.js';
import type { ObjectStore } from './object-store.js';

/** The objects of a store below a folder, so that several users share one connection and one lock. Closing it leaves the store open. `folder`: no slash at its end. */
export function prefixedStore(store: ObjectStore, folder: string): ObjectStore {
  if (folder === '') return { ...store, close: () => undefined };
  const prefix = `${folder}/`;
  assertObjectPrefix(prefix);
  const inside = (key: string): string => {
    assertObjectKey(key);
    return `${prefix}${key}`;
  };
  return {
    put: async (key, content, options) => store.put(inside(key), content, options),
    copy: async (from, to, options) => store.copy(inside(from), inside(to), options),
    head: async (key, options) => store.head(inside(key), options),
    get: async (key, options) => store.get(inside(key), options),
    async *list(below, options = {}) {
      assertObjectPrefix(below);
      const after = options.after === undefined || options.after === '' ? {} : { after: `${prefix}${options.after}` };
      for await (const object of store.list(`${prefix}${below}`, { ...options, ...after })) yield { ...object, key: object.key.slice(prefix.length) };
    },
    remove: async (keys, options) => store.remove(keys.map(inside), options),
    presign: async (key, options) => store.presign(inside(key), options),
    close: () => undefined,
  };
}
