import type { Client } from '@temporalio/client';
import path from 'node:path';
import { createArtifactCache } from '../../../libs/cache-engine/create-artifact-cache.js';
import { createCacheRecord } from '../../../libs/cache-record/create-cache-record.js';
import { createNamesByHash } from '../../../libs/cache-record/find-by-hash.js';
import { readCacheSettings } from '../../../libs/cache-service/cache-settings.js';
import { openServiceAccess } from '../../../libs/cache-service/open-service-access.js';
import type { Database } from '../../../libs/database/open-database.js';
import { parseFileUrl } from '../../../libs/object-storage/file-location.js';
import { openObjectStore } from '../../../libs/object-storage/open-object-store.js';
import type { Environment, Settings } from '../../../libs/settings/settings.js';
import { createArtifactCacheWorkflowClient } from '../../../temporal/artifact-cache-workflow-client.js';
import type { Access } from '../access/open-access.js';
import { gatewayVersion } from '../gateway-version.js';
import type { CacheDependencies } from './cache-ports.js';

export interface OpenCacheDependencies extends CacheDependencies {
  close(): Promise<void>;
}

export interface CacheDependencyOptions {
  readonly settings: Settings;
  readonly client: Client;
  readonly environment: Environment;
  readonly access: Access;
  /** Another task queue than `artifacts`; for specs that share a Temporal server. */
  readonly taskQueue: string | undefined;
  /** Called with every call to the workflow engine. */
  readonly noted: <Value>(call: Promise<Value>) => Promise<Value>;
  /** Of what is wrong, but stops nobody. */
  readonly onProblem: (reason: string) => void;
}

/** Connects to nothing yet. Errors: `invalid-setting`. */
export async function openCacheDependencies(database: Database, { settings, client, environment, access, taskQueue, noted, onProblem }: CacheDependencyOptions): Promise<OpenCacheDependencies> {
  const cacheSettings = await readCacheSettings(settings);
  const { instances } = cacheSettings;
  const record = createCacheRecord(database, { instances: new Map(instances.map((instance) => [instance.name, instance])) });
  const store = openObjectStore(settings.cacheBlobs, { name: 'MILLRACE_CACHE_BLOBS' });
  const cache = createArtifactCache({ record, store, spool: spoolOf(settings), instances });
  const cacheAccess = await openServiceAccess({ settings, cacheSettings, database, record, environment, version: gatewayVersion, authenticator: access.authenticator, onProblem });
  const workflows = createArtifactCacheWorkflowClient(client, taskQueue === undefined ? {} : { taskQueue });
  return {
    cache,
    byHash: createNamesByHash(database),
    access: cacheAccess,
    record,
    workflows: {
      status: (instance, options) => noted(workflows.status(instance, options)),
      evict: (instance, request, options) => noted(workflows.evict(instance, request, options)),
      verify: (instance, by, options) => noted(workflows.verify(instance, { by }, options)),
      pause: (instance, by, options) => noted(workflows.pauseEviction(instance, { by }, options)),
      resume: (instance, by, options) => noted(workflows.resumeEviction(instance, { by }, options)),
    },
    async close() {
      await cacheAccess.close();
      await cache.close();
      store.close();
    },
  };
}

/** Beside a directory store: what is whole is moved. */
function spoolOf({ cacheBlobs, home }: Pick<Settings, 'cacheBlobs' | 'home'>): string {
  return cacheBlobs.startsWith('file:') ? `${parseFileUrl(cacheBlobs, 'MILLRACE_CACHE_BLOBS')}.uploads` : path.join(home, 'artifact-cache.uploads');
}
