import path from 'node:path';
import { createArtifactCache, type OpenArtifactCache } from '../cache-engine/create-artifact-cache.js';
import type { CacheRecord } from '../cache-record/cache-record.js';
import { createCacheRecord } from '../cache-record/create-cache-record.js';
import type { Database } from '../database/open-database.js';
import { parseFileUrl } from '../object-storage/file-location.js';
import type { StorageMetrics } from '../object-storage/measured-store.js';
import type { ObjectStore } from '../object-storage/object-store.js';
import { openObjectStore } from '../object-storage/open-object-store.js';
import type { Settings } from '../settings/settings.js';
import { readCacheSettings, type CacheSettings } from './cache-settings.js';

/** The artifact cache as a process has it, joined by its settings. */
export interface CacheServiceParts {
  readonly settings: CacheSettings;
  readonly store: ObjectStore;
  readonly record: CacheRecord;
  readonly cache: OpenArtifactCache;
  /** Folder of what is on its way in. */
  readonly spool: string;
  close(): Promise<void>;
}

export interface CacheServiceOptions {
  readonly settings: Pick<Settings, 'cacheFile' | 'cacheBlobs' | 'home'>;
  readonly metrics?: StorageMetrics;
}

/** Connects to nothing yet. Errors: `invalid-setting`. */
export async function openCacheParts(database: Database, { settings: { cacheFile, cacheBlobs, home }, metrics }: CacheServiceOptions): Promise<CacheServiceParts> {
  const settings = await readCacheSettings({ cacheFile });
  const store = openObjectStore(cacheBlobs, { name: 'MILLRACE_CACHE_BLOBS', metrics });
  const record = createCacheRecord(database, { instances: new Map(settings.instances.map((instance) => [instance.name, instance])) });
  const spool = spoolOf(cacheBlobs, home);
  const cache = createArtifactCache({ record, store, spool, instances: settings.instances });
  return {
    settings,
    store,
    record,
    cache,
    spool,
    async close() {
      await cache.close();
      store.close();
    },
  };
}

/** Beside the objects of a directory, so that what is whole is moved; no instance's name begins with a dot. */
function spoolOf(blobs: string, home: string): string {
  return blobs.startsWith('file:') ? path.join(parseFileUrl(blobs, 'MILLRACE_CACHE_BLOBS'), '.millrace-spool') : path.join(home, 'cache-spool');
}
