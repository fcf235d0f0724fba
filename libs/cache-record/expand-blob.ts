import { isEmptyBlob, sameDigest, type CacheDigest } from '../cache/cache-digest.js';
import { checkDigest } from '../cache/check-entry.js';
import { inTransaction, query, type Sql } from '../database/sql.js';
import { blobLookup, digestKey, digestParameters, shapeNumbers } from './blob-keys.js';
import type { CacheRecord } from './cache-record.js';
import { countBlobs, distinctReferences } from './count-blobs.js';
import { useTimes, type RecordContext } from './record-context.js';

/** Ends the transaction without a trace: somebody else was first. */
const alreadyExpanded = new Error('somebody else has expanded it');

export function createExpansion(context: RecordContext): Pick<CacheRecord, 'expandBlob'> {
  return {
    async expandBlob(instance, digest, shape, children) {
      const { now } = useTimes(context, instance);
      const bit = shapeNumbers[shape];
      if (isEmptyBlob(digest)) return;
      for (const child of children) checkDigest(child.digest);
      const [parent] = await findPresent((text, parameters) => query(context.database, text, parameters), instance, digest);
      if (parent === undefined || (parent.expanded & bit) !== 0) return;
      // Nothing has its own digest in it; whoever claims so would keep it for ever.
      const distinct = distinctReferences(children).filter((child) => !sameDigest(child.digest, digest));
      try {
        await inTransaction(context.database, async ({ sql }) => {
          // With the parent itself, because all blobs are held in one order.
          const ids = await countBlobs(sql, instance, [{ digest, by: 0 }, ...distinct.map((child) => ({ digest: child.digest, by: 1 as const }))], now);
          const marked = await sql('update cache_blobs set expanded = expanded | $2::smallint where id = $1 and present and expanded & $2::smallint = 0 returning id', [parent.id, bit]);
          if (marked.length === 0) throw alreadyExpanded;
          await sql('insert into cache_blob_children (parent_id, parent_shape, child_id, child_shape) select $1, $2, * from unnest($3::bigint[], $4::smallint[])', [
            parent.id,
            bit,
            distinct.map((child) => ids.get(digestKey(child.digest))),
            distinct.map((child) => shapeNumbers[child.shape]),
          ]);
        });
      } catch (error) {
        if (error !== alreadyExpanded) throw error;
      }
    },
  };
}

export function findPresent(sql: Sql, instance: string, digest: CacheDigest): Promise<{ readonly id: string; readonly expanded: number }[]> {
  return sql(`select b.id, b.expanded from ${blobLookup(2, 'id, expanded', 'present')}`, [instance, ...digestParameters([digest])]);
}
