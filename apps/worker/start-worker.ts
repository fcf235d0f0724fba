import { setTimeout as pause } from 'node:timers/promises';
import { createSessionActivities } from '../../activities/session/create-session-activities.js';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import { migrateDatabase } from '../../libs/database/migrate.js';
import { openDatabase } from '../../libs/database/open-database.js';
import { inspectedEcosystems } from '../../libs/inspectors/index.js';
import { openBlobStore } from '../../libs/blobs/open-blob-store.js';
import { createSessionCommands } from '../../libs/session-record/create-session-commands.js';
import { createOutboxDeliveries } from '../../libs/session-record/outbox-deliveries.js';
import { readServicePolicy } from '../../libs/session-record/read-service-policy.js';
import { createOverdueSessions } from '../../libs/session-record/overdue-sessions.js';
import { createTrafficNotifications } from '../../libs/session-record/traffic-notifications.js';
import { connectTemporal } from '../../temporal/client.js';
import { createSessionWorkflowClient } from '../../temporal/session-workflow-client.js';
import { dispatchOutbox } from './outbox-dispatcher.js';
import { sweepOverdueSessions } from './overdue-sweep.js';
import { repeat } from './repeat.js';
import { openCacheWork } from './open-cache-work.js';
import { openComposeWork } from './open-compose-work.js';
import { openRepositoryWork } from './open-repository-work.js';
import { openRuleWork } from './open-rule-work.js';
import { runWorker } from './run-worker.js';
import type { WorkedQueue } from './run-worker.js';
import type { SessionCommands } from '../../libs/session-record/session-commands.js';
import { notifyTraffic } from './traffic-notifier.js';
import { sessionTaskQueue } from '../../workflows/session/session-messages.js';
import type { Logger } from 'pino';
import type { WorkerProcessOptions } from './worker-process-options.js';

export interface WorkerProcess {
  /** Resolves when tasks are polled for the first time; never, if that does not come to pass before `stop`. */
  readonly polling: Promise<void>;
  /** Resolves when everything has ended, after `stop`; rejects when the worker cannot go on. */
  readonly ended: Promise<void>;
  /** Drains and closes; a few seconds at most. */
  stop(): Promise<void>;
}

/** Milliseconds between rounds of the outbox, of the traffic notifier and of the sweep. */
const outboxInterval = 2000;
const trafficInterval = 1000;
const sweepInterval = 30_000;

/** Everything that a worker process does; waits for PostgreSQL and Temporal as long as they are not there. */
export function startWorker(options: WorkerProcessOptions): WorkerProcess {
  const { settings, log, taskQueue } = options;
  const { databaseUrl, temporalAddress } = settings;
  if (databaseUrl === undefined) throw notSet('MILLRACE_DATABASE_URL');
  if (temporalAddress === undefined) throw notSet('MILLRACE_TEMPORAL_ADDRESS');
  const stopping = new AbortController();
  const { signal } = stopping;
  const polling = Promise.withResolvers<void>();

  async function work(url: string, address: string): Promise<void> {
    const ecosystems = inspectedEcosystems();
    const servicePolicy = await readServicePolicy(settings.policyFile, ecosystems);
    await untilMigrated(url, signal, log);
    if (signal.aborted) return;
    const database = await openDatabase(url, { applicationName: 'millrace-worker' });
    const client = connectTemporal(settings);
    const blobs = await openBlobStore(settings);
    const composes = await openComposeWork({ ...options, database, client });
    const rules = await openRuleWork({ ...options, database, client, composes });
    const caches = await openCacheWork({ ...options, database, client });
    const repositories = await openRepositoryWork({ ...options, database, client, blobs, composes: composes.reads, cache: caches.cache });
    try {
      const sessions = createSessionWorkflowClient(client, taskQueue === undefined ? {} : { taskQueue });
      const commands = createSessionCommands(database, { blobs, ecosystems, ...(servicePolicy === undefined ? {} : { servicePolicy }) });
      const outbox = createOutboxDeliveries(database);
      const overdue = createOverdueSessions(database);
      const rows = createTrafficNotifications(database);
      const queues = [sessionQueue(commands), ...composes.queues(rules.activities), ...rules.queues, ...repositories.queues, ...caches.queues];
      const polls = countdown(queues.length, polling.resolve);
      await Promise.all([
        ...queues.map((queue) => runWorker({ address, client, queue, log, signal, onPolling: polls })),
        composes.run(signal),
        rules.run(signal),
        repositories.run(signal),
        caches.run(signal),
        repeat(() => dispatchOutbox({ outbox, sessions, log }).then(() => undefined), { name: 'outbox', interval: outboxInterval, signal, log }),
        repeat(() => notifyTraffic({ rows, sessions, log }).then(() => undefined), { name: 'traffic', interval: trafficInterval, signal, log }),
        repeat(() => sweepOverdueSessions({ overdue, commands, log }).then(() => undefined), { name: 'sweep', interval: sweepInterval, signal, log }),
      ]);
    } finally {
      stopping.abort();
      blobs.close();
      await repositories.close();
      await caches.close();
      await rules.close();
      await composes.close();
      await client.connection.close();
      await database.close();
    }
  }

  const sessionQueue = (commands: SessionCommands): WorkedQueue => ({
    taskQueue: taskQueue ?? sessionTaskQueue,
    activities: createSessionActivities({ commands, permissive: settings.permissive }),
    workflows: true,
    concurrency: 50,
    shutdownGrace: 2000,
  });
  const ended = work(databaseUrl, temporalAddress);
  return {
    polling: polling.promise,
    ended,
    stop: () => {
      stopping.abort();
      return ended;
    },
  };
}

/** Calls back with the last of so many calls. */
function countdown(calls: number, done: () => void): () => void {
  let left = calls;
  return () => {
    left -= 1;
    if (left === 0) done();
  };
}

/** Also the check that the database is there: production starts its processes in any order. */
async function untilMigrated(url: string, signal: AbortSignal, log: Logger): Promise<void> {
  let waiting = false;
  while (!signal.aborted) {
    try {
      const applied = await migrateDatabase(url);
      if (applied.length > 0) log.info({ migrations: applied }, 'brought the schema up to date');
      return;
    } catch (error) {
      if (!waiting) log.warn({ err: error }, 'PostgreSQL is not ready; trying again every second');
      waiting = true;
      await pause(1000, undefined, { signal }).catch(() => undefined);
    }
  }
}

function notSet(name: string): MillraceError {
  return new MillraceError('invalid-setting', `${name} is not set`, { suggestion: 'A worker that runs alone needs the addresses of its servers; npm start sets them.' });
}
