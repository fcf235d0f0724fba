import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ApplicationFailure, WorkflowIdConflictPolicy } from '@temporalio/common';
import { WithStartWorkflowOperation } from '@temporalio/client';
import { fakeActivities } from './__fixtures__/fake-activities.js';
import { newSessionInput, startSession, startTimeSkipping, taskQueue, withWorker } from './__fixtures__/workflow-environment.js';
import { endSessionUpdate, revokeTokenUpdate, sessionStatusQuery, sessionWorkflowId, trafficRecordedSignal } from './session-messages.js';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { SessionInput, TrafficTotals } from './session-messages.js';

const totals = (position: number, downloads = position): TrafficTotals => ({ position, downloads, refused: 0, failed: 0, bytes: downloads * 100, violations: 0 });
const by = (name: string) => ({ args: [{ by: name }] as [{ by: string }] });

/** The code that a caller of the workflow sees, however deep the SDK has wrapped it. */
function codeOf(error: unknown): string {
  for (let at = error as { type?: string; cause?: unknown } | undefined; at !== undefined; at = at.cause as never) if (typeof at.type === 'string') return at.type;
  return `no code: ${String(error)}`;
}
const failure = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'succeeded', codeOf);

/** A gate that a spec opens when it has seen what it wanted to see. */
function gate(): { readonly opened: Promise<void>; open(): void; readonly reached: Promise<void>; reach(): void } {
  const opened = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  return { opened: opened.promise, open: opened.resolve, reached: reached.promise, reach: reached.resolve };
}

let environment: TestWorkflowEnvironment;
beforeAll(async () => {
  environment = await startTimeSkipping();
}, 60_000);
afterAll(async () => {
  await environment?.teardown();
});

describe('a session', () => {
  it('opens, is revoked, is ended, and completes with its last status', async () => {
    const activities = fakeActivities(environment);
    const input = newSessionInput();
    await withWorker(environment, activities, async () => {
      const handle = await startSession(environment, input);
      const revoked = await handle.executeUpdate(revokeTokenUpdate, by('builder'));
      expect(revoked.sessionId).toBe(input.sessionId);
      expect(await handle.query(sessionStatusQuery)).toMatchObject({ state: 'revoked', policy: 'strict', owner: 'builder', openedAt: revoked.openedAt, revokedAt: revoked.revokedAt, endedAt: null });
      const ended = await handle.executeUpdate(endSessionUpdate, by('collector'));
      expect(await handle.result()).toMatchObject({ state: 'ended', endedAt: ended.endedAt, retained: false });
    });
    expect(activities.calls).toEqual(['open', 'revoke builder', 'end collector']);
  });

  it('expires when its timeout has passed since the opening', async () => {
    const activities = fakeActivities(environment);
    await withWorker(environment, activities, async () => {
      const handle = await startSession(environment, newSessionInput({ timeoutSeconds: 864_000 }));
      const result = await handle.result();
      expect(result.state).toBe('expired');
      const seconds = (Date.parse(result.endedAt ?? '') - Date.parse(result.openedAt ?? '')) / 1000;
      expect(seconds).toBeGreaterThanOrEqual(864_000);
      expect(seconds).toBeLessThan(864_060);
    });
    expect(activities.calls).toEqual(['open', 'expire']);
  });

  it('expires after six hours when no timeout is given, revoked or not', async () => {
    const activities = fakeActivities(environment);
    await withWorker(environment, activities, async () => {
      const handle = await startSession(environment, newSessionInput({ timeoutSeconds: 0 }));
      await handle.executeUpdate(revokeTokenUpdate, by('builder'));
      const result = await handle.result();
      expect(result.state).toBe('expired');
      expect(Math.round((Date.parse(result.endedAt ?? '') - Date.parse(result.openedAt ?? '')) / 60_000)).toBe(360);
    });
    expect(activities.calls).toEqual(['open', 'revoke builder', 'expire']);
  });

  it('ends, too, when an operator cancels the workflow', async () => {
    const activities = fakeActivities(environment);
    await withWorker(environment, activities, async () => {
      const handle = await startSession(environment, newSessionInput());
      await handle.executeUpdate(revokeTokenUpdate, by('builder'));
      await handle.cancel();
      await expect(handle.result()).rejects.toThrow('cancelled');
    });
    expect(activities.calls).toEqual(['open', 'revoke builder', 'end cancellation of the workflow']);
  });
});

