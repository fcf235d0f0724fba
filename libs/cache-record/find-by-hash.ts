import type { CacheDigest } from '../cache/cache-digest.js';
import type { Database } from '../database/open-database.js';
import { query } from '../database/sql.js';
import { digestColumns, functionNumbers, toDigest, type SelectedDigest } from './blob-keys.js';

/** For clients that name blobs and actions by their hashes alone, as HTTP caches do: the Remote Execution API names them by hash and size. Errors: `database-unavailable`. */
export interface NamesByHash {
  /** Of a blob that is there; undefined: there is none. Does not keep it: whoever reads it does. */
  findBlob(instance: string, name: Pick<CacheDigest, 'function' | 'hash'>): Promise<CacheDigest | undefined>;
  /** Key of the `action` entry of an action with this SHA-256, the latest used where there are several; undefined: there is none. */
  findAction(instance: string, hash: string): Promise<string | undefined>;
}

export function createNamesByHash(database: Database): NamesByHash {
  return {
    async findBlob(instance, { function: named, hash }) {
      const [row] = await query<SelectedDigest>(database, `select ${digestColumns('b')} from cache_blobs b where instance = $1 and hash = decode($2, 'hex') and function = $3 and present order by size limit 1`, [instance, hash, functionNumbers[named]]);
      return row && toDigest(row);
    },

    async findAction(instance, hash) {
      // What comes after a slash is a zero.
      const range = [`sha256:${hash}/`, `sha256:${hash}0`];
      const [row] = await query<{ key: string }>(database, `select key from cache_entries where instance = $1 and kind = 'action' and key_start >= $2 and key_start < $3 order by used_at desc limit 1`, [instance, ...range]);
      return row?.key;
    },
  };
}
