import { isEmptyBlob, sameDigest, type CacheDigest } from '../cache/cache-digest.js';
import type { BlobReference } from '../cache/cache-entry.js';
import { checkDigest } from '../cache/check-entry.js';
import { inTransaction, query, type Sql } from '../database/sql.js';
import { blobLookup, digestKey, digestParameters, shapeNumbers } from './blob-keys.js';
import type { CacheRecord } from './cache-record.js';
import { countBlobs, distinctReferences, type CountChange } from './count-blobs.js';
import { groupByInstance } from './group-by-instance.js';
import { useTimes, type RecordContext } from './record-context.js';

/** Calls that share a transaction. */
const largestBatch = 16;

interface Expansion {
  readonly digest: CacheDigest;
  readonly bit: number;
  readonly children: readonly BlobReference[];
}

/** Ends the transaction without a trace: somebody else was first. */
const alreadyExpanded = new Error('somebody else has expanded it');

export function createExpansion(context: RecordContext): Pick<CacheRecord, 'expandBlob'> {
  const expand = groupByInstance(context, { commit: (instance, expansions: readonly Expansion[]) => expandBlobs(context, instance, expansions), largestBatch });
  return {
    async expandBlob(instance, digest, shape, children) {
      for (const one of [digest, ...children.map((child) => child.digest)]) checkDigest(one);
      if (isEmptyBlob(digest)) return;
      // Nothing has its own digest in it; whoever claims so would keep it for ever.
      const distinct = distinctReferences(children).filter((child) => !sameDigest(child.digest, digest));
      await expand(instance, { digest, bit: shapeNumbers[shape], children: distinct }).catch((error: unknown) => {
        if (error !== alreadyExpanded) throw error;
      });
    },
  };
}

interface Parent extends Expansion {
  readonly id: string;
}

/** Those that are there and were not looked into as this, each once. */
async function findParents(context: RecordContext, instance: string, expansions: readonly Expansion[]): Promise<readonly Parent[]> {
  const parents = new Map<string, Parent>();
  const rows = await findPresent((text, parameters) => query(context.database, text, parameters), instance, expansions.map(({ digest }) => digest));
  for (const { place, id, expanded } of rows) {
    const expansion = expansions[Number(place) - 1];
    if (expansion !== undefined && (expanded & expansion.bit) === 0) parents.set(`${id} ${expansion.bit}`, { ...expansion, id });
  }
  return [...parents.values()];
}

/** When one of several was expanded meanwhile, the group tries each alone. */
async function expandBlobs(context: RecordContext, instance: string, expansions: readonly Expansion[]): Promise<readonly undefined[]> {
  const { now } = useTimes(context, instance);
  const parents = await findParents(context, instance, expansions);
  if (parents.length > 0) await inTransaction(context.database, ({ sql }) => writeChildren(sql, instance, { parents, now }));
  return expansions.map(() => undefined);
}

async function writeChildren(sql: Sql, instance: string, { parents, now }: { readonly parents: readonly Parent[]; readonly now: string }): Promise<void> {
  // With the parents themselves, because all blobs are held in one order.
  const changes = parents.flatMap(({ digest, children }): CountChange[] => [{ digest, by: 0 }, ...children.map((child) => ({ digest: child.digest, by: 1 as const }))]);
  const ids = await countBlobs(sql, instance, changes, now);
  const marked = await sql(
    'update cache_blobs b set expanded = expanded | p.bit from unnest($1::bigint[], $2::smallint[]) as p(id, bit) where b.id = p.id and b.id = any($1::bigint[]) and b.present and b.expanded & p.bit = 0 returning b.id',
    [parents.map(({ id }) => id), parents.map(({ bit }) => bit)],
  );
  if (marked.length < parents.length) throw alreadyExpanded;
  const edges = parents.flatMap(({ id, bit, children }) => children.map((child) => ({ id, bit, child: ids.get(digestKey(child.digest)), shape: shapeNumbers[child.shape] })));
  await sql('insert into cache_blob_children (parent_id, parent_shape, child_id, child_shape) select * from unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::smallint[])', [
    edges.map(({ id }) => id),
    edges.map(({ bit }) => bit),
    edges.map(({ child }) => child),
    edges.map(({ shape }) => shape),
  ]);
}

/** By place from 1. */
export function findPresent(sql: Sql, instance: string, digests: readonly CacheDigest[]): Promise<{ readonly place: string; readonly id: string; readonly expanded: number }[]> {
  return sql(`select w.place, b.id, b.expanded from ${blobLookup(2, 'id, expanded', 'present')}`, [instance, ...digestParameters(digests)]);
}
