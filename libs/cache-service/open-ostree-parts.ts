import { createNamedLocks } from '../database/advisory-locks.js';
import type { Database } from '../database/open-database.js';
import type { ExportParts } from '../ostree-exports/export-parts.js';
import { createOstreeRecord } from '../ostree-record/create-ostree-record.js';
import type { CacheServiceParts } from './open-cache-parts.js';

/** What exports of the cache's instances as OSTree repositories, and pushes to these, stand on. Connects to nothing yet. */
export function openOstreeParts(database: Database, { cache, store, spool }: Pick<CacheServiceParts, 'cache' | 'store' | 'spool'>, databaseUrl: string): ExportParts {
  return {
    cache,
    store,
    record: createOstreeRecord(database),
    locks: createNamedLocks(databaseUrl),
    spool,
  };
}
