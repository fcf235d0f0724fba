import { isEmptyBlob, type CacheDigest } from '../cache/cache-digest.js';
import { query } from '../database/sql.js';
import { blobLookup, digestParameters, lockOrder } from './blob-keys.js';
import type { BlobPlace, CacheRecord } from './cache-record.js';
import { useTimes, type RecordContext, type UseTimes } from './record-context.js';

interface FoundBlob {
  readonly id: string;
  readonly place: string;
  readonly stale: boolean;
  readonly object: string | null;
  readonly content: Buffer | null;
}

const emptyPlace: BlobPlace = { content: Buffer.alloc(0) };

export function createBlobReads(context: RecordContext): Pick<CacheRecord, 'present' | 'locate'> {
  return {
    async present(instance, digests) {
      const found = await findBlobs(context, instance, digests, false);
      return digests.map((digest, index) => isEmptyBlob(digest) || found.has(index));
    },

    async locate(instance, digests) {
      const found = await findBlobs(context, instance, digests, true);
      return digests.map((digest, index) => {
        const blob = found.get(index);
        return isEmptyBlob(digest) ? emptyPlace : blob && toPlace(blob);
      });
    },
  };
}

export function toPlace({ object, content }: Pick<FoundBlob, 'object' | 'content'>): BlobPlace {
  return object === null ? { content: content ?? Buffer.alloc(0) } : { object };
}

/** By position in `digests`. */
async function findBlobs(context: RecordContext, instance: string, digests: readonly CacheDigest[], places: boolean): Promise<ReadonlyMap<number, FoundBlob>> {
  const times = useTimes(context, instance);
  if (digests.length === 0) return new Map();
  const rows = await query<FoundBlob>(
    context.database,
    `select w.place, b.id, b.used_at < $2 as stale${places ? ', b.object, c.content' : ''} from ${blobLookup(3, 'id, used_at, object', 'present')}
     ${places ? 'left join cache_blob_contents c on c.blob_id = b.id and b.object is null' : ''}`,
    [instance, times.stale, ...digestParameters(digests)],
  );
  const kept = await touchBlobs(context, rows.filter(({ stale }) => stale).map(({ id }) => id), times);
  return new Map(rows.filter(({ id, stale }) => !stale || kept.has(id)).map((row) => [Number(row.place) - 1, row]));
}

/**
 * Writes the use of blobs, and tells which are there to be used: what has been evicted since it was read is not. Rows that others hold are passed over at first,
 * because most of those are being touched as well; then they are waited for in the order of locks, and are touched, fresh or gone.
 */
export async function touchBlobs({ database }: RecordContext, ids: readonly string[], { now, stale }: Pick<UseTimes, 'now' | 'stale'>): Promise<ReadonlySet<string>> {
  const distinct = [...new Set(ids)];
  if (distinct.length === 0) return new Set();
  const touch = (lock: string, given: readonly string[]): Promise<{ id: string }[]> =>
    query(
      database,
      `with held as (select id, used_at from cache_blobs where id = any($1::bigint[]) and present order by ${lockOrder} for no key update ${lock}),
       touched as (update cache_blobs set used_at = $2 where id = any(array(select id from held where used_at < $3)))
       select id from held`,
      [given, now, stale],
    );
  const kept = new Set((await touch('skip locked', distinct)).map(({ id }) => id));
  const passed = distinct.filter((id) => !kept.has(id));
  if (passed.length > 0) for (const { id } of await touch('', passed)) kept.add(id);
  return kept;
}
