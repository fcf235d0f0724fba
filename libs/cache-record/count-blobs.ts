import { isEmptyBlob, type CacheDigest } from '../cache/cache-digest.js';
import type { BlobReference } from '../cache/cache-entry.js';
import type { Sql } from '../database/sql.js';
import { digestColumns, digestKey, digestParameters, digestRows, inLockOrder, lockOrder, shapeNumbers, toDigest, type SelectedDigest } from './blob-keys.js';

/** Each blob and shape once; the empty blob is nowhere. */
export function distinctReferences(references: readonly BlobReference[]): BlobReference[] {
  const distinct = new Map(references.filter(({ digest }) => !isEmptyBlob(digest)).map((one) => [`${digestKey(one.digest)} ${shapeNumbers[one.shape]}`, one]));
  return [...distinct.values()];
}

export interface CountChange {
  readonly digest: CacheDigest;
  /** 1: something more names it; -1: something less; 0: it is only held. */
  readonly by: 1 | 0 | -1;
}

/** Counts blobs, all in one order; those that are not known are remembered as absent. What is counted, or let go of, is used now. Ids by digest. */
export async function countBlobs(sql: Sql, instance: string, changes: readonly CountChange[], now: string): Promise<ReadonlyMap<string, string>> {
  const counts = new Map<string, { readonly digest: CacheDigest; count: number }>();
  for (const { digest, by } of changes) {
    const one = counts.get(digestKey(digest));
    if (one === undefined) counts.set(digestKey(digest), { digest, count: by });
    else one.count += by;
  }
  if (counts.size === 0) return new Map();
  const ordered = inLockOrder([...counts.values()], ({ digest }) => digest);
  const rows = await sql<SelectedDigest & { id: string }>(
    `insert into cache_blobs as b (instance, hash, function, size, present, used_at, ranked_at, counted)
     select $1, w.hash, w.function, w.size, false, $2, $2, ($3::int[])[w.place] from ${digestRows(4)} w order by w.place
     on conflict on constraint cache_blobs_digest do update set counted = b.counted + excluded.counted, used_at = greatest(b.used_at, excluded.used_at)
     returning b.id, ${digestColumns('b')}`,
    [instance, now, ordered.map(({ count }) => count), ...digestParameters(ordered.map(({ digest }) => digest))],
  );
  return new Map(rows.map((row) => [digestKey(toDigest(row)), row.id]));
}

/** Holds blobs in the order of locks, before they are written by their ids. */
export async function lockBlobs(sql: Sql, ids: readonly string[]): Promise<void> {
  await sql(`select id from cache_blobs where id = any($1::bigint[]) order by ${lockOrder} for no key update`, [[...new Set(ids)]]);
}

/**
 * Takes back what was counted: once for each time that an id is given. `usedAt`: what is let go of although it was not its turn is used then, so that what was found through
 * it stays for the lease.
 */
export async function uncountBlobs(sql: Sql, ids: readonly string[], usedAt?: string): Promise<void> {
  if (ids.length === 0) return;
  await lockBlobs(sql, ids);
  await sql(
    `update cache_blobs b set counted = b.counted - given.count${usedAt === undefined ? '' : ', used_at = greatest(b.used_at, $2)'} from (select id, count(*)::int as count from unnest($1::bigint[]) as id group by id) given where b.id = given.id and b.id = any($1::bigint[])`,
    usedAt === undefined ? [ids] : [ids, usedAt],
  );
}
