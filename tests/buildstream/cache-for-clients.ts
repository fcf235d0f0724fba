import { mkdirSync } from 'node:fs';
import path from 'node:path';
import pino from 'pino';
import { defaultCacheLimits, type CacheContext } from '../../apps/cache/cache-context.js';
import { openCacheCredentials } from '../../apps/cache/server/cache-credentials.js';
import { startCacheServer } from '../../apps/cache/server/start-cache-server.js';
import { cacheServices } from '../../apps/cache/services/cache-services.js';
import { openAccess } from '../../libs/cache-access/__fixtures__/opened-access.js';
import { createArtifactCache, type OpenArtifactCache } from '../../libs/cache-engine/create-artifact-cache.js';
import { createCacheRecord } from '../../libs/cache-record/create-cache-record.js';
import type { CacheInstance } from '../../libs/cache/cache-instance.js';
import type { Database } from '../../libs/database/open-database.js';
import { openDirectoryStore } from '../../libs/object-storage/directory/open-directory-store.js';
import type { Settings } from '../../libs/settings/settings.js';

export interface CacheForClients extends AsyncDisposable {
  readonly port: number;
  readonly cache: OpenArtifactCache;
  /** Where its larger blobs are. */
  readonly blobs: string;
}

export interface CacheForClientsOptions {
  readonly database: Database;
  readonly folder: string;
  readonly instances?: readonly (Pick<CacheInstance, 'name'> & Partial<CacheInstance>)[];
  /** As `login` in the file of MILLRACE_CACHE. */
  readonly login?: object;
  /** As `access` there, of every instance; without: everybody pulls and pushes nothing. */
  readonly access?: object;
  readonly tls?: Settings['cacheTls'];
}

/** The cache's port with all its parts, in this process: PostgreSQL, a directory, and who may do what. */
export async function startCacheForClients({ database, folder, instances: given = [{ name: 'main' }], login = {}, access: rules = {}, tls }: CacheForClientsOptions): Promise<CacheForClients> {
  const log = pino({ level: 'silent' });
  const instances: CacheInstance[] = given.map((instance) => ({ quota: { high: 1e9, low: 5e8 }, limit: 2e9, lease: 3600, maximumAge: undefined, blobBytes: 1e9, evictionPaused: false, ...instance }));
  const record = createCacheRecord(database, { instances: new Map(instances.map((instance) => [instance.name, instance])) });
  const blobs = path.join(folder, 'blobs');
  mkdirSync(blobs, { recursive: true });
  const cache = createArtifactCache({ record, store: openDirectoryStore(blobs), spool: path.join(folder, 'spool'), instances });
  // JSON is YAML.
  const settings = JSON.stringify({ login, instances: Object.fromEntries(instances.map(({ name }) => [name, rules])) });
  const { access } = await openAccess(settings, { certificates: tls?.clientAuthorities !== undefined });
  const context: CacheContext = { cache, access, limits: defaultCacheLimits, log };
  const credentials = openCacheCredentials(tls, { log });
  const server = await startCacheServer(context, { host: '127.0.0.1', port: 0, tls: credentials, services: cacheServices(context) });
  return {
    port: server.port,
    cache,
    blobs,
    async [Symbol.asyncDispose]() {
      await server.close(0);
      credentials.close();
      await cache.close();
      await access.close();
    },
  };
}
