import type { CacheDigest } from '../cache/cache-digest.js';
import type { Abortable } from './artifact-cache.js';

/** For clients that name blobs and actions by their hashes alone, as HTTP caches do: the Remote Execution API names them by hash and size. Errors: `database-unavailable`. */
export interface BlobsByHash {
  /** The size of a blob that is there; undefined: there is none. Does not keep it: whoever reads it does. */
  findBlob(instance: string, name: Pick<CacheDigest, 'function' | 'hash'>, options?: Abortable): Promise<CacheDigest | undefined>;
  /** Key of an `action` entry by the SHA-256 of its action, the latest where there are several; undefined: there is none. */
  findAction(instance: string, hash: string, options?: Abortable): Promise<string | undefined>;
}
