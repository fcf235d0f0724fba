import type { CacheDigest } from '../cache/cache-digest.js';
import type { BlobReference } from '../cache/cache-entry.js';
import { checkEntryName } from '../cache/check-entry.js';
import { query, type Sql } from '../database/sql.js';
import { digestColumns, toDigest, toShape, type SelectedDigest } from './blob-keys.js';
import type { CacheRecord } from './cache-record.js';
import { entryColumns, nameKey, toEntry, type SelectedEntry } from './entry-rows.js';
import { useTimes, type RecordContext } from './record-context.js';

const unexpandedAtOnce = 1000;
const missingShown = 100;

/** All that an entry needs, as far as it was looked into; `union` ends loops, whatever directories claim. */
export const closureOf = (start: string): string => `with recursive closure(blob_id, shape) as (
  ${start}
  union
  select e.child_id, e.child_shape from closure c join cache_blob_children e on e.parent_id = c.blob_id and e.parent_shape = c.shape where c.shape <> 0)`;

export function createEntryReads(context: RecordContext): Pick<CacheRecord, 'findEntry'> {
  const sql: Sql = (text, parameters) => query(context.database, text, parameters);
  return {
    async findEntry(name) {
      checkEntryName(name);
      const times = useTimes(context, name.instance);
      const { kind, nameDigest } = nameKey(name);
      const [row] = await sql<SelectedEntry & { verified: boolean | null; serial: number }>(
        `select ${entryColumns}, serial, verified_until > $4 as verified from cache_entries where instance = $1 and kind = $2 and name_digest = $3 and (expires_at is null or expires_at > $4)`,
        [name.instance, kind, nameDigest, times.now],
      );
      if (row === undefined) return undefined;
      if (row.verified === true) return { entry: toEntry(row), complete: true, unexpanded: [], missing: [] };
      const lacking = await findLacking(sql, row.id);
      if (lacking.missing.length > 0 || lacking.unexpanded.length > 0) return { entry: toEntry(row), complete: false, ...lacking };
      return (await keep(sql, row, times)) ? { entry: toEntry(row), complete: true, unexpanded: [], missing: [] } : undefined;
    },
  };
}

/**
 * The entry alone is used: while it is there, what it needs is counted, and not evicted. It may have been replaced, or have lost a blob, since it was read: then it is kept, and
 * looked at anew next time. False: it is gone.
 */
async function keep(sql: Sql, { id, serial }: { readonly id: string; readonly serial: number }, { now, verifiedUntil }: { readonly now: string; readonly verifiedUntil: string }): Promise<boolean> {
  const rows = await sql('update cache_entries set used_at = greatest(used_at, $2), verified_until = case when serial = $3 then $4::timestamptz else verified_until end where id = $1 returning id', [id, now, serial, verifiedUntil]);
  return rows.length > 0;
}

async function findLacking(sql: Sql, entry: string): Promise<{ readonly unexpanded: readonly BlobReference[]; readonly missing: readonly CacheDigest[] }> {
  const rows = await sql<SelectedDigest & { shape: number; present: boolean }>(
    `${closureOf('select blob_id, shape from cache_entry_blobs where entry_id = $1')},
     lacking as (select b.hash, b.function, b.size, c.shape, b.present from closure c join cache_blobs b on b.id = c.blob_id where not b.present or (c.shape <> 0 and b.expanded & c.shape = 0))
     (select ${digestColumns('l')}, shape, present from lacking l where present limit ${unexpandedAtOnce}) union all (select ${digestColumns('l')}, shape, present from lacking l where not present limit ${missingShown})`,
    [entry],
  );
  return {
    unexpanded: rows.filter(({ present }) => present).map((row) => ({ digest: toDigest(row), shape: toShape(row.shape) })),
    missing: rows.filter(({ present }) => !present).map(toDigest),
  };
}
