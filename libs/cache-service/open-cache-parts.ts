import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { createArtifactCache, type OpenArtifactCache } from '../cache-engine/create-artifact-cache.js';
import { guardedStore } from '../cache-engine/guarded-store.js';
import { createStoreGuard, type StoreGuard } from '../cache-engine/store-guard.js';
import type { CacheRecord } from '../cache-record/cache-record.js';
import { createCacheRecord } from '../cache-record/create-cache-record.js';
import { createStoreRecord } from '../cache-record/store-record.js';
import type { Database } from '../database/open-database.js';
import { errorMessage } from '../errors/error-message.js';
import { parseFileUrl } from '../object-storage/file-location.js';
import type { StorageMetrics } from '../object-storage/measured-store.js';
import type { ObjectStore } from '../object-storage/object-store.js';
import { openObjectStore } from '../object-storage/open-object-store.js';
import type { Settings } from '../settings/settings.js';
import { readCacheSettings, type CacheSettings } from './cache-settings.js';

/** The artifact cache as a process has it, joined by its settings. */
export interface CacheServiceParts {
  readonly settings: CacheSettings;
  /** Guarded. */
  readonly store: ObjectStore;
  readonly guard: StoreGuard;
  readonly record: CacheRecord;
  readonly cache: OpenArtifactCache;
  /** Folder of what is on its way in; there once this resolves. Errors: `storage-unavailable`. */
  readonly spool: () => Promise<string>;
  close(): Promise<void>;
}

export interface CacheServiceOptions {
  readonly settings: Pick<Settings, 'cacheFile' | 'cacheBlobs' | 'home'>;
  readonly metrics?: StorageMetrics;
  /** What is wrong with the store, once; undefined: it is there again. */
  readonly onStore?: (problem: string | undefined) => void;
  /** What is wrong, but stops nobody. */
  readonly onProblem?: (reason: string) => void;
}

/** Connects to nothing yet. Errors: `invalid-setting`. */
export async function openCacheParts(database: Database, { settings: { cacheFile, cacheBlobs, home }, metrics, onStore, onProblem }: CacheServiceOptions): Promise<CacheServiceParts> {
  const settings = await readCacheSettings({ cacheFile });
  const opened = openObjectStore(cacheBlobs, { name: 'MILLRACE_CACHE_BLOBS', metrics });
  const record = createCacheRecord(database, { instances: new Map(settings.instances.map((instance) => [instance.name, instance])) });
  const guard = createStoreGuard({
    store: opened,
    record: createStoreRecord(database, { instances: settings.instances.map(({ name }) => name) }),
    ...(onStore === undefined ? {} : { onChange: onStore }),
    onUntold: (error) => onProblem?.(`an alarm of the cache's store is not in the record: ${errorMessage(error)}`),
  });
  const store = guardedStore(opened, guard);
  const spool = spoolOf(cacheBlobs, home);
  const cache = createArtifactCache({ record, store, guard, spool, instances: settings.instances });
  return {
    settings,
    store,
    guard,
    record,
    cache,
    async spool() {
      await guard.demand();
      await mkdir(spool, { recursive: true, mode: 0o700 });
      return spool;
    },
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
