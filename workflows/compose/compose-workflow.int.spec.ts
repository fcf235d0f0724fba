import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { startTimeSkipping } from '../session/__fixtures__/workflow-environment.js';
import { nextComposeId, startCompose, taskQueueOf, withWorkers } from './__fixtures__/compose-environment.js';
import { fakeRecord, silence, untilCancelled } from './__fixtures__/fake-activities.js';
import { handedOver } from './compose-activities.js';
import { cancelComposeUpdate, composeChangedSignal, composeStatusQuery, composeWorkflowId, removeComposeUpdate, renewComposeUpdate, treeSettledSignal } from './compose-messages.js';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { FakeBehaviour, FakeRecord } from './__fixtures__/fake-activities.js';
import type { ComposeHandle } from './__fixtures__/compose-environment.js';

const by = (name: string) => ({ args: [{ by: name }] as [{ by: string }] });
const life = ['look', 'generate 1', 'tell followers', 'expire', 'release trees'];

/** The code that a caller of the workflow sees, however deep the SDK has wrapped it. */
function codeOf(error: unknown): string {
  for (let at = error as { type?: string; cause?: unknown } | undefined; at !== undefined; at = at.cause as never) if (typeof at.type === 'string') return at.type;
  return `no code: ${String(error)}`;
}
const failure = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'succeeded', codeOf);

let environment: TestWorkflowEnvironment;
beforeAll(async () => {
  environment = await startTimeSkipping();
}, 60_000);
afterAll(async () => {
  await environment?.teardown();
});

async function playing(behaviour: FakeBehaviour, work: (handle: ComposeHandle, record: FakeRecord, id: number) => Promise<void> = async (handle) => void (await handle.result())): Promise<FakeRecord> {
  const record = fakeRecord(environment, behaviour);
  const id = nextComposeId();
  await withWorkers(environment, { composeId: id, record, work: async () => {
    const handle = await startCompose(environment, id);
    try {
      await work(handle, record, id);
    } finally {
      // A workflow that nobody works for any more would hold the clock, and so would what is in a worker's hands when it is terminated: this skips once nothing is.
      await environment.sleep(1000).catch(() => undefined);
      await environment.client.workflow.getHandle(handle.workflowId).terminate().catch(() => undefined);
    }
  } });
  return record;
}

/** Resolves in the activity that is waited for, and lets it go on when the spec says so. */
function gate(at: string) {
  const opened = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  return {
    reached: reached.promise,
    open: opened.resolve,
    before: async (call: string) => {
      if (call !== at) return;
      reached.resolve();
      await opened.promise;
    },
  };
}

