import { inTransaction, type Sql } from '../database/sql.js';
import type { Evicted, EvictionGoal } from './evict.js';
import type { RecordContext } from './record-context.js';

/** Rows of one round trip. */
const page = 200;

interface Candidate {
  readonly id: string;
  readonly bytes: number;
  /** Seconds. */
  readonly used: number;
}

interface CountedBlob extends Candidate {
  readonly counted: number;
  readonly present: boolean;
  readonly expanded: boolean;
}


const blobColumns = `b.id, b.size::float8 as bytes, extract(epoch from b.used_at)::float8 as used, b.counted, b.present, b.expanded > 0 as expanded`;

/**
 * What a whole round would take, reckoned on one snapshot by the rules of `evict.ts` without holding anything: pushes and reads go on meanwhile. Memory is in proportion to
 * what would go.
 */
export async function rehearseEviction({ database }: RecordContext, instance: string, goal: EvictionGoal): Promise<Evicted & { readonly more: false }> {
  return inTransaction(database, async ({ sql }) => {
    await sql('set transaction isolation level repeatable read, read only');
    const [limit] = await sql<{ used: number }>('select extract(epoch from $1::timestamptz)::float8 as used', [goal.before]);
    const round = createRound(sql, limit?.used ?? 0);
    const expired = await openCursor<Candidate>(sql, 'expired', `select id, value_bytes::float8 as bytes, 0::float8 as used from cache_entries where instance = $1 and expires_at <= $2`, [instance, goal.now]);
    for (let one = await expired.take(); one !== undefined; one = await expired.take()) await round.drop(one, true);
    const blobs = await openCursor<CountedBlob>(sql, 'blobs', `select ${blobColumns} from cache_blobs b where instance = $1 and counted = 0 and used_at < $2 order by used_at`, [instance, goal.before]);
    const entries = await openCursor<Candidate>(
      sql,
      'entries',
      `select id, value_bytes::float8 as bytes, extract(epoch from used_at)::float8 as used from cache_entries where instance = $1 and used_at < $2 and (expires_at is null or expires_at > $3) order by used_at, id`,
      [instance, goal.before, goal.now],
    );
    while (round.sum.bytes < goal.excess) {
      const [blob, freed, entry] = [await blobs.peek(), round.freed[0], await entries.peek()];
      const oldest = Math.min(blob?.used ?? Infinity, freed?.used ?? Infinity);
      if (entry !== undefined && !(oldest < entry.used)) await round.drop((await entries.take()) ?? entry, false);
      else if (freed !== undefined && freed.used === oldest) await round.delete(round.freed.shift() ?? freed);
      else if (blob !== undefined) await round.delete((await blobs.take()) ?? blob);
      else break;
    }
    return { ...round.sum, more: false };
  });
}

interface Cursor<Row> {
  peek(): Promise<Row | undefined>;
  take(): Promise<Row | undefined>;
}

async function openCursor<Row>(sql: Sql, name: string, text: string, parameters: readonly unknown[]): Promise<Cursor<Row>> {
  await sql(`declare rehearsed_${name} no scroll cursor for ${text}`, parameters);
  let rows: Row[] = [];
  let at = 0;
  const peek = async (): Promise<Row | undefined> => {
    if (at === rows.length) [rows, at] = [await sql<Row>(`fetch ${page} from rehearsed_${name}`), 0];
    return rows[at];
  };
  return {
    peek,
    async take() {
      const row = await peek();
      if (row !== undefined) at += 1;
      return row;
    },
  };
}

interface Round {
  readonly sum: { entries: number; blobs: number; bytes: number };
  /** What nothing counts any more, oldest use first. */
  readonly freed: CountedBlob[];
  /** `fresh`: what it needed is used now. */
  drop(entry: Candidate, fresh: boolean): Promise<void>;
  delete(blob: CountedBlob): Promise<void>;
}

function createRound(sql: Sql, before: number): Round {
  const sum = { entries: 0, blobs: 0, bytes: 0 };
  const freed: CountedBlob[] = [];
  const uncounted = new Map<string, number>();
  const touched = new Set<string>();

  function uncount(blob: CountedBlob, fresh: boolean): void {
    const counts = (uncounted.get(blob.id) ?? 0) + 1;
    uncounted.set(blob.id, counts);
    if (fresh) touched.add(blob.id);
    if (counts < blob.counted || touched.has(blob.id) || blob.used >= before) return;
    freed.splice(placeOf(freed, blob.used), 0, blob);
  }

  return {
    sum,
    freed,
    async drop({ id, bytes }, fresh) {
      sum.entries += 1;
      sum.bytes += bytes;
      for (const blob of await sql<CountedBlob>(`select ${blobColumns} from cache_entry_blobs r join cache_blobs b on b.id = r.blob_id where r.entry_id = $1`, [id])) uncount(blob, fresh);
    },
    async delete({ id, bytes, present, expanded }) {
      sum.blobs += 1;
      if (present) sum.bytes += bytes;
      if (!expanded) return;
      for (const blob of await sql<CountedBlob>(`select ${blobColumns} from cache_blob_children e join cache_blobs b on b.id = e.child_id where e.parent_id = $1`, [id])) uncount(blob, false);
    },
  };
}

/** The first place after all that are as old. */
function placeOf(sorted: readonly Candidate[], used: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle]?.used ?? Infinity) <= used) low = middle + 1;
    else high = middle;
  }
  return low;
}
