import { ApplicationFailure } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { fakeActivities } from './fake-activities.js';
import { newSessionInput, startSession, withWorker } from './workflow-environment.js';
import { endSessionUpdate, revokeTokenUpdate, sessionWorkflowId, trafficRecordedSignal } from '../session-messages.js';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { SessionHandle } from './workflow-environment.js';
import type { SessionInput, TrafficTotals } from '../session-messages.js';

/** What a mutation changes in the bundle: text that is there, and what it becomes. */
export type Mutation = readonly [RegExp, string];

export interface Scenario {
  readonly name: string;
  /** A change of the workflow that must make the replay of this history fail. */
  readonly mutation: Mutation;
  readonly input?: Partial<SessionInput>;
  readonly failing?: Readonly<Record<string, ApplicationFailure>>;
  /** The id of the run to record, when it is not the last. */
  play(handle: SessionHandle, environment: TestWorkflowEnvironment): Promise<string | undefined>;
}

const by = (name: string) => ({ args: [{ by: name }] as [{ by: string }] });
const totals = (position: number): TrafficTotals => ({ position, downloads: position, refused: 1, failed: 0, bytes: position * 1000, violations: 2 });

async function settled(handle: SessionHandle): Promise<undefined> {
  await handle.result().catch(() => undefined);
  return undefined;
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'revoked-and-ended',
    mutation: [/\.activities\.revokeToken\(/g, '.activities.expireSession('],
    async play(handle, environment) {
      await handle.signal(trafficRecordedSignal, totals(4));
      await environment.sleep('1 minute');
      await handle.signal(trafficRecordedSignal, totals(9));
      await handle.executeUpdate(revokeTokenUpdate, by('builder'));
      await handle.signal(trafficRecordedSignal, totals(10));
      await handle.executeUpdate(revokeTokenUpdate, by('builder again'));
      await handle.executeUpdate(endSessionUpdate, by('collector'));
      return settled(handle);
    },
  },
  { name: 'expired', mutation: [/\.activities\.expireSession\(/g, '.activities.revokeToken('], input: { timeoutSeconds: 600 }, play: (handle) => settled(handle) },
  {
    name: 'ended-without-revoking',
    mutation: [/\.activities\.endSession\(/g, '.activities.expireSession('],
    input: { retain: true },
    async play(handle) {
      await handle.executeUpdate(endSessionUpdate, by('collector'));
      return settled(handle);
    },
  },
  {
    name: 'refused',
    mutation: [/\.activities\.openSession\(/g, '.activities.revokeToken('],
    input: { policy: 'permissive' },
    failing: { open: ApplicationFailure.nonRetryable('this service does not allow permissive sessions', 'policy-not-allowed') },
    play: (handle) => settled(handle),
  },
  {
    name: 'revocation-failed',
    mutation: [/\.activities\.revokeToken\(/g, '.activities.endSession('],
    input: { timeoutSeconds: 600 },
    failing: { 'revoke builder': ApplicationFailure.nonRetryable('the chain of digests is broken', 'record-corrupt') },
    async play(handle) {
      await handle.executeUpdate(revokeTokenUpdate, by('builder')).catch(() => undefined);
      return settled(handle);
    },
  },
  {
    name: 'cancelled',
    mutation: [/entity\.end\('cancellation of the workflow'\)/g, 'undefined'],
    async play(handle, environment) {
      await environment.sleep('1 minute');
      await handle.cancel();
      return settled(handle);
    },
  },
  {
    name: 'continued-as-new-first-run',
    mutation: [/longHistory = 1000/g, 'longHistory = 1e9'],
    async play(handle, environment) {
      await untilContinued(handle, environment);
      await handle.executeUpdate(endSessionUpdate, by('collector')).catch(() => undefined);
      return handle.firstExecutionRunId;
    },
  },
  {
    name: 'continued-as-new-second-run',
    mutation: [/continued === undefined \? entity\.open\(\)/g, 'continued !== undefined ? entity.open()'],
    async play(handle, environment) {
      const latest = await untilContinued(handle, environment);
      await environment.client.workflow.getHandle(handle.workflowId).executeUpdate(revokeTokenUpdate, by('builder'));
      await settled(handle);
      return latest;
    },
  },
];

async function untilContinued(handle: SessionHandle, environment: TestWorkflowEnvironment): Promise<string> {
  for (let position = 1; position <= 1000; ) await Promise.all(Array.from({ length: 100 }, () => handle.signal(trafficRecordedSignal, totals(position++))));
  const latest = environment.client.workflow.getHandle(handle.workflowId);
  for (;;) {
    const { runId } = await latest.describe();
    if (runId !== handle.firstExecutionRunId) return runId;
  }
}

/** Plays a scenario and answers with its whole history as JSON that replays. */
export async function recordScenario(environment: TestWorkflowEnvironment, scenario: Scenario): Promise<string> {
  const { failing = {} } = scenario;
  const activities = fakeActivities(environment, async (call) => {
    const failure = failing[call];
    if (failure !== undefined) throw failure;
  });
  const input = newSessionInput({ sessionId: scenario.name.replaceAll('-', ''), ...scenario.input });
  return withWorker(environment, activities, async () => {
    const handle = await startSession(environment, input);
    const runId = await scenario.play(handle, environment);
    return historyToJSON(await environment.client.workflow.getHandle(sessionWorkflowId(input.sessionId), runId).fetchHistory());
  });
}