describe('a compose', () => {
  it('is generated, expires when its time has come, and has its files released', async () => {
    const record = await playing({ secondsToLive: 864_000 }, async (handle, { timeOf }) => {
      expect(await handle.result()).toMatchObject({ state: 'removed', reusedId: null, attempts: 1 });
      const seconds = (timeOf('expire') - timeOf('generate 1')) / 1000;
      expect(seconds).toBeGreaterThanOrEqual(864_000);
      expect(seconds).toBeLessThan(864_060);
    });
    expect(record.calls).toEqual(life);
  });

  it('shows its state, and says when it expires once generation has ended', async () => {
    const held = gate('generate 1');
    await playing({ before: held.before }, async (handle, record, id) => {
      await held.reached;
      expect(await handle.query(composeStatusQuery)).toEqual({ composeId: id, state: 'wait', reason: null, expiresAt: null, reusedId: null, attempts: 1 });
      record.change(id, { state: 'generating' });
      await handle.signal(composeChangedSignal);
      while ((await handle.query(composeStatusQuery)).state !== 'generating');
      held.open();
      while ((await handle.query(composeStatusQuery)).state !== 'done');
      expect(await handle.query(composeStatusQuery)).toMatchObject({ state: 'done', expiresAt: record.view(id).expiresAt });
    });
  });

  it('of which the record knows more already is taken up where it is', async () => {
    const record = fakeRecord(environment);
    const id = nextComposeId();
    record.change(id, { state: 'failed', reason: 'before', expiresAt: new Date((await record.now()) + 60_000).toISOString() });
    const work = async () => expect(await (await startCompose(environment, id)).result()).toMatchObject({ state: 'removed', reason: 'before', attempts: 0 });
    await withWorkers(environment, { composeId: id, record, work });
    expect(record.calls).toEqual(['look', 'expire', 'release trees']);
  });

  it('does not rely on the clock of Temporal: the record says when it is due', async () => {
    const record = await playing({ early: 2 });
    expect(record.calls.filter((call) => call === 'expire')).toHaveLength(3);
  });

  it('for bad input, or without a record, fails at once', async () => {
    const record = await playing({
      before: async (call) => {
        if (call === 'look') throw ApplicationFailure.nonRetryable('the record has no such compose', 'compose-not-found');
      },
    }, async (handle, _record, id) => {
      expect(await failure(handle.result())).toBe('compose-not-found');
      for (const args of [[], [{}], [{ composeId: 0 }], [{ composeId: 5 }], [{ composeId: '900' }]]) {
        const wrong = await environment.client.workflow.start('compose', { workflowId: composeWorkflowId(900), taskQueue: taskQueueOf(id), args });
        expect(await failure(wrong.result())).toBe('invalid-request');
      }
    });
    expect(record.calls).toEqual(['look']);
  });
});

describe('a generation that fails', () => {
  const failing = (times: number, error: () => Error): FakeBehaviour => {
    let left = times;
    return {
      before: async (call) => {
        if (call.startsWith('generate') && left-- > 0) throw error();
      },
    };
  };

  it('is tried again, with pauses, while that may help', async () => {
    const record = await playing(failing(4, () => ApplicationFailure.retryable('no route to the source', 'source-unavailable')), async (handle, { now }) => {
      const before = await now();
      while ((await handle.query(composeStatusQuery)).state !== 'done') await environment.sleep(1000);
      expect((await now()) - before).toBeGreaterThanOrEqual(102_000);
      expect(await handle.query(composeStatusQuery)).toMatchObject({ attempts: 5 });
    });
    expect(record.calls.filter((call) => call.startsWith('generate'))).toHaveLength(5);
  });

  it('five times is given up, and the reason says so', async () => {
    const record = await playing(failing(5, () => ApplicationFailure.retryable('no route to the source', 'source-unavailable')), async (handle) => {
      expect(await handle.result()).toMatchObject({ state: 'removed', reason: 'no route to the source (tried 5 times)', attempts: 5 });
    });
    expect(record.calls.slice(-4)).toEqual(['fail', 'tell followers', 'expire', 'release trees']);
  });

  it.each([['unresolvable', 'fail for good'], ['tool-not-found', 'fail']])('for good (%s) is not tried again', async (code, written) => {
    const record = await playing(failing(9, () => ApplicationFailure.nonRetryable('because', code)));
    expect(record.calls).toEqual(['look', 'generate 1', written, 'tell followers', 'expire', 'release trees']);
  });

  it('because its worker stopped is nobody’s failure, however often', async () => {
    const record = await playing(failing(12, () => ApplicationFailure.retryable('the worker stops', handedOver)), async (handle) => {
      expect(await handle.result()).toMatchObject({ state: 'removed', reason: null, attempts: 13 });
    });
    expect(record.calls).not.toContain('fail');
  });

  it('because its worker was lost is noticed by the missing heartbeat and begun anew', async () => {
    const record = await playing({
      before: async (call) => {
        if (call === 'generate 1') await silence();
      },
    }, async (handle, { now }) => {
      const before = await now();
      while ((await handle.query(composeStatusQuery)).state !== 'done') await environment.sleep(500);
      expect((await now()) - before).toBeLessThan(15_000);
    });
    expect(record.calls.slice(0, 3)).toEqual(['look', 'generate 1', 'generate 2']);
  });
});

