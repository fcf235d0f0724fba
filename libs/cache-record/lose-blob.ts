import { digestText } from '../cache/cache-digest.js';
import { inTransaction, query, type Sql } from '../database/sql.js';
import type { CacheRecord } from './cache-record.js';
import { discard } from './commit-blobs.js';
import { countUsage } from './count-usage.js';
import { recordCacheEvent } from './entry-events.js';
import { findPresent } from './expand-blob.js';
import { useTimes, type RecordContext } from './record-context.js';

/** Entries that need a blob, by whatever way. */
const entriesAbove = `with recursive above(blob_id) as (
  select $1::bigint
  union
  select e.parent_id from above a join cache_blob_children e on e.child_id = a.blob_id)
  select distinct r.entry_id as id from above a join cache_entry_blobs r on r.blob_id = a.blob_id`;

export function createLosses(context: RecordContext): Pick<CacheRecord, 'loseBlob'> {
  return {
    async loseBlob(instance, digest, place, problem) {
      const { now } = useTimes(context, instance);
      const lost = await inTransaction(context.database, async ({ sql }) => {
        const [blob] = await findPresent(sql, instance, digest);
        if (blob === undefined || !(await markAbsent(sql, blob.id, place))) return undefined;
        if (place !== '') await discard(sql, instance, [place], now);
        const entries = await sql<{ id: string }>(entriesAbove, [blob.id]);
        await recordCacheEvent(sql, instance, { type: 'CacheBlobLost', data: { digest: digestText(digest), problem, entries: entries.length } });
        await countUsage(sql, instance, { blobs: -1, bytes: -digest.size });
        return blob.id;
      });
      // After the commit: whoever finds an entry complete from now on has seen the loss, and whoever began before is told by the serial.
      if (lost !== undefined) await doubt(context, lost);
    },
  };
}

/** `place`: the key of its object; empty: its content is in the record. */
async function markAbsent(sql: Sql, id: string, place: string): Promise<boolean> {
  const rows = await sql(`update cache_blobs set present = false, object = null where id = $1 and present and coalesce(object, '') = $2 returning id`, [id, place]);
  if (rows.length > 0) await sql('delete from cache_blob_contents where blob_id = $1', [id]);
  return rows.length > 0;
}

async function doubt({ database }: RecordContext, blob: string): Promise<void> {
  await query(
    database,
    `with doubted as (select id from cache_entries where id in (${entriesAbove}) order by kind, name_digest for no key update)
     update cache_entries set verified_until = null, serial = serial + 1 where id = any(array(select id from doubted))`,
    [blob],
  );
}
