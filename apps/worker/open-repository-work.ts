import { createRepositoryActivities, createRepositoryUpkeepActivities } from '../../activities/repository/create-repository-activities.js';
import { openRepositoryParts, type RepositoryParts } from '../../libs/repository-engine/open-repository-parts.js';
import { createRepositoryWorkflowClient } from '../../temporal/repository-workflow-client.js';
import { repositoryTaskQueue } from '../../workflows/repository/repository-messages.js';
import { repeat } from './repeat.js';
import { openRepositoryUpkeep } from './repository-upkeep.js';
import { sweepRepositories } from './repository-sweep.js';
import type { Client } from '@temporalio/client';
import type { Database } from '../../libs/database/open-database.js';
import type { WorkedQueue } from './run-worker.js';
import type { WorkerProcessOptions } from './worker-process-options.js';

export interface RepositoryWork {
  readonly queues: readonly WorkedQueue[];
  readonly parts: RepositoryParts;
  /** Sweeps until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface RepositoryWorkOptions extends WorkerProcessOptions {
  readonly database: Database;
  readonly client: Client;
}

/** Milliseconds between rounds. */
const sweepInterval = 2000;
/** Steps of repositories at once: they wait for stores and disks most of the time. */
const concurrency = 20;

/** What a worker process does for package repositories. Errors: `invalid-setting`. */
export async function openRepositoryWork(options: RepositoryWorkOptions): Promise<RepositoryWork> {
  const { settings, database, client, log, environment = {} } = options;
  const taskQueue = options.repositoryTaskQueue ?? (options.taskQueue === undefined ? repositoryTaskQueue : `${options.taskQueue}-repositories`);
  const parts = await openRepositoryParts(database, { settings, environment });
  const workflows = createRepositoryWorkflowClient(client, { taskQueue });
  const activities = { ...createRepositoryActivities(parts), ...createRepositoryUpkeepActivities(openRepositoryUpkeep(parts, log)) };
  return {
    parts,
    queues: [{ taskQueue, activities, workflows: true, concurrency, shutdownGrace: 2000 }],
    run: (signal) => repeat(sweepRepositories({ reads: parts.reads, workflows, log }), { name: 'repository sweep', interval: sweepInterval, signal, log }),
    close: () => parts.close(),
  };
}
