import { inTransaction, query, type Sql } from '../database/sql.js';
import { discard } from './commit-blobs.js';
import { lockOrder } from './blob-keys.js';
import { countUsage } from './count-usage.js';
import type { Evicted, EvictionGoal } from './evict.js';
import type { RecordContext } from './record-context.js';

export interface BlobVictim {
  readonly id: string;
  readonly size: number;
  readonly present: boolean;
}

/** Rows of the queue that are looked at together, and blobs that go together. */
const queueBatch = 2000;
const largestBatch = 500;

interface Queued {
  readonly id: string;
  readonly size: string;
  readonly present: boolean;
  readonly moved: boolean;
}

/**
 * Blobs that nothing counts, oldest use first, as many as make up the bytes. `ranked_at` is never later than the use: whoever is at the head of the queue and was used
 * since is moved back first, until the head is the oldest indeed.
 */
export async function findBlobVictims({ database }: RecordContext, instance: string, { before, bytes, limit }: { readonly before: string; readonly bytes: number; readonly limit: number }): Promise<readonly BlobVictim[]> {
  for (;;) {
    const queue = await query<Queued>(
      database,
      'select id, size, present, used_at > ranked_at as moved from cache_blobs where instance = $1 and counted = 0 and ranked_at < $2 order by ranked_at limit $3',
      [instance, before, queueBatch],
    );
    const moved = queue.filter((one) => one.moved);
    if (moved.length === 0) return takeUntil(queue, bytes, Math.min(limit, largestBatch));
    await query(
      database,
      `with held as (select id from cache_blobs where id = any($1::bigint[]) order by ${lockOrder} for no key update) update cache_blobs set ranked_at = used_at where id = any(array(select id from held))`,
      [moved.map(({ id }) => id)],
    );
  }
}

function takeUntil(queue: readonly Queued[], bytes: number, limit: number): BlobVictim[] {
  const victims: BlobVictim[] = [];
  let sum = 0;
  for (const { id, size, present } of queue) {
    if (sum >= bytes || victims.length >= limit) break;
    victims.push({ id, size: Number(size), present });
    if (present) sum += Number(size);
  }
  return victims;
}

interface HeldBlob extends BlobVictim {
  readonly object: string | null;
  readonly leaving: boolean;
}

/** What was used, counted or looked into since it was chosen stays. */
export async function evictBlobs({ database }: RecordContext, instance: string, { victims, goal }: { readonly victims: readonly BlobVictim[]; readonly goal: EvictionGoal }): Promise<Evicted> {
  return inTransaction(database, async ({ sql }) => {
    const ids = victims.map(({ id }) => id);
    const children = await sql<{ child_id: string }>('select distinct child_id from cache_blob_children where parent_id = any($1::bigint[])', [ids]);
    const held = await sql<HeldBlob>(
      `select id, size::float8 as size, present, object, id = any($2::bigint[]) and counted = 0 and used_at < $3 as leaving from cache_blobs where id = any($1::bigint[]) order by ${lockOrder} for update`,
      [[...new Set([...ids, ...children.map(({ child_id }) => child_id)])], ids, goal.before],
    );
    const leaving = await withoutNewChildren(sql, held.filter((one) => one.leaving), new Set(held.map(({ id }) => id)));
    await deleteBlobs(sql, leaving.map(({ id }) => id));
    await discard(sql, instance, leaving.flatMap(({ object }) => object ?? []), goal.now);
    const present = leaving.filter((one) => one.present);
    const bytes = present.reduce((sum, { size }) => sum + size, 0);
    await countUsage(sql, instance, { blobs: -present.length, bytes: -bytes });
    return { entries: 0, blobs: leaving.length, bytes };
  });
}

/** A directory that was looked into after its children were read has some that are not held. */
async function withoutNewChildren(sql: Sql, leaving: readonly HeldBlob[], held: ReadonlySet<string>): Promise<readonly HeldBlob[]> {
  const edges = await sql<{ parent_id: string; child_id: string }>('select parent_id, child_id from cache_blob_children where parent_id = any($1::bigint[])', [leaving.map(({ id }) => id)]);
  const grown = new Set(edges.filter(({ child_id }) => !held.has(child_id)).map(({ parent_id }) => parent_id));
  return leaving.filter(({ id }) => !grown.has(id));
}

async function deleteBlobs(sql: Sql, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await sql(
    `with gone as (delete from cache_blob_children where parent_id = any($1::bigint[]) returning child_id),
     given as (select child_id, count(*)::int as count from gone group by child_id)
     update cache_blobs b set counted = b.counted - given.count from given where b.id = given.child_id and b.id = any(array(select child_id from given))`,
    [ids],
  );
  await sql('with contents as (delete from cache_blob_contents where blob_id = any($1::bigint[])) delete from cache_blobs where id = any($1::bigint[])', [ids]);
}
