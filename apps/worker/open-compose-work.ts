import { availableParallelism } from 'node:os';
import path from 'node:path';
import { createComposeActivities } from '../../activities/compose/create-compose-activities.js';
import { createGenerationActivity } from '../../activities/compose/create-generation-activity.js';
import { createComposeEngine } from '../../libs/compose-engine/create-compose-engine.js';
import { claimDirectories } from '../../libs/compose-record/claim-directories.js';
import { createComposeCommands } from '../../libs/compose-record/create-compose-commands.js';
import { createComposePackages } from '../../libs/compose-record/compose-packages.js';
import { createComposeOutboxDeliveries } from '../../libs/compose-record/compose-outbox-deliveries.js';
import { createComposeReads } from '../../libs/compose-record/create-compose-reads.js';
import { createOverdueComposes } from '../../libs/compose-record/overdue-composes.js';
import { createStoredComposes } from '../../libs/compose-record/stored-composes.js';
import { generationSecondsOf, timeToLiveOf } from '../../libs/pungi/raw-config-limits.js';
import { openContentStore } from '../../libs/repository-source/content-store.js';
import { localBlobFolder } from '../../libs/blobs/local-blob-folder.js';
import { deliverMessages } from '../../libs/messaging/deliver-messages.js';
import { openMessageSinks } from '../../libs/messaging/open-message-sinks.js';
import { createComposeWorkflowClient } from '../../temporal/compose-workflow-client.js';
import { composeTaskQueue, generationTaskQueueOf } from '../../workflows/compose/compose-messages.js';
import { createPackageNotes } from './note-compose-packages.js';
import { dispatchComposeOutbox } from './compose-outbox-dispatcher.js';
import { sweepComposes } from './compose-sweep.js';
import { openNamePublisher } from './name-publisher.js';
import { repeat } from './repeat.js';
import { sweepComposeStorage } from './storage-sweep.js';
import type { ComposeRequest } from '../../libs/compose/compose-request.js';
import type { Client } from '@temporalio/client';
import type { ComposeCommands, ComposeReads } from '../../libs/compose-record/compose-commands.js';
import type { ComposeEngine } from '../../libs/compose-engine/compose-engine.js';
import type { Database } from '../../libs/database/open-database.js';
import type { WorkedQueue } from './run-worker.js';
import type { WorkerProcessOptions } from './worker-process-options.js';

export interface ComposeWork {
  /** With the activities of others that are on the queue of composes, too. */
  queues(others: object): readonly WorkedQueue[];
  readonly taskQueue: string;
  readonly commands: ComposeCommands;
  readonly reads: ComposeReads;
  readonly engine: ComposeEngine;
  /** Outbox, messages and sweeps until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface ComposeWorkOptions extends WorkerProcessOptions {
  readonly database: Database;
  readonly client: Client;
}

/** Milliseconds between rounds. */
const outboxInterval = 500;
const namesInterval = 1000;
const sweepInterval = 30_000;
const storageInterval = 10 * 60_000;

/** What a worker process does for composes, besides sessions. Errors: `invalid-setting`. */
export async function openComposeWork(options: ComposeWorkOptions): Promise<ComposeWork> {
  const { settings, database, client, log, environment = {}, runGeneration } = options;
  const taskQueue = options.composeTaskQueue ?? (options.taskQueue === undefined ? composeTaskQueue : `${options.taskQueue}-composes`);
  await claimDirectories(database, [settings.composes, ...Object.values(settings.composeTargetDirs)]);
  const messages = await openMessageSinks(settings.messagesFile, { environment, forbiddenPorts: settings.forbiddenPorts });
  const engine = await createComposeEngine({ settings, environment, searchPath: environment.PATH, ...(runGeneration === undefined ? {} : { run: runGeneration }) });
  const commands = createComposeCommands(database, { composeUrl: settings.composeUrl, secondsToLive: settings.composeSecondsToLive, maximumSecondsToLive: settings.composeMaximumSecondsToLive, timeToLiveOf: (request) => timeToLiveOf(request, settings), nameGraceSeconds: settings.composeNameGrace });
  const reads = createComposeReads(database);
  const workflows = createComposeWorkflowClient(client, { taskQueue });
  const notes = createPackageNotes({ packages: createComposePackages(database), content: await openContentStore(path.join(localBlobFolder(settings), 'content')), log });
  const activityOptions = { commands, reads, engine, workflows, generationSeconds: (request: ComposeRequest) => generationSecondsOf(request, settings) };
  const outbox = createComposeOutboxDeliveries(database);
  const overdue = createOverdueComposes(database);
  const stored = createStoredComposes(database);
  const names = await openNamePublisher({ settings, database, log });

  return {
    taskQueue,
    commands,
    reads,
    engine,
    queues: (others) => [
      { taskQueue, activities: { ...createComposeActivities(activityOptions), ...others }, workflows: true, concurrency: 50, shutdownGrace: 2000 },
      {
        taskQueue: generationTaskQueueOf(taskQueue),
        activities: createGenerationActivity({ ...activityOptions, knowPackages: (tree, plan) => notes.know(tree, plan) }),
        workflows: false,
        concurrency: settings.composeConcurrency ?? Math.max(2, availableParallelism()),
        shutdownGrace: 0,
      },
    ],
    async run(signal) {
      await Promise.all([
        repeat(() => dispatchComposeOutbox({ outbox, workflows, log }).then(() => undefined), { name: 'compose outbox', interval: outboxInterval, signal, log }),
        repeat(() => sweepComposes({ overdue, commands, workflows, log }), { name: 'compose sweep', interval: sweepInterval, signal, log }),
        repeat(() => sweepComposeStorage({ stored, commands, engine, signal, log }), { name: 'storage sweep', interval: storageInterval, signal, log }),
        repeat(() => notes.catchUp(), { name: 'packages of composes', interval: sweepInterval, signal, log }),
        repeat(() => names.publish(), { name: 'compose names', interval: namesInterval, signal, log }),
        repeat(() => names.check(), { name: 'check of compose names', interval: storageInterval, signal, log }),
        deliverMessages({ ...messages, database, signal, log }),
      ]);
    },
    async close() {
      names.close();
      await reads.close();
      await engine.close();
    },
  };
}
