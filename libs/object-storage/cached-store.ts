import { LRUCache } from 'lru-cache';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { MillraceError } from '../errors/millrace-error.js';
import { rangeOf } from './byte-range.js';
import type { GetOptions, ObjectBody, ObjectStore } from './object-store.js';

export interface CacheLimits {
  /** Bytes of all that is kept. */
  readonly bytes: number;
  /** Bytes of the largest object that is kept. */
  readonly objectBytes: number;
}

interface Kept extends Omit<ObjectBody, 'content'> {
  readonly bytes: Buffer;
}

export const defaultCache: CacheLimits = { bytes: 64 * 1024 * 1024, objectBytes: 1024 * 1024 };

/**
 * Keeps small objects in memory, such as the index files that every client begins with. The store is asked each time whether the object is still that one, by its
 * etag: a request without a body, so that nobody is ever given an old index.
 */
export function cachedStore(store: ObjectStore, { bytes, objectBytes }: CacheLimits = defaultCache): ObjectStore {
  const cache = new LRUCache<string, Kept>({ maxSize: bytes, sizeCalculation: (kept) => kept.bytes.length + 1024 });

  async function current(key: string, kept: Kept, options: GetOptions): Promise<ObjectBody | undefined> {
    const head = await store.head(key, options.signal === undefined ? {} : { signal: options.signal });
    if (head?.etag !== kept.etag) {
      cache.delete(key);
      return undefined;
    }
    if (options.etag !== undefined && options.etag !== head.etag) throw new MillraceError('storage-conflict', `${key} is another object by now`);
    return bodyOf(key, { ...kept, modified: head.modified }, options);
  }

  async function keep(key: string, body: ObjectBody): Promise<ObjectBody> {
    const { content, ...head } = body;
    const kept = { ...head, bytes: await buffer(content) };
    cache.set(key, kept);
    return bodyOf(key, kept, {});
  }

  return {
    ...store,
    async get(key, options = {}) {
      const kept = cache.get(key);
      const known = kept === undefined ? undefined : await current(key, kept, options);
      if (known !== undefined) return known;
      const body = await store.get(key, options);
      if (options.range !== undefined || body.size > objectBytes) return body;
      return keep(key, body);
    },
    put(key, content, options) {
      cache.delete(key);
      return store.put(key, content, options);
    },
    copy(from, to, options) {
      cache.delete(to);
      return store.copy(from, to, options);
    },
    remove(keys, options) {
      for (const key of keys) cache.delete(key);
      return store.remove(keys, options);
    },
    close() {
      cache.clear();
      store.close();
    },
  };
}

function bodyOf(key: string, { bytes, ...head }: Kept, { range }: GetOptions): ObjectBody {
  const { start, end } = rangeOf(key, bytes.length, range);
  const part = bytes.subarray(start, end + 1);
  return { ...head, content: Readable.from(part.length === 0 ? [] : [part], { objectMode: false }) };
}
