import { ApplicationFailure } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { startCompose, withWorkers } from './compose-environment.js';
import { fakeRecord, untilCancelled } from './fake-activities.js';
import { handedOver } from '../compose-activities.js';
import { cancelComposeUpdate, composeChangedSignal, composeStatusQuery, composeWorkflowId, removeComposeUpdate, renewComposeUpdate } from '../compose-messages.js';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { ComposeHandle } from './compose-environment.js';
import type { Mutation } from '../../__fixtures__/describe-replays.js';
import type { FakeBehaviour, FakeRecord } from './fake-activities.js';

export interface Scenario {
  readonly name: string;
  /** Fixed, because it is in the history. */
  readonly composeId: number;
  /** A change of the workflow that must make the replay of this history fail. */
  readonly mutation: Mutation;
  readonly behaviour?: () => FakeBehaviour;
  /** The id of the run to record, when it is not the last. */
  readonly play?: (handle: ComposeHandle, record: FakeRecord, environment: TestWorkflowEnvironment) => Promise<string | undefined>;
}

const by = (name: string) => ({ args: [{ by: name }] as [{ by: string }] });

async function settled(handle: ComposeHandle): Promise<undefined> {
  await handle.result().catch(() => undefined);
  return undefined;
}

async function until(handle: ComposeHandle, state: string): Promise<void> {
  while ((await handle.query(composeStatusQuery)).state !== state);
}

function failing(times: number, error: () => Error): () => FakeBehaviour {
  let left = times;
  return () => ({
    before: async (call) => {
      if (call.startsWith('generate') && left-- > 0) throw error();
    },
  });
}

export const scenarios: readonly Scenario[] = [
  { name: 'done-and-expired', composeId: 101, mutation: [/\.expireCompose\(/g, '.tellFollowers('] },
  {
    name: 'renewed-and-removed',
    composeId: 102,
    mutation: [/\.renewCompose\(/g, '.removeCompose('],
    async play(handle, record) {
      await until(handle, 'done');
      await handle.executeUpdate(renewComposeUpdate, { args: [{ by: 'builder', secondsToLive: 86_400 }] });
      record.change(102, { expiresAt: '2990-01-01T00:00:00.000Z' });
      await handle.signal(composeChangedSignal);
      await handle.executeUpdate(removeComposeUpdate, by('collector'));
      return settled(handle);
    },
  },
  { name: 'tried-again', composeId: 103, mutation: [/firstPause = 2e3|firstPause = 2000/g, 'firstPause = 0'], behaviour: failing(2, () => ApplicationFailure.retryable('no route to the source', 'source-unavailable')) },
  { name: 'handed-over', composeId: 104, mutation: [/'handed-over'|"handed-over"/g, '"handed-on"'], behaviour: failing(2, () => ApplicationFailure.retryable('the worker stops', handedOver)) },
  { name: 'failed-for-good', composeId: 105, mutation: [/\.failCompose\(/g, '.removeCompose('], behaviour: failing(1, () => ApplicationFailure.nonRetryable('no package ladle', 'unresolvable')) },
  {
    name: 'cancelled-while-generating',
    composeId: 106,
    mutation: [/if \(!this\.open\)/g, 'if (false)'],
    behaviour: () => ({ before: async (call) => (call === 'generate 1' ? untilCancelled() : undefined) }),
    async play(handle) {
      await handle.executeUpdate(cancelComposeUpdate, by('builder'));
      return settled(handle);
    },
  },
  {
    name: 'cancelled-as-workflow',
    composeId: 107,
    mutation: [/entity\.giveUp\(\)/g, 'undefined'],
    async play(handle) {
      await until(handle, 'done');
      await handle.cancel();
      return settled(handle);
    },
  },
  { name: 'follower', composeId: 108, mutation: [/\.claimComposeTree\(/g, '.lookAtCompose('], behaviour: () => ({ claims: ['follow', 'follow', 'reuse'] }) },
  {
    name: 'follower-first-run',
    composeId: 109,
    mutation: [/longHistory = 1e3|longHistory = 1000/g, 'longHistory = 1e9'],
    behaviour: () => ({ claims: Array.from({ length: 120 }, () => 'follow' as const) }),
    async play(handle) {
      await settled(handle);
      return handle.firstExecutionRunId;
    },
  },
  { name: 'follower-last-run', composeId: 110, mutation: [/continuedFromExecutionRunId === undefined/g, 'continuedFromExecutionRunId !== undefined'], behaviour: () => ({ claims: Array.from({ length: 120 }, () => 'follow' as const) }) },
];

/** Plays a scenario and answers with its whole history as JSON that replays. */
export async function recordScenario(environment: TestWorkflowEnvironment, { composeId, behaviour, play }: Scenario): Promise<string> {
  const record = fakeRecord(environment, behaviour?.() ?? {});
  const work = async (): Promise<string> => {
    const handle = await startCompose(environment, composeId);
    const runId = play === undefined ? await settled(handle) : await play(handle, record, environment);
    return historyToJSON(await environment.client.workflow.getHandle(composeWorkflowId(composeId), runId).fetchHistory());
  };
  return withWorkers(environment, { composeId, record, work });
}
