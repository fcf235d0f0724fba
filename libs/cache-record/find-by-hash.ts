import type { CacheDigest } from '../cache/cache-digest.js';
import type { Database } from '../database/open-database.js';
import { groupCommit } from '../database/group-commit.js';
import { query } from '../database/sql.js';
import { digestColumns, functionNumbers, toDigest, type SelectedDigest } from './blob-keys.js';

/** For clients that name blobs and actions by their hashes alone, as HTTP caches do: the Remote Execution API names them by hash and size. Errors: `database-unavailable`. */
export interface NamesByHash {
  /** Of a blob that is there; undefined: there is none. Does not keep it: whoever reads it does. */
  findBlob(instance: string, name: Pick<CacheDigest, 'function' | 'hash'>): Promise<CacheDigest | undefined>;
  /** Key of the `action` entry of an action with this SHA-256, the latest used where there are several; undefined: there is none. */
  findAction(instance: string, hash: string): Promise<string | undefined>;
}

interface HashName {
  readonly instance: string;
  readonly hash: string;
  readonly number: number;
}

/** Look-ups that come while one is under way share the next statement. */
const largestBatch = 64;

export function createNamesByHash(database: Database): NamesByHash {
  const findBlob = groupCommit({ commit: (names: readonly HashName[]) => findBlobs(database, names), largestBatch });
  return {
    findBlob: (instance, { function: named, hash }) => findBlob({ instance, hash, number: functionNumbers[named] }),

    async findAction(instance, hash) {
      // What comes after a slash is a zero.
      const range = [`sha256:${hash}/`, `sha256:${hash}0`];
      const [row] = await query<{ key: string }>(database, `select key from cache_entries where instance = $1 and kind = 'action' and key_start >= $2 and key_start < $3 order by used_at desc limit 1`, [instance, ...range]);
      return row?.key;
    },
  };
}

async function findBlobs(database: Database, names: readonly HashName[]): Promise<readonly (CacheDigest | undefined)[]> {
  const rows = await query<SelectedDigest & { place: string }>(
    database,
    `select w.place, ${digestColumns('b')} from unnest($1::text[], $2::text[], $3::smallint[]) with ordinality as w(instance, hash, function, place)
     cross join lateral (select hash, function, size from cache_blobs where instance = w.instance and hash = decode(w.hash, 'hex') and function = w.function and present order by size limit 1) b`,
    [names.map(({ instance }) => instance), names.map(({ hash }) => hash), names.map(({ number }) => number)],
  );
  const found = new Map(rows.map((row) => [Number(row.place), toDigest(row)]));
  return names.map((_, index) => found.get(index + 1));
}
