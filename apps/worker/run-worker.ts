import { errorMessage } from '../../libs/errors/error-message.js';
import { setTimeout as pause } from 'node:timers/promises';
import { NativeConnection, Worker } from '@temporalio/worker';
import { ensureSearchAttributes } from '../../temporal/search-attributes.js';
import { workflowBundle } from '../../temporal/workflow-bundle.js';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { WorkerOptions } from '@temporalio/worker';

export interface WorkedQueue {
  readonly taskQueue: string;
  readonly activities: object;
  /** A queue of activities only has none. */
  readonly workflows: boolean;
  /** Activities at once. */
  readonly concurrency: number;
  /** Milliseconds that activities have to end by themselves when the worker stops, before they are told to. */
  readonly shutdownGrace: number;
}

export interface RunWorkerOptions {
  /** `host:port` of Temporal. */
  readonly address: string;
  readonly client: Client;
  readonly queue: WorkedQueue;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Called when the worker begins to poll: once at the start, and again after Temporal was lost for good and found again. */
  readonly onPolling: () => void;
}

/** Milliseconds between attempts to reach a server that is not there. */
const retryInterval = 1000;

/**
 * Polls the task queue until the signal aborts, then lets running tasks end (a few seconds at most) and resolves. A Temporal that
 * goes away is waited for: the SDK polls on by itself, and if it gives up, this connects anew.
 */
export async function runWorker(options: RunWorkerOptions): Promise<void> {
  const { signal, log, address } = options;
  const workflows: Partial<WorkerOptions> = options.queue.workflows ? { workflowBundle: await workflowBundle() } : {};
  let lastProblem = '';
  while (!signal.aborted) {
    try {
      await pollUntilAborted(options, workflows);
      lastProblem = '';
    } catch (error) {
      const problem = errorMessage(error);
      if (problem !== lastProblem) log.warn({ temporal: address, err: error }, 'cannot work with Temporal now; trying again every second');
      lastProblem = problem;
    }
    await pause(retryInterval, undefined, { signal }).catch(() => undefined);
  }
}

async function pollUntilAborted(options: RunWorkerOptions, workflows: Partial<WorkerOptions>): Promise<void> {
  const { client, signal, log, address, queue } = options;
  const { namespace } = client.options;
  const { taskQueue } = queue;
  const connection = await NativeConnection.connect({ address });
  try {
    const added = await client.withDeadline(Date.now() + 10_000, () => ensureSearchAttributes(client.connection as Client['connection'] & Parameters<typeof ensureSearchAttributes>[0], namespace));
    if (added.length > 0) log.info({ searchAttributes: added }, 'registered search attributes');
    const worker = await Worker.create({
      connection,
      namespace,
      taskQueue,
      ...workflows,
      activities: { ...queue.activities },
      maxConcurrentActivityTaskExecutions: queue.concurrency,
      // What cancels an activity comes with the answer to a heartbeat.
      maxHeartbeatThrottleInterval: '2s',
      shutdownGraceTime: queue.shutdownGrace,
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
