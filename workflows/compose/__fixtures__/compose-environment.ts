import { Worker } from '@temporalio/worker';
import { workflowBundle } from '../../../temporal/workflow-bundle.js';
import { composeWorkflowId, generationTaskQueueOf } from '../compose-messages.js';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { compose } from '../compose-workflow.js';
import type { FakeRecord } from './fake-activities.js';

export type ComposeHandle = WorkflowHandleWithFirstExecutionRunId<typeof compose>;

/** Of its own each, because the server may hand a task to a worker that has just gone. */
export const taskQueueOf = (composeId: number): string => `composes-spec-${composeId}`;

let last = 0;
/** Of a compose that no other spec of this file has. */
export const nextComposeId = (): number => (last += 1);

export interface Play<T> {
  readonly composeId: number;
  readonly record: FakeRecord;
  readonly work: () => Promise<T>;
}

/** Workers of both queues for the time of `work`. */
export async function withWorkers<T>(environment: TestWorkflowEnvironment, { composeId, record, work }: Play<T>): Promise<T> {
  const taskQueue = taskQueueOf(composeId);
  const connection = environment.nativeConnection;
  const workers = [
    await Worker.create({ connection, taskQueue, workflowBundle: await workflowBundle(), activities: { ...record.activities }, maxCachedWorkflows: 100 }),
    await Worker.create({ connection, taskQueue: generationTaskQueueOf(taskQueue), activities: { ...record.generation }, maxHeartbeatThrottleInterval: 50 }),
  ];
  const done = Promise.resolve().then(work);
  const [result] = await Promise.all(workers.map((worker) => worker.runUntil(done)));
  return result as T;
}

export function startCompose(environment: TestWorkflowEnvironment, composeId: number): Promise<ComposeHandle> {
  return environment.client.workflow.start<typeof compose>('compose', { workflowId: composeWorkflowId(composeId), taskQueue: taskQueueOf(composeId), args: [{ composeId }] });
}
