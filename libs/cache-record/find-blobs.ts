import { isEmptyBlob, type CacheDigest } from '../cache/cache-digest.js';
import { checkDigest } from '../cache/check-entry.js';
import { query } from '../database/sql.js';
import { blobLookup, digestParameters, lockOrder } from './blob-keys.js';
import type { BlobPlace, CacheRecord } from './cache-record.js';
import { groupByInstance } from './group-by-instance.js';
import { useTimes, type RecordContext, type UseTimes } from './record-context.js';

interface LocatedBlob {
  readonly place: string;
  readonly id: string;
  readonly stale: boolean;
  readonly object: string | null;
  readonly content: Buffer | null;
}

const emptyPlace: BlobPlace = { content: Buffer.alloc(0) };
/** Digests up to which a call shares a statement with the others that come while one is under way, and how many do. */
const fewDigests = 16;
const largestBatch = 64;

export function createBlobReads(context: RecordContext): Pick<CacheRecord, 'present' | 'locate'> {
  const located = groupByInstance(context, { commit: (instance, calls: readonly (readonly CacheDigest[])[]) => lookUp(context, instance, calls), largestBatch });

  async function locateFew(digests: readonly CacheDigest[], { instance, times }: Asked): Promise<ReadonlyMap<number, LocatedBlob>> {
    // Before it is with others: a call is refused alone.
    digests.forEach(checkDigest);
    return touched(context, await located(instance, digests), times);
  }

  return {
    async present(instance, digests) {
      const times = useTimes(context, instance);
      if (digests.length === 0) return [];
      const found = digests.length <= fewDigests ? await locateFew(digests, { instance, times }) : await findPlaces(context, digests, { instance, times });
      return digests.map((digest, index) => isEmptyBlob(digest) || found.has(index + 1));
    },

    async locate(instance, digests) {
      const times = useTimes(context, instance);
      if (digests.length === 0) return [];
      const found = digests.length <= fewDigests ? await locateFew(digests, { instance, times }) : await touched(context, await locateBlobs(context, digests, { instance, times }), times);
      return digests.map((digest, index) => {
        const blob = found.get(index + 1);
        return isEmptyBlob(digest) ? emptyPlace : blob && toPlace(blob);
      });
    },
  };
}

export function toPlace({ object, content }: Pick<LocatedBlob, 'object' | 'content'>): BlobPlace {
  return object === null ? { content: content ?? Buffer.alloc(0) } : { object };
}

interface Asked {
  readonly instance: string;
  readonly times: UseTimes;
}

const numbers = (text: string | null): number[] => (text === null ? [] : text.split(',').map(Number));

/** From 1. The answer is one row: thousands would cost the driver more than the look-up costs the server. */
async function findPlaces(context: RecordContext, digests: readonly CacheDigest[], { instance, times }: Asked): Promise<ReadonlySet<number>> {
  const [row] = await query<{ fresh: string | null; stale: string | null; ids: string | null }>(
    context.database,
    `select string_agg(place::text, ',') filter (where not stale) as fresh, string_agg(place::text, ',') filter (where stale) as stale, string_agg(id::text, ',') filter (where stale) as ids
     from (select w.place, b.id, b.used_at < $2 as stale from ${blobLookup(3, 'id, used_at', 'present')}) found`,
    [instance, times.stale, ...digestParameters(digests)],
  );
  const ids = row?.ids?.split(',') ?? [];
  const kept = await touchBlobs(context, ids, times);
  return new Set([...numbers(row?.fresh ?? null), ...numbers(row?.stale ?? null).filter((_, index) => kept.has(ids[index] ?? ''))]);
}

/** What some calls ask for, in one statement that waits for nobody; places are those in a call. */
async function lookUp(context: RecordContext, instance: string, calls: readonly (readonly CacheDigest[])[]): Promise<readonly (readonly LocatedBlob[])[]> {
  const rows = await locateBlobs(context, calls.flat(), { instance, times: useTimes(context, instance) });
  const owners = calls.flatMap((digests, call) => digests.map((_, index) => ({ call, place: String(index + 1) })));
  const found: LocatedBlob[][] = calls.map(() => []);
  for (const row of rows) {
    const owner = owners[Number(row.place) - 1];
    if (owner !== undefined) found[owner.call]?.push({ ...row, place: owner.place });
  }
  return found;
}

async function locateBlobs({ database }: RecordContext, digests: readonly CacheDigest[], { instance, times }: Asked): Promise<readonly LocatedBlob[]> {
  return query<LocatedBlob>(
    database,
    `select w.place, b.id, b.used_at < $2 as stale, b.object, c.content from ${blobLookup(3, 'id, used_at, object', 'present')}
     left join cache_blob_contents c on c.blob_id = b.id and b.object is null`,
    [instance, times.stale, ...digestParameters(digests)],
  );
}

/** By place: those that are there to be used, their use written where it is old. */
async function touched(context: RecordContext, rows: readonly LocatedBlob[], times: UseTimes): Promise<ReadonlyMap<number, LocatedBlob>> {
  const kept = await touchBlobs(context, rows.filter(({ stale }) => stale).map(({ id }) => id), times);
  return new Map(rows.filter(({ id, stale }) => !stale || kept.has(id)).map((row) => [Number(row.place), row]));
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
