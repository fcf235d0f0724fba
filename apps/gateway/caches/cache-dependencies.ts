import type { Client } from '@temporalio/client';
import { createNamesByHash } from '../../../libs/cache-record/find-by-hash.js';
import { cachedProbe } from '../../../libs/cache-service/cached-probe.js';
import { openCacheParts } from '../../../libs/cache-service/open-cache-parts.js';
import { openServiceAccess } from '../../../libs/cache-service/open-service-access.js';
import type { Database } from '../../../libs/database/open-database.js';
import type { StorageMetrics } from '../../../libs/object-storage/measured-store.js';
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
  readonly metrics: StorageMetrics;
  /** Of what is wrong, but stops nobody. */
  readonly onProblem: (reason: string) => void;
}

/** Connects to nothing yet. Errors: `invalid-setting`. */
export async function openCacheDependencies(database: Database, { settings, client, environment, access, taskQueue, noted, metrics, onProblem }: CacheDependencyOptions): Promise<OpenCacheDependencies> {
  const parts = await openCacheParts(database, { settings, metrics, onStore: (problem) => onProblem(problem === undefined ? 'the store of the artifact cache is there again' : `the store of the artifact cache is away: ${problem}`), onProblem });
  const { cache, record } = parts;
  const cacheAccess = await openServiceAccess({ settings, cacheSettings: parts.settings, database, record, environment, version: gatewayVersion, authenticator: access.authenticator, onLogin: access.told, onProblem });
  const workflows = createArtifactCacheWorkflowClient(client, taskQueue === undefined ? {} : { taskQueue });
  return {
    cache,
    byHash: createNamesByHash(database),
    access: cacheAccess,
    record,
    storeAnswers: cachedProbe(() => parts.guard.demandNow(), { deadline: 2000 }),
    ostree: { instances: new Set(parts.settings.ostree.keys()), store: parts.store },
    workflows: {
      status: (instance, options) => noted(workflows.status(instance, options)),
      evict: (instance, request, options) => noted(workflows.evict(instance, request, options)),
      verify: (instance, by, options) => noted(workflows.verify(instance, { by }, options)),
      pause: (instance, by, options) => noted(workflows.pauseEviction(instance, { by }, options)),
      resume: (instance, by, options) => noted(workflows.resumeEviction(instance, { by }, options)),
    },
    async close() {
      await cacheAccess.close();
      await parts.close();
    },
  };
}
