import { query } from '../database/sql.js';
import type { CacheRecord } from './cache-record.js';
import { closureOf } from './find-entry.js';
import { useTimes, type RecordContext } from './record-context.js';

export function createUsage(context: RecordContext): Pick<CacheRecord, 'usage' | 'usedBytes' | 'exportedBytes'> {
  async function exportedBytes(instance: string): Promise<number> {
    useTimes(context, instance);
    const [sum] = await query<{ bytes: string }>(context.database, 'select coalesce(sum(bytes), 0)::bigint as bytes from ostree_objects where instance = $1 and unneeded_since is null', [instance]);
    return Number(sum?.bytes ?? 0);
  }

  return {
    exportedBytes,

    async usedBytes(instance) {
      useTimes(context, instance);
      const [sum] = await query<{ bytes: string }>(context.database, 'select coalesce(sum(bytes), 0)::bigint as bytes from cache_usage where instance = $1', [instance]);
      return Number(sum?.bytes ?? 0);
    },

    async usage(instance) {
      const { leased } = useTimes(context, instance);
      const [sums] = await query<{ bytes: string; blobs: string; entries: string }>(
        context.database,
        'select coalesce(sum(bytes), 0)::bigint as bytes, coalesce(sum(blobs), 0)::bigint as blobs, coalesce(sum(entries), 0)::bigint as entries from cache_usage where instance = $1',
        [instance],
      );
      const [kept] = await query<{ bytes: string }>(
        context.database,
        `${closureOf('select r.blob_id, r.shape from cache_entries e join cache_entry_blobs r on r.entry_id = e.id where e.instance = $1 and e.used_at > $2')},
         needed as (select distinct blob_id from closure)
         select coalesce(sum(bytes), 0)::bigint as bytes from (
           select b.size as bytes from cache_blobs b where b.instance = $1 and b.present and (b.used_at > $2 or b.id in (select blob_id from needed))
           union all select value_bytes from cache_entries where instance = $1 and used_at > $2) k`,
        [instance, leased],
      );
      return { bytes: Number(sums?.bytes ?? 0), blobs: Number(sums?.blobs ?? 0), entries: Number(sums?.entries ?? 0), kept: Number(kept?.bytes ?? 0), exported: await exportedBytes(instance) };
    },
  };
}
