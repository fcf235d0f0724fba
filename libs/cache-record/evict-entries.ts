import type { CacheEntryRemoved } from '../cache/cache-events.js';
import { inTransaction, query } from '../database/sql.js';
import type { Evicted, EvictionGoal } from './evict.js';
import type { RecordContext } from './record-context.js';
import { dropEntries, leavingColumns, type LeavingEntry } from './remove-entries.js';

/** When the entry was used that goes next. */
export async function findOldestUse({ database }: RecordContext, instance: string, { before }: EvictionGoal): Promise<string | undefined> {
  const [row] = await query<{ used_at: string }>(database, 'select used_at::text as used_at from cache_entries where instance = $1 and used_at < $2 order by used_at, id limit 1', [instance, before]);
  return row?.used_at;
}

/** Entries that somebody holds are being used, and are passed over. */
export async function evictEntries({ database }: RecordContext, instance: string, { goal, limit, removed }: { readonly goal: EvictionGoal; readonly limit: number; readonly removed: CacheEntryRemoved }): Promise<Evicted> {
  const expired = removed.reason === 'expired';
  return inTransaction(database, async ({ sql }) => {
    const entries = await sql<LeavingEntry>(
      `select ${leavingColumns} from cache_entries where instance = $1 and ${expired ? 'expires_at <= $2 order by expires_at' : 'used_at < $2 order by used_at, id'} limit $3 for update skip locked`,
      [instance, expired ? goal.now : goal.before, limit],
    );
    // An entry that expires may have been found a moment ago: its blobs are leased from now on.
    await dropEntries(sql, instance, { entries, removed, usedAt: expired ? goal.now : undefined });
    return { entries: entries.length, blobs: 0, bytes: entries.reduce((sum, { value_bytes }) => sum + value_bytes, 0) };
  });
}