describe('cancelling', () => {
  it('a compose that waits answers its status, and nothing is generated', async () => {
    const held = gate('look');
    const record = await playing({ before: held.before }, async (handle) => {
      await held.reached;
      const cancelling = handle.executeUpdate(cancelComposeUpdate, by('builder'));
      await environment.sleep(1000);
      held.open();
      expect(await cancelling).toMatchObject({ state: 'failed', reason: 'Canceled by builder' });
      await handle.result();
    });
    expect(record.calls).not.toContain('generate 1');
  });

  it.each(['update', 'signal', 'workflow'] as const)('a compose that is generated stops its activity (by %s)', async (way) => {
    const reached = Promise.withResolvers<void>();
    let stopped = false;
    const record = await playing({
      before: async (call) => {
        if (call !== 'generate 1') return;
        reached.resolve();
        await untilCancelled().finally(() => (stopped = true));
      },
    }, async (handle, { change }, id) => {
      await reached.promise;
      if (way === 'update') expect(await handle.executeUpdate(cancelComposeUpdate, by('builder'))).toMatchObject({ state: 'failed' });
      else if (way === 'workflow') await handle.cancel();
      else {
        change(id, { state: 'failed', reason: 'by REST', expiresAt: '2000-01-01T00:00:00.000Z' });
        await handle.signal(composeChangedSignal);
      }
      expect(await handle.result()).toMatchObject({ state: 'removed', attempts: 1 });
    });
    expect(stopped).toBe(true);
    expect(record.calls.slice(-3)).toEqual(['tell followers', 'expire', 'release trees']);
    if (way === 'workflow') expect(record.calls).toContain('cancel cancellation of the workflow');
  });

  it('a compose that pauses before its next attempt ends the pause', async () => {
    await playing({
      before: async (call) => {
        if (call.startsWith('generate')) throw ApplicationFailure.retryable('full', 'storage-full');
      },
    }, async (handle) => {
      while ((await handle.query(composeStatusQuery)).attempts < 2) await environment.sleep(500);
      expect(await handle.executeUpdate(cancelComposeUpdate, by('builder'))).toMatchObject({ state: 'failed' });
      expect((await handle.result()).attempts).toBe(2);
    });
  });

  it('a compose that has ended answers its last status', async () => {
    await playing({}, async (handle) => {
      while ((await handle.query(composeStatusQuery)).state !== 'done');
      expect(await handle.executeUpdate(cancelComposeUpdate, by('builder'))).toMatchObject({ state: 'done' });
    });
  });

  it('the workflow of a compose that is done removes it', async () => {
    const record = await playing({ secondsToLive: 864_000 }, async (handle, { now, timeOf }) => {
      while ((await handle.query(composeStatusQuery)).state !== 'done');
      const before = await now();
      await handle.cancel();
      expect(await handle.result()).toMatchObject({ state: 'removed' });
      expect(timeOf('expire') - before).toBeLessThan(60_000);
    });
    expect(record.calls.slice(-3)).toEqual(['remove cancellation of the workflow', 'expire', 'release trees']);
  });
});

