import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import pino from 'pino';
import { openAccess } from '../../../libs/cache-access/__fixtures__/opened-access.js';
import type { OpenCacheAccess } from '../../../libs/cache-access/open-cache-access.js';
import { createArtifactCache } from '../../../libs/cache-engine/create-artifact-cache.js';
import type { OpenArtifactCache } from '../../../libs/cache-engine/create-artifact-cache.js';
import { createCacheRecord } from '../../../libs/cache-record/create-cache-record.js';
import type { CacheInstance } from '../../../libs/cache/cache-instance.js';
import { openDatabase } from '../../../libs/database/open-database.js';
import { openObjectStore } from '../../../libs/object-storage/open-object-store.js';
import { createTestDatabase } from '../../../libs/testing/test-database.js';
import type { CacheContext, CacheLimits } from '../cache-context.js';
import { defaultCacheLimits } from '../cache-context.js';
import type { ServedCredentials } from '../server/cache-credentials.js';
import { startCacheServer } from '../server/start-cache-server.js';
import { cacheServices } from '../services/cache-services.js';

const mebibyte = 1024 * 1024;
const gibibyte = 1024 * mebibyte;

export interface TestCache {
  readonly cache: OpenArtifactCache;
  readonly access: OpenCacheAccess;
  readonly port: number;
  /** `127.0.0.1:…`. */
  readonly address: string;
  /** Where blobs and unfinished uploads lie. */
  readonly folder: string;
  /** Ends the port alone. */
  stop(grace: number): Promise<void>;
  close(): Promise<void>;
}

export interface TestCacheOptions {
  readonly limits?: Partial<CacheLimits>;
  readonly tls?: ServedCredentials;
  /** Of MILLRACE_CACHE: `instances:` and `login:` of the access. */
  readonly access?: string;
  /** Laid over what the cache does. */
  readonly behaviour?: Partial<OpenArtifactCache>;
}

/** The cache of the service, on a database and a folder of its own: `main`, `other`, `small`, which takes blobs of up to 1,000 bytes, and `large`, which takes some of 5 GiB. */
export async function startTestCache({ limits, tls, access: accessText, behaviour }: TestCacheOptions = {}): Promise<TestCache> {
  const folder = mkdtempSync(path.join(tmpdir(), 'test-cache-'));
  const instances = [instanceNamed('main'), instanceNamed('other'), instanceNamed('small', { blobBytes: 1000 }), instanceNamed('large', { blobBytes: 6 * gibibyte, quota: { high: 8 * gibibyte, low: 7 * gibibyte }, limit: 9 * gibibyte })];
  const ownDatabase = await createTestDatabase();
  const database = await openDatabase(ownDatabase.url);
  const record = createCacheRecord(database, { instances: new Map(instances.map((instance) => [instance.name, instance])) });
  const store = openObjectStore(pathToFileURL(path.join(folder, 'blobs')).href, { name: 'the artifact cache' });
  const engine = createArtifactCache({ record, store, spool: path.join(folder, 'uploads'), instances });
  const { access } = await openAccess(accessText ?? 'instances: { main: {}, other: {}, small: {}, large: {} }');
  const context: CacheContext = { cache: { ...engine, ...behaviour }, access, limits: { ...defaultCacheLimits, ...limits }, log: pino({ level: 'silent' }) };
  const server = await startCacheServer(context, { host: '127.0.0.1', port: 0, services: cacheServices(context), ...(tls === undefined ? {} : { tls }) });
  return {
    cache: engine,
    access,
    port: server.port,
    address: `127.0.0.1:${server.port}`,
    folder,
    stop: (grace) => server.close(grace),
    close: async () => {
      await server.close(100);
      await engine.close();
      await access.close();
      store.close();
      await database.close();
      await ownDatabase.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function instanceNamed(name: string, changes: Partial<CacheInstance> = {}): CacheInstance {
  return { name, quota: { high: 800 * mebibyte, low: 600 * mebibyte }, limit: 1000 * mebibyte, lease: 3600, maximumAge: undefined, blobBytes: 900 * mebibyte, evictionPaused: false, ...changes };
}