describe('updates', () => {
  it('that repeat an operation give the first answer and run nothing', async () => {
    const activities = fakeActivities(environment);
    await withWorker(environment, activities, async () => {
      const handle = await startSession(environment, newSessionInput());
      const first = await handle.executeUpdate(revokeTokenUpdate, by('one'));
      await environment.sleep(5000);
      expect(await handle.executeUpdate(revokeTokenUpdate, by('two'))).toEqual(first);
      await handle.executeUpdate(endSessionUpdate, by('three'));
    });
    expect(activities.calls).toEqual(['open', 'revoke one', 'end three']);
  });

  it('that arrive together run one after the other', async () => {
    const held = gate();
    const activities = fakeActivities(environment, async (call) => {
      if (call !== 'revoke one') return;
      held.reach();
      await held.opened;
    });
    await withWorker(environment, activities, async () => {
      const handle = await startSession(environment, newSessionInput());
      const revoke = handle.executeUpdate(revokeTokenUpdate, by('one'));
      await held.reached;
      const later = [
        await handle.startUpdate(endSessionUpdate, { ...by('two'), waitForStage: 'ACCEPTED' }),
        await handle.startUpdate(endSessionUpdate, { ...by('three'), waitForStage: 'ACCEPTED' }),
      ];
      const again = await handle.startUpdate(revokeTokenUpdate, { ...by('four'), waitForStage: 'ACCEPTED' });
      expect(activities.calls).toEqual(['open', 'revoke one']);
      held.open();
      const [first, second] = await Promise.all(later.map((update) => update.result()));
      expect(second).toEqual(first);
      expect(await again.result()).toEqual(await revoke);
      await handle.result();
    });
    expect(activities.calls).toEqual(['open', 'revoke one', 'end two']);
    expect(activities.mostAtOnce()).toBe(1);
  });

  it('that come with the start wait until the session is open', async () => {
    const held = gate();
    const activities = fakeActivities(environment, async (call) => {
      if (call !== 'open') return;
      held.reach();
      await held.opened;
    });
    await withWorker(environment, activities, async () => {
      const input = newSessionInput();
      const start = new WithStartWorkflowOperation('session', { workflowId: sessionWorkflowId(input.sessionId), taskQueue, args: [input], workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL });
      const revoking = environment.client.workflow.executeUpdateWithStart(revokeTokenUpdate, { ...by('early'), startWorkflowOperation: start });
      await held.reached;
      const handle = environment.client.workflow.getHandle(sessionWorkflowId(input.sessionId));
      expect(await handle.query(sessionStatusQuery)).toMatchObject({ state: 'opening', openedAt: null });
      held.open();
      expect((await revoking).sessionId).toBe(input.sessionId);
      await handle.executeUpdate(endSessionUpdate, by('late'));
    });
    expect(activities.calls).toEqual(['open', 'revoke early', 'end late']);
  });

  it('fail with the code of a final failure and leave the session as it was', async () => {
    let attempts = 0;
    const activities = fakeActivities(environment, async (call) => {
      if (call === 'revoke one') throw ApplicationFailure.nonRetryable('somebody changed the record', 'record-corrupt');
      if (call === 'end two' && ++attempts < 3) throw ApplicationFailure.retryable('no database', 'database-unavailable');
    });
    await withWorker(environment, activities, async () => {
      const handle = await startSession(environment, newSessionInput());
      expect(await failure(handle.executeUpdate(revokeTokenUpdate, by('one')))).toBe('record-corrupt');
      expect(await handle.query(sessionStatusQuery)).toMatchObject({ state: 'open', revokedAt: null });
      await handle.executeUpdate(endSessionUpdate, by('two'));
    });
    expect(activities.calls).toEqual(['open', 'revoke one', 'end two', 'end two', 'end two']);
  });

  it('that do not say who sent them are rejected and leave no trace', async () => {
    const activities = fakeActivities(environment);
    await withWorker(environment, activities, async () => {
      const handle = await startSession(environment, newSessionInput());
      for (const argument of [undefined, { by: '' }, { by: 7 }]) {
        for (const update of ['revokeToken', 'endSession']) expect(await failure(handle.executeUpdate(update, { args: [argument] }))).toBe('invalid-request');
      }
      await handle.executeUpdate(endSessionUpdate, by('builder'));
      const accepted = (await handle.fetchHistory()).events?.filter((event) => Boolean(event.workflowExecutionUpdateAcceptedEventAttributes));
      expect(accepted).toHaveLength(1);
    });
    expect(activities.calls).toEqual(['open', 'end builder']);
  });
});

