import { randomBytes } from 'node:crypto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, makeTelemetryFilterString, Runtime, Worker } from '@temporalio/worker';
import { ensureSearchAttributes, searchAttributeTypes } from '../../../temporal/search-attributes.js';
import { workflowBundle } from '../../../temporal/workflow-bundle.js';
import { sessionWorkflowId } from '../session-messages.js';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { SessionActivities } from '../session-activities.js';
import type { SessionInput } from '../session-messages.js';
import type { session } from '../session-workflow.js';

export type SessionHandle = WorkflowHandleWithFirstExecutionRunId<typeof session>;

/**
 * The server whose clock jumps: a timeout of ten days passes in a moment. It is not to be used where a run hands over to the next while something is under way, or where
 * timers that are cancelled end within moments of each other. It refuses the answer to a workflow task when, since it gave the task out, a timer fired or an activity
 * ended that the answer cancels, or when only a query, a heartbeat or the start of an activity came and the answer continues as new. Of such a task it forgets
 * the answer, queries are never answered, and its clock does not jump any more (`completeWorkflowTask` of TestWorkflowMutableStateImpl, sdk-java 1.31 to 1.38).
 */
export async function startTimeSkipping(): Promise<TestWorkflowEnvironment> {
  const path = process.env.MILLRACE_TEST_TEMPORAL_TIME_SKIPPING;
  if (path === undefined) throw new Error('MILLRACE_TEST_TEMPORAL_TIME_SKIPPING is not set: run npm test');
  installQuietRuntime();
  const environment = await createPatiently(path);
  // This server cannot list its attributes, so ensureSearchAttributes has nothing to compare with; the dev server's specs use that.
  await environment.connection.operatorService.addSearchAttributes({ namespace: environment.namespace ?? 'default', searchAttributes: searchAttributeTypes });
  return environment;
}

/** Temporal's own server, which all specs share: ids have to be new ones. Its clock goes by ours. */
export async function connectRealServer(): Promise<TestWorkflowEnvironment> {
  const address = process.env.MILLRACE_TEST_TEMPORAL;
  if (address === undefined) throw new Error('MILLRACE_TEST_TEMPORAL is not set: run npm test');
  installQuietRuntime();
  const environment = await TestWorkflowEnvironment.createFromExistingServer({ address });
  await ensureSearchAttributes(environment.connection, environment.namespace ?? 'default');
  return environment;
}

/** The SDK gives the server five seconds to start, and a busy machine needs more than that for a Java process. */
async function createPatiently(path: string, attempt = 1): Promise<TestWorkflowEnvironment> {
  try {
    return await TestWorkflowEnvironment.createTimeSkipping({ server: { executable: { type: 'existing-path', path } } });
  } catch (error) {
    if (attempt === 5) throw error;
    return createPatiently(path, attempt + 1);
  }
}

export function installQuietRuntime(): void {
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } } });
}

export const taskQueue = 'sessions-spec';

/** A worker for the time of `work`; activities are what the spec wants them to be. */
export async function withWorker<T>(environment: TestWorkflowEnvironment, activities: SessionActivities, work: () => Promise<T>): Promise<T> {
  const worker = await Worker.create({ connection: environment.nativeConnection, taskQueue, workflowBundle: await workflowBundle(), activities: { ...activities }, maxCachedWorkflows: 100 });
  return worker.runUntil(work());
}

export function newSessionInput(changes: Partial<SessionInput> = {}): SessionInput {
  return { sessionId: randomBytes(16).toString('hex'), policy: 'strict', owner: 'builder', tokenSha256: 'ab'.repeat(32), timeoutSeconds: 3600, ...changes };
}

export function startSession(environment: TestWorkflowEnvironment, input: SessionInput): Promise<SessionHandle> {
  return environment.client.workflow.start<typeof session>('session', { workflowId: sessionWorkflowId(input.sessionId), taskQueue, args: [input] });
}
