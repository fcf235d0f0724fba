import type { CacheEntryRemoved } from '../cache/cache-events.js';
import type { EntryKind } from '../cache/cache-entry.js';
import { checkEntryName, checkPusher } from '../cache/check-entry.js';
import { entryStreamId } from '../cache/entry-stream.js';
import { inTransaction, type Sql } from '../database/sql.js';
import type { CacheRecord } from './cache-record.js';
import { uncountBlobs } from './count-blobs.js';
import { countUsage } from './count-usage.js';
import { recordEntryEvents } from './entry-events.js';
import { nameKey } from './entry-rows.js';
import { useTimes, type RecordContext } from './record-context.js';

/** An entry that is held and about to go. */
export interface LeavingEntry {
  readonly id: string;
  readonly kind: EntryKind;
  readonly name_digest: Buffer;
  readonly value_bytes: number;
}

export const leavingColumns = 'id, kind, name_digest, value_bytes';

export function createRemoval(context: RecordContext): Pick<CacheRecord, 'removeEntry'> {
  return {
    async removeEntry(name, by, reason) {
      checkEntryName(name);
      checkPusher(by);
      const { now } = useTimes(context, name.instance);
      const { kind, nameDigest } = nameKey(name);
      return inTransaction(context.database, async ({ sql }) => {
        const condition = reason === 'expired' ? 'and expires_at <= $4' : '';
        const entries = await sql<LeavingEntry>(`select ${leavingColumns} from cache_entries where instance = $1 and kind = $2 and name_digest = $3 ${condition} for update`, [
          name.instance,
          kind,
          nameDigest,
          ...(reason === 'expired' ? [now] : []),
        ]);
        await dropEntries(sql, name.instance, { entries, removed: { reason, by }, usedAt: now });
        return entries.length > 0;
      });
    },
  };
}

export interface Leaving {
  readonly entries: readonly LeavingEntry[];
  readonly removed: CacheEntryRemoved;
  /** When their blobs were used, where it is not their turn yet; undefined: as it is written. */
  readonly usedAt: string | undefined;
}

/** Held entries go, and let go of their blobs. */
export async function dropEntries(sql: Sql, instance: string, { entries, removed, usedAt }: Leaving): Promise<void> {
  if (entries.length === 0) return;
  const ids = entries.map(({ id }) => id);
  const blobs = await sql<{ blob_id: string }>('delete from cache_entry_blobs where entry_id = any($1::bigint[]) returning blob_id', [ids]);
  await sql('delete from cache_entries where id = any($1::bigint[])', [ids]);
  await uncountBlobs(sql, blobs.map(({ blob_id }) => blob_id), usedAt);
  const named = entries.map(({ kind, name_digest }) => ({ instance, kind, nameDigest: name_digest, stream: entryStreamId({ instance, kind, nameDigest: name_digest.toString('hex') }) }));
  await recordEntryEvents(sql, named.map((one) => ({ ...one, event: { type: 'CacheEntryRemoved', data: removed } })));
  await countUsage(sql, instance, { entries: -entries.length, bytes: -entries.reduce((sum, { value_bytes }) => sum + value_bytes, 0) });
}
