import path from 'node:path';
import { createRepositoryActivities, createRepositoryUpkeepActivities } from '../../activities/repository/create-repository-activities.js';
import { millraceVersion } from '../../libs/compose-engine/engine-parts.js';
import type { BlobStore } from '../../libs/blobs/open-blob-store.js';
import { localBlobFolder } from '../../libs/blobs/local-blob-folder.js';
import type { ArtifactCache } from '../../libs/cache-engine/artifact-cache.js';
import { createNamesByHash } from '../../libs/cache-record/find-by-hash.js';
import { createContentSources } from '../../libs/repository-service/create-content-sources.js';
import { openRepositoryParts } from '../../libs/repository-service/open-repository-parts.js';
import { openContentStore } from '../../libs/repository-source/content-store.js';
import { createRepositoryWorkflowClient } from '../../temporal/repository-workflow-client.js';
import { repositoryTaskQueue } from '../../workflows/repository/repository-messages.js';
import { repeat } from './repeat.js';
import { sweepRepositories } from './repository-sweep.js';
import type { Client } from '@temporalio/client';
import type { ComposeReads } from '../../libs/compose-record/compose-commands.js';
import type { Database } from '../../libs/database/open-database.js';
import type { WorkedQueue } from './run-worker.js';
import type { WorkerProcessOptions } from './worker-process-options.js';

export interface RepositoryWork {
  readonly queues: readonly WorkedQueue[];
  /** Sweeps until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface RepositoryWorkOptions extends WorkerProcessOptions {
  readonly database: Database;
  readonly client: Client;
  readonly blobs: Pick<BlobStore, 'read'>;
  readonly composes: Pick<ComposeReads, 'get'>;
  readonly cache: ArtifactCache;
}

/** Milliseconds between rounds. */
const sweepInterval = 2000;

/** What a worker process does for package repositories. Errors: `invalid-setting`. */
export async function openRepositoryWork(options: RepositoryWorkOptions): Promise<RepositoryWork> {
  const { settings, database, client, blobs, composes, cache, log, environment = {} } = options;
  const taskQueue = options.repositoryTaskQueue ?? (options.taskQueue === undefined ? repositoryTaskQueue : `${options.taskQueue}-repositories`);
  const workflows = createRepositoryWorkflowClient(client, { taskQueue });
  const content = await openContentStore(path.join(localBlobFolder(settings), 'content'));
  const parts = await openRepositoryParts(database, {
    settings,
    environment,
    sources: createContentSources({ blobs, composes, content, places: settings, cache, cachedNames: createNamesByHash(database) }),
    workFolder: 'repository-work',
    version: millraceVersion(),
    onRequested: (name) => workflows.changed(name),
  });
  const { commands, reads, engine, maintenance } = parts;
  const upkeep = createRepositoryUpkeepActivities({
    check: async (name, { signal, onProgress }) => void (await maintenance.check(name, { signal, ...(onProgress === undefined ? {} : { onProgress }) })),
    synchronise: async (name, { signal, onProgress }) => void (await maintenance.synchronise(name, { by: 'the schedule', dryRun: false, force: false, signal, ...(onProgress === undefined ? {} : { onProgress }) })),
  });

  return {
    queues: [{ taskQueue, activities: { ...createRepositoryActivities({ engine, commands, reads }), ...upkeep }, workflows: true, concurrency: 50, shutdownGrace: 2000 }],
    run: (signal) => repeat(sweepRepositories({ reads, workflows, log }), { name: 'repository sweep', interval: sweepInterval, signal, log }),
    close: () => parts.close(),
  };
}
