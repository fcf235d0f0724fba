import { isEmptyBlob, type CacheDigest } from '../cache/cache-digest.js';
import { inTransaction, query, type Sql } from '../database/sql.js';
import { MillraceError } from '../errors/millrace-error.js';
import { blobLookup, digestColumns, digestKey, digestParameters, digestRows, inLockOrder, toDigest, type SelectedDigest } from './blob-keys.js';
import type { CacheRecord, NewBlob } from './cache-record.js';
import { countUsage } from './count-usage.js';
import { groupByInstance } from './group-by-instance.js';
import { useTimes, type RecordContext, type UseTimes } from './record-context.js';

/** Milliseconds after which an announced object that nobody committed is garbage. */
export const announcementLife = 24 * 60 * 60 * 1000;
/** Calls that share a transaction. */
const largestBatch = 64;
/** Bytes of content of one statement. */
const contentBytes = 8 * 1024 * 1024;

interface PushedBlob extends NewBlob {
  readonly by: string;
}

export function createBlobWrites(context: RecordContext): Pick<CacheRecord, 'announceObject' | 'commitBlobs'> {
  const commit = groupByInstance(context, { commit: (instance, pushes: readonly (readonly PushedBlob[])[]) => commitPushes(context, instance, pushes), largestBatch });
  return {
    announceObject: groupByInstance(context, { commit: (instance, keys: readonly string[]) => announceObjects(context, instance, keys), largestBatch }),

    async commitBlobs(instance, blobs, by) {
      digestParameters(blobs.map(({ digest }) => digest));
      return commit(instance, blobs.map((blob) => ({ ...blob, by })));
    },
  };
}

async function announceObjects({ database, now }: RecordContext, instance: string, keys: readonly string[]): Promise<readonly undefined[]> {
  const due = new Date(now().getTime() + announcementLife).toISOString();
  await query(database, 'insert into cache_objects (instance, key, due_at, announced) select $1, key, $2, true from unnest($3::text[]) as key', [instance, due, keys]);
  return keys.map(() => undefined);
}

async function commitPushes(context: RecordContext, instance: string, pushes: readonly (readonly PushedBlob[])[]): Promise<readonly (readonly boolean[])[]> {
  const times = useTimes(context, instance);
  const blobs = pushes.flat();
  return inTransaction(context.database, async ({ sql }) => {
    await takeAnnounced(sql, instance, blobs);
    const distinct = new Map([...blobs].reverse().filter(({ digest }) => !isEmptyBlob(digest)).map((blob) => [digestKey(blob.digest), blob]));
    const ids = await insertBlobs(sql, instance, inLockOrder([...distinct.values()], ({ digest }) => digest), times);
    const fresh = new Set([...distinct].filter(([key]) => ids.has(key)).map(([, blob]) => blob));
    await insertContents(sql, [...fresh], ids);
    await touchPresent(sql, instance, [...distinct.values()].filter((blob) => !fresh.has(blob)).map(({ digest }) => digest), times);
    await discard(sql, instance, objectsOf(blobs.filter((blob) => !fresh.has(blob))), times.now);
    await countUsage(sql, instance, { blobs: fresh.size, bytes: [...fresh].reduce((sum, { digest }) => sum + digest.size, 0) });
    return pushes.map((push) => push.map((blob) => fresh.has(blob)));
  });
}

const objectsOf = (blobs: readonly NewBlob[]): string[] => blobs.flatMap(({ place }) => ('object' in place ? [place.object] : []));

/** An announcement that the garbage collection has taken is gone: its object may be, too. */
async function takeAnnounced(sql: Sql, instance: string, blobs: readonly NewBlob[]): Promise<void> {
  const keys = objectsOf(blobs);
  if (keys.length === 0) return;
  const taken = await sql<{ key: string }>('delete from cache_objects where instance = $1 and key = any($2::text[]) and announced returning key', [instance, keys]);
  if (taken.length === keys.length) return;
  const known = new Set(taken.map(({ key }) => key));
  throw new MillraceError('storage-conflict', `an object was to be committed that is not announced any more: ${keys.find((key) => !known.has(key)) ?? 'one of them twice'}`, {
    suggestion: 'Write it again: an upload that took longer than a day is garbage.',
  });
}

/** Ids of those that are new, by digest. The others are held as well. */
async function insertBlobs(sql: Sql, instance: string, blobs: readonly PushedBlob[], { now }: UseTimes): Promise<ReadonlyMap<string, string>> {
  if (blobs.length === 0) return new Map();
  const objects = blobs.map(({ place }) => ('object' in place ? place.object : null));
  const rows = await sql<SelectedDigest & { id: string }>(
    `insert into cache_blobs as b (instance, hash, function, size, present, object, pushed_by, used_at, ranked_at)
     select $1, w.hash, w.function, w.size, true, ($3::text[])[w.place], ($4::text[])[w.place], $2, $2 from ${digestRows(5)} w order by w.place
     on conflict on constraint cache_blobs_digest do update set present = true, object = excluded.object, pushed_by = excluded.pushed_by, used_at = excluded.used_at where not b.present
     returning b.id, ${digestColumns('b')}`,
    [instance, now, objects, blobs.map(({ by }) => by), ...digestParameters(blobs.map(({ digest }) => digest))],
  );
  return new Map(rows.map((row) => [digestKey(toDigest(row)), row.id]));
}

async function insertContents(sql: Sql, blobs: readonly NewBlob[], ids: ReadonlyMap<string, string>): Promise<void> {
  const small = blobs.flatMap(({ digest, place }) => ('content' in place ? [{ id: ids.get(digestKey(digest)), content: place.content }] : []));
  for (let from = 0; from < small.length; ) {
    let to = from;
    for (let bytes = 0; to < small.length && (to === from || bytes < contentBytes); to += 1) bytes += small[to]?.content.length ?? 0;
    const some = small.slice(from, to);
    await sql(
      `insert into cache_blob_contents (blob_id, content)
       select id, substring($1::bytea from (sum(length) over (order by place) - length)::int + 1 for length) from unnest($2::bigint[], $3::int[]) with ordinality as given(id, length, place)
       on conflict (blob_id) do update set content = excluded.content`,
      [Buffer.concat(some.map(({ content }) => content)), some.map(({ id }) => id), some.map(({ content }) => content.length)],
    );
    from = to;
  }
}

async function touchPresent(sql: Sql, instance: string, digests: readonly CacheDigest[], { now, stale }: UseTimes): Promise<void> {
  if (digests.length === 0) return;
  await sql(
    `update cache_blobs set used_at = $2 where id = any(array(select b.id from ${blobLookup(4, 'id')})) and used_at < $3`,
    [instance, now, stale, ...digestParameters(digests)],
  );
}

/** Objects that no blob has, or has any more. */
export async function discard(sql: Sql, instance: string, keys: readonly string[], now: string): Promise<void> {
  if (keys.length === 0) return;
  await sql('insert into cache_objects (instance, key, due_at, announced) select $1, key, $2, false from unnest($3::text[]) as key on conflict (instance, key) do nothing', [instance, now, keys]);
}
