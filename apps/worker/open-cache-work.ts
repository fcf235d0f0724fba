import { createArtifactCacheActivities } from '../../activities/artifact-cache/create-artifact-cache-activities.js';
import { createOstreeExportActivities } from '../../activities/ostree-export/create-ostree-export-activities.js';
import type { ArtifactCache } from '../../libs/cache-engine/artifact-cache.js';
import { openCacheParts } from '../../libs/cache-service/open-cache-parts.js';
import { openOstreeParts } from '../../libs/cache-service/open-ostree-parts.js';
import { tellStore } from '../../libs/cache-service/tell-store.js';
import { createOstreeExport } from '../../libs/ostree-exports/ostree-export.js';
import { createArtifactCacheWorkflowClient } from '../../temporal/artifact-cache-workflow-client.js';
import { createOstreeExportWorkflowClient } from '../../temporal/ostree-export-workflow-client.js';
import { artifactCacheTaskQueue } from '../../workflows/artifact-cache/artifact-cache-messages.js';
import { keepCaches } from './keep-caches.js';
import { repeat } from './repeat.js';
import type { Client } from '@temporalio/client';
import type { Database } from '../../libs/database/open-database.js';
import type { WorkedQueue } from './run-worker.js';
import type { WorkerProcessOptions } from './worker-process-options.js';

export interface CacheWork {
  readonly cache: ArtifactCache;
  readonly queues: readonly WorkedQueue[];
  /** Keeps the workflows of all instances until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface CacheWorkOptions extends WorkerProcessOptions {
  readonly database: Database;
  readonly client: Client;
}

/** Milliseconds between rounds. */
const keepInterval = 2000;

/** What a worker process does for the artifact cache. Errors: `invalid-setting`. */
export async function openCacheWork(options: CacheWorkOptions): Promise<CacheWork> {
  const { settings, database, client, log } = options;
  const taskQueue = options.cacheTaskQueue ?? (options.taskQueue === undefined ? artifactCacheTaskQueue : `${options.taskQueue}-artifacts`);
  const workflows = createArtifactCacheWorkflowClient(client, { taskQueue });
  const parts = await openCacheParts(database, { settings, onStore: tellStore(log), onProblem: (reason) => log.warn(reason) });
  const { cache, record } = parts;
  const exported = new Set(parts.settings.ostree.keys());
  const exports = createOstreeExportWorkflowClient(client, { taskQueue });
  const activities = {
    ...createArtifactCacheActivities({ cache, recordAlarm: (instance, alarm) => record.recordAlarm(instance, alarm) }),
    ...createOstreeExportActivities({ exporter: createOstreeExport(openOstreeParts(database, parts, settings.databaseUrl ?? '')), instances: exported }),
  };
  const keepAll = [keepCaches({ instances: cache.instances.map(({ name }) => name), workflows }), keepCaches({ instances: [...exported], workflows: exports })];
  return {
    cache,
    queues: [{ taskQueue, activities, workflows: true, concurrency: 10, shutdownGrace: 2000 }],
    run: (signal) => repeat(async () => void (await Promise.all(keepAll.map((keep) => keep()))), { name: 'artifact caches', interval: keepInterval, signal, log }),
    close: () => parts.close(),
  };
}
