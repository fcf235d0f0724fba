import { errorMessage } from '../../libs/errors/error-message.js';
import { setTimeout as pause } from 'node:timers/promises';
import { NativeConnection, Worker } from '@temporalio/worker';
import { ensureSearchAttributes } from '../../temporal/search-attributes.js';
import { workflowBundle } from '../../temporal/workflow-bundle.js';
import { sessionTaskQueue } from '../../workflows/session/session-messages.js';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { SessionActivities } from '../../workflows/session/session-activities.js';

export interface SessionWorkerOptions {
  /** `host:port` of Temporal. */
  readonly address: string;
  readonly client: Client;
  readonly activities: SessionActivities;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Called when a worker begins to poll: once at the start, and again after Temporal was lost for good and found again. */
  readonly onPolling: () => void;
  /** Another task queue than `sessions`; for specs that share a server. */
  readonly taskQueue?: string;
}

/** Milliseconds between attempts to reach a server that is not there. */
const retryInterval = 1000;

/**
 * Polls the task queue until the signal aborts, then lets running tasks end (a few seconds at most) and resolves. A Temporal that
 * goes away is waited for: the SDK polls on by itself, and if it gives up, this connects anew.
 */
export async function runSessionWorker(options: SessionWorkerOptions): Promise<void> {
  const { signal, log, address } = options;
  const bundle = await workflowBundle();
  let lastProblem = '';
  while (!signal.aborted) {
    try {
      await pollUntilAborted(options, bundle);
      lastProblem = '';
    } catch (error) {
      const problem = errorMessage(error);
      if (problem !== lastProblem) log.warn({ temporal: address, err: error }, 'cannot work with Temporal now; trying again every second');
      lastProblem = problem;
    }
    await pause(retryInterval, undefined, { signal }).catch(() => undefined);
  }
}

async function pollUntilAborted(options: SessionWorkerOptions, bundle: Awaited<ReturnType<typeof workflowBundle>>): Promise<void> {
  const { client, signal, log, address } = options;
  const { namespace } = client.options;
  const taskQueue = options.taskQueue ?? sessionTaskQueue;
  const connection = await NativeConnection.connect({ address });
  try {
    const added = await client.withDeadline(Date.now() + 10_000, () => ensureSearchAttributes(client.connection as Client['connection'] & Parameters<typeof ensureSearchAttributes>[0], namespace));
    if (added.length > 0) log.info({ searchAttributes: added }, 'registered search attributes');
    const worker = await Worker.create({
      connection,
      namespace,
      taskQueue,
      workflowBundle: bundle,
      activities: { ...options.activities },
      maxConcurrentActivityTaskExecutions: 50,
      shutdownGraceTime: '2s',
      shutdownForceTime: '5s',
    });
    if (signal.aborted) return;
    const running = worker.run();
    const stop = (): void => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
    };
    signal.addEventListener('abort', stop, { once: true });
    log.info({ taskQueue, namespace, temporal: address }, 'polling');
    options.onPolling();
    try {
      await running;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  } finally {
    await connection.close();
  }
}
