import type { CacheInstance } from '../cache/cache-instance.js';
import type { ArtifactCacheEvent } from '../cache/cache-events.js';
import type { Database } from '../database/open-database.js';
import { inTransaction } from '../database/sql.js';
import type { CacheRecord } from './cache-record.js';
import { createCollection } from './collect-objects.js';
import { createBlobWrites } from './commit-blobs.js';
import { recordCacheEvent } from './entry-events.js';
import { createEviction } from './evict.js';
import { createExpansion } from './expand-blob.js';
import { createBlobReads } from './find-blobs.js';
import { createEntryReads } from './find-entry.js';
import { createForgetting } from './forget-old-entries.js';
import { createEntryLists } from './list-entries.js';
import { createLosses } from './lose-blob.js';
import { createEntryWrites } from './put-entries.js';
import { createUsage } from './read-usage.js';
import { useTimes, type RecordContext } from './record-context.js';
import { createRemoval } from './remove-entries.js';

export interface CacheRecordOptions {
  /** By their names. */
  readonly instances: ReadonlyMap<string, CacheInstance>;
  /** Else the clock of this machine. */
  readonly clock?: () => Date;
}

/** The record of all instances on PostgreSQL; see `cache-record.ts` for what it promises. */
export function createCacheRecord(database: Database, { instances, clock = () => new Date() }: CacheRecordOptions): CacheRecord {
  const context: RecordContext = { database, instances, now: clock };
  return {
    ...createBlobReads(context),
    ...createBlobWrites(context),
    ...createExpansion(context),
    ...createLosses(context),
    ...createEntryWrites(context),
    ...createEntryReads(context),
    ...createRemoval(context),
    ...createEviction(context),
    ...createCollection(context),
    ...createUsage(context),
    ...createEntryLists(context),
    ...createForgetting(context),
    async recordAlarm(instance, data) {
      useTimes(context, instance);
      const event: ArtifactCacheEvent = { type: 'CacheQuotaAlarm', data };
      await inTransaction(database, ({ sql }) => recordCacheEvent(sql, instance, event));
    },
  };
}