describe('a session that cannot be opened', () => {
  it('fails with the code, and so do the updates that waited for it', async () => {
    const held = gate();
    const activities = fakeActivities(environment, async () => {
      held.reach();
      await held.opened;
      throw ApplicationFailure.nonRetryable('not here', 'policy-not-allowed');
    });
    await withWorker(environment, activities, async () => {
      const handle = await startSession(environment, newSessionInput({ policy: 'permissive' }));
      await held.reached;
      const revoke = await handle.startUpdate(revokeTokenUpdate, { ...by('one'), waitForStage: 'ACCEPTED' });
      held.open();
      expect(await failure(revoke.result())).toBe('policy-not-allowed');
      expect(await failure(handle.result())).toBe('policy-not-allowed');
    });
    expect(activities.calls).toEqual(['open']);
  });

  it('is tried again while the failure may pass', async () => {
    let attempts = 0;
    const activities = fakeActivities(environment, async (call) => {
      if (call === 'open' && ++attempts < 4) throw ApplicationFailure.retryable('no database', 'database-unavailable');
    });
    await withWorker(environment, activities, async () => {
      expect((await (await startSession(environment, newSessionInput())).result()).state).toBe('expired');
    });
    expect(activities.calls).toEqual(['open', 'open', 'open', 'open', 'expire']);
  });

  it('for bad input fails at once and runs nothing', async () => {
    const activities = fakeActivities(environment);
    await withWorker(environment, activities, async () => {
      for (const args of [[], [newSessionInput()], [{ ...newSessionInput({ sessionId: 'mine' }), secrets: [] }]]) {
        const handle = await environment.client.workflow.start('session', { workflowId: sessionWorkflowId('mine'), taskQueue, args });
        expect(await failure(handle.result())).toBe('invalid-request');
      }
    });
    expect(activities.calls).toEqual([]);
  });
});

describe('traffic', () => {
  it('counts up to the last position, whatever order signals come in and whatever is sent', async () => {
    await withWorker(environment, fakeActivities(environment), async () => {
      const handle = await startSession(environment, newSessionInput());
      await handle.signal(trafficRecordedSignal, totals(5));
      await handle.signal(trafficRecordedSignal, totals(3));
      await handle.signal(trafficRecordedSignal, totals(5, 99));
      for (const nonsense of [undefined, null, 7, {}, { ...totals(9), bytes: -1 }, { ...totals(9), downloads: '9' }, { ...totals(9), position: NaN }]) {
        await handle.signal('trafficRecorded', nonsense);
      }
      expect(await handle.query(sessionStatusQuery)).toMatchObject({ position: 5, downloads: 5, bytes: 500 });
      await handle.executeUpdate(endSessionUpdate, by('builder'));
    });
  });

  it('is carried over by continue-as-new, and so are the deadline and the revocation', async () => {
    const activities = fakeActivities(environment);
    await withWorker(environment, activities, async () => {
      const input: SessionInput = newSessionInput({ timeoutSeconds: 7200 });
      const handle = await startSession(environment, input);
      const { openedAt, revokedAt } = await handle.executeUpdate(revokeTokenUpdate, by('builder'));
      await environment.sleep('1 hour');
      // As many as make the history long enough for a new run.
      let position = 0;
      while (position < 1000) await Promise.all(Array.from({ length: 100 }, () => handle.signal(trafficRecordedSignal, totals(++position))));
      const latest = environment.client.workflow.getHandle(sessionWorkflowId(input.sessionId));
      while ((await latest.describe()).runId === handle.firstExecutionRunId) await pause(50);
      const firstRun = await environment.client.workflow.getHandle(sessionWorkflowId(input.sessionId), handle.firstExecutionRunId).describe();
      expect(firstRun.status.name).toBe('CONTINUED_AS_NEW');
      // The last signals may have come to the new run, which may answer before it has handled them.
      while ((await latest.query(sessionStatusQuery)).position < position) await pause(50);
      expect(await latest.query(sessionStatusQuery)).toMatchObject({ state: 'revoked', openedAt, revokedAt, position, downloads: position });
      const result = await handle.result();
      expect(result).toMatchObject({ state: 'expired', openedAt, position });
      expect(Math.round((Date.parse(result.endedAt ?? '') - Date.parse(openedAt)) / 60_000)).toBe(120);
    });
    expect(activities.calls).toEqual(['open', 'revoke builder', 'expire']);
  }, 120_000);
});