describe('a follower', () => {
  it('is done when the compose that makes its files says that it has ended', async () => {
    const record = await playing({ claims: ['follow', 'follow', 'reuse'] }, async (handle, { now }) => {
      const before = await now();
      while ((await handle.query(composeStatusQuery)).reusedId !== 7);
      await handle.signal(treeSettledSignal);
      while ((await handle.query(composeStatusQuery)).state !== 'done') await environment.sleep(100);
      expect((await now()) - before).toBeLessThan(20_000);
      expect(await handle.query(composeStatusQuery)).toMatchObject({ reusedId: 7, attempts: 1 });
    });
    expect(record.calls.slice(0, 4)).toEqual(['look', 'generate 1', 'claim', 'claim']);
  });

  it('asks every 15 seconds when it hears nothing, in as many runs as it takes', async () => {
    const record = await playing({ claims: Array.from({ length: 150 }, () => 'follow' as const) }, async (handle, { timeOf }) => {
      const result = await handle.result();
      expect(result).toMatchObject({ state: 'removed', reusedId: 7, attempts: 1 });
      expect(Math.round((timeOf('claim') - timeOf('generate 1')) / 150_000)).toBe(15);
      expect((await environment.client.workflow.getHandle(handle.workflowId).describe()).runId).not.toBe(handle.firstExecutionRunId);
    });
    expect(record.calls.filter((call) => call === 'claim')).toHaveLength(150);
    expect(record.calls.filter((call) => call.startsWith('generate'))).toEqual(['generate 1']);
  }, 60_000);

  it('generates itself when it is its turn', async () => {
    const record = await playing({ claims: ['follow', 'generate', 'generate'] }, async (handle) => {
      expect(await handle.result()).toMatchObject({ state: 'removed', attempts: 2 });
    });
    expect(record.calls.slice(0, 4)).toEqual(['look', 'generate 1', 'claim', 'generate 2']);
  });

  it('can be cancelled', async () => {
    await playing({ claims: ['follow', 'follow', 'follow'] }, async (handle) => {
      while ((await handle.query(composeStatusQuery)).reusedId !== 7);
      expect(await handle.executeUpdate(cancelComposeUpdate, by('builder'))).toMatchObject({ state: 'failed' });
      await handle.result();
    });
  });
});

describe('a compose that is done', () => {
  it('lives longer when it is renewed, by update or in the record', async () => {
    await playing({}, async (handle, { now, change, timeOf }, id) => {
      while ((await handle.query(composeStatusQuery)).state !== 'done');
      const before = await now();
      await handle.executeUpdate(renewComposeUpdate, { args: [{ by: 'builder', secondsToLive: 7200 }] });
      await environment.sleep('100 minutes');
      expect(await handle.query(composeStatusQuery)).toMatchObject({ state: 'done' });
      change(id, { expiresAt: new Date(before + 10_800_000).toISOString() });
      await handle.signal(composeChangedSignal);
      await handle.result();
      expect(Math.round((timeOf('expire') - before) / 60_000)).toBe(180);
    });
  });

  it('that was renewed without a word to the workflow is not removed', async () => {
    await playing({}, async (handle, { now, change, timeOf }, id) => {
      while ((await handle.query(composeStatusQuery)).state !== 'done');
      const before = await now();
      change(id, { expiresAt: new Date(before + 10_800_000).toISOString() });
      await handle.result();
      expect(Math.round((timeOf('expire') - before) / 60_000)).toBe(180);
    });
  });

  it('is removed at once when somebody asks for that', async () => {
    await playing({ secondsToLive: 864_000 }, async (handle, { now, timeOf }) => {
      while ((await handle.query(composeStatusQuery)).state !== 'done');
      const before = await now();
      expect(await handle.executeUpdate(removeComposeUpdate, by('builder'))).toMatchObject({ composeId: expect.any(Number) });
      expect(await handle.result()).toMatchObject({ state: 'removed' });
      expect(timeOf('expire') - before).toBeLessThan(60_000);
    });
  });

  it('takes no messages that do not say who sent them, or ask for nonsense', async () => {
    await playing({}, async (handle) => {
      for (const argument of [undefined, { by: '' }, { by: 7 }]) {
        for (const update of ['cancelCompose', 'renewCompose', 'removeCompose']) expect(await failure(handle.executeUpdate(update, { args: [argument] }))).toBe('invalid-request');
      }
      for (const secondsToLive of [0, -1, 1.5, '60', 1e12]) expect(await failure(handle.executeUpdate('renewCompose', { args: [{ by: 'builder', secondsToLive }] }))).toBe('invalid-request');
      const accepted = (await handle.fetchHistory()).events?.filter((event) => Boolean(event.workflowExecutionUpdateAcceptedEventAttributes));
      expect(accepted).toHaveLength(0);
    });
  });
});
