import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { startTimeSkipping } from '../session/__fixtures__/workflow-environment.js';
import { fails, playing, repositoryScene, untilStatus, whileTimePasses, type RepositoryBehaviour, type RepositoryHandle, type RepositoryScene } from './__fixtures__/repository-scene.js';
import { applyChangeUpdate, publishPackagesUpdate, removePackagesUpdate, repositoryChangedSignal, repositoryStatusQuery, repositoryUpkeepStatusQuery, type PublishInput, type RemoveInput } from './repository-messages.js';
import type { TestWorkflowEnvironment } from '@temporalio/testing';

// The clock of the server is fast, and a busy machine slow.
jest.setTimeout(60_000);

let environment: TestWorkflowEnvironment;
/** One for each group: its clock is not to be moved by what other groups have left. */
function ownServer(): void {
  beforeAll(async () => {
    environment = await startTimeSkipping();
  }, 60_000);
  afterAll(async () => {
    await environment?.teardown();
  });
}

const played = async <T>(behaviour: RepositoryBehaviour, work: (handle: RepositoryHandle, scene: RepositoryScene) => Promise<T>): Promise<{ scene: RepositoryScene; result: T }> => {
  const scene = repositoryScene(environment, behaviour);
  return { scene, result: await playing(environment, scene, (handle) => work(handle, scene)) };
};

const apply = (handle: RepositoryHandle, changeId: string) => handle.executeUpdate(applyChangeUpdate, { args: [{ changeId }] });
const passing = <T>(work: Promise<T>): Promise<T> => whileTimePasses(environment, work);
const publication = (changes: Partial<PublishInput> = {}) => ({ args: [{ changeId: randomUUID(), by: 'ann', uploads: [randomUUID()], ...changes }] as [PublishInput] });

function codeOf(error: unknown): string {
  for (let at = error as { type?: string; cause?: unknown } | undefined; at !== undefined; at = at.cause as never) if (typeof at.type === 'string') return at.type;
  return `no code: ${String(error)}`;
}
const failure = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'succeeded', codeOf);

/** Throws so many times. */
const times = (count: number, step: string, code: string, final = false) => (call: string) => {
  if (call === step && (count -= 1) >= 0) fails(code, final);
};

const steps = (scene: RepositoryScene) => scene.calls.filter((call) => !['look', 'request', 'ended'].includes(call));

describe('a repository', () => {
  ownServer();

  it('publishes what a message asks for and answers what came of it', async () => {
    const change = publication();
    const { scene, result } = await played({}, (handle) => handle.executeUpdate(publishPackagesUpdate, change));
    expect(result).toEqual({ state: 1, added: [change.args[0].changeId], same: [], removed: [], obsoleted: [] });
    expect(steps(scene).join(' ')).toContain('inspect plan place index switch record');
  });

  it('answers the same for the same id, and what became of a change that is in the record already', async () => {
    const change = publication();
    const { scene, result } = await played({}, async (handle) => [await handle.executeUpdate(publishPackagesUpdate, change), await handle.executeUpdate(publishPackagesUpdate, change), await apply(handle, change.args[0].changeId)]);
    expect(result[1]).toEqual(result[0]);
    expect(result[2]).toEqual(result[0]);
    expect(scene.published).toHaveLength(1);
  });

  it('removes packages', async () => {
    const change: RemoveInput = { changeId: randomUUID(), by: 'ann', keys: ['foo-1.rpm'] };
    const { result } = await played({}, (handle) => handle.executeUpdate(removePackagesUpdate, { args: [change] }));
    expect(result.state).toBe(1);
  });

  it('makes one state of all changes that came while another was made', async () => {
    const held = Promise.withResolvers<void>();
    const { scene } = await played({ before: (call, { published }) => (call === 'place' && published.length === 0 ? held.promise : undefined) }, async (handle, { request, calls }) => {
      const first = apply(handle, request());
      while (!calls.includes('place')) await environment.sleep(10);
      const others = Array.from({ length: 7 }, () => apply(handle, request()));
      await handle.query(repositoryStatusQuery);
      held.resolve();
      await Promise.all([first, ...others]);
    });
    expect(scene.published.map((changes) => changes.length)).toEqual([1, 7]);
  });

  it('sees what waits when it is told, and when it starts', async () => {
    const scene = repositoryScene(environment);
    scene.request();
    await playing(environment, scene, async (handle) => {
      await untilStatus(environment, handle, ({ state }) => state === 1);
      scene.request();
      await handle.signal(repositoryChangedSignal);
      await untilStatus(environment, handle, ({ state }) => state === 2);
    });
    expect(scene.published).toHaveLength(2);
  });

  it('goes on with the state that somebody else had begun', async () => {
    const scene = repositoryScene(environment);
    scene.planned = { state: 1, changes: [randomUUID()] };
    await playing(environment, scene, (handle) => untilStatus(environment, handle, ({ state }) => state === 1));
    expect(steps(scene).slice(0, 6)).toEqual(['inspect', 'plan', 'place', 'index', 'switch', 'record']);
  });
});

describe('a step that fails', () => {
  ownServer();

  it.each(['inspect', 'plan', 'place', 'index', 'switch', 'record', 'ended'])('is tried again while it may succeed: %s', async (step) => {
    const { scene, result } = await played({ before: times(3, step, 'storage-unavailable') }, (handle, { request }) => passing(apply(handle, request())));
    expect(result.state).toBe(1);
    expect(scene.count('abandon')).toBe(0);
    expect(scene.published).toHaveLength(1);
  });

  it('is told while it is tried again', async () => {
    let away = true;
    await played({ before: (call) => (call === 'place' && away ? fails('storage-unavailable') : undefined) }, async (handle, { request }) => {
      const done = apply(handle, request());
      const status = await untilStatus(environment, handle, ({ trouble }) => trouble !== null);
      expect(status).toMatchObject({ step: 'placing', waiting: 1, trouble: 'storage-unavailable says the scene' });
      away = false;
      await passing(done);
      await untilStatus(environment, handle, ({ trouble, step }) => trouble === null && step === 'idle');
    });
  });

  it.each(['place', 'index', 'switch'])('for good has the changes of its state fail, and the next ones go on: %s', async (step) => {
    const { scene, result } = await played({ before: times(1, step, 'package-conflict', true) }, async (handle, { request }) => [await failure(passing(apply(handle, request()))), (await passing(apply(handle, request()))).state]);
    expect(result).toEqual(['package-conflict', 2]);
    expect(scene.count('abandon')).toBe(1);
  });

  it('because of one of many changes has that one fail alone, in few attempts, and the others are published', async () => {
    const bad: string[] = [];
    const spoiled: RepositoryBehaviour = { abandonable: 'divide', before: (call, { planned }) => (call === 'index' && planned?.changes.some((id) => bad.includes(id)) === true ? fails('source-invalid', true) : undefined) };
    const { scene, result } = await played(spoiled, async (handle, { request, waiting }) => {
      await untilStatus(environment, handle, ({ step }) => step === 'idle');
      const ids = Array.from({ length: 40 }, () => request());
      bad.push(ids[5] ?? '', ids[30] ?? '');
      const outcomes = await passing(Promise.all(ids.map((id) => failure(apply(handle, id)))));
      const later = request();
      await passing(apply(handle, later));
      return { outcomes, waiting: [...waiting] };
    });
    expect(result.outcomes.map((outcome, index) => [index, outcome]).filter(([, outcome]) => outcome !== 'succeeded')).toEqual([[5, 'source-invalid'], [30, 'source-invalid']]);
    expect(result.waiting).toEqual([]);
    expect(scene.published.flat()).toHaveLength(39);
    expect(scene.count('index')).toBeLessThan(30);
  });

  it('because the store refuses is tried a few times', async () => {
    const { result } = await played({ before: times(4, 'place', 'storage-refused', true) }, (handle, { request }) => passing(apply(handle, request())));
    expect(result.state).toBe(1);
    const { result: refused } = await played({ before: times(100, 'place', 'storage-refused', true) }, (handle, { request }) => failure(passing(apply(handle, request()))));
    expect(refused).toBe('storage-refused');
  });

  it('once clients may have seen some of it is carried through, whatever it says', async () => {
    const { scene, result } = await played({ abandonable: false, before: times(12, 'switch', 'storage-refused', true) }, (handle, { request }) => passing(apply(handle, request())));
    expect(result.state).toBe(1);
    expect(scene.count('abandon')).toBeGreaterThan(0);
    expect(scene.published).toHaveLength(1);
  });

  it('because what was prepared is not there any more begins the state again', async () => {
    const { scene } = await played({ before: times(1, 'switch', 'storage-conflict') }, (handle, { request }) => passing(apply(handle, request())));
    expect(steps(scene).slice(0, 10)).toEqual(['inspect', 'plan', 'place', 'index', 'switch', 'place', 'index', 'switch', 'record', 'inspect']);
  });

  it('because somebody else has made the state asks the record what is next', async () => {
    const { scene } = await played(
      {
        before: async (call, made) => {
          if (call !== 'switch' || made.count('switch') > 1) return;
          await made.activities.recordState('', 1);
          fails('record-conflict');
        },
      },
      (handle, { request }) => passing(apply(handle, request())),
    );
    expect(scene.published).toHaveLength(1);
    expect(scene.count('abandon')).toBe(0);
  });

  it('leaves what cannot be had now for later', async () => {
    let away = true;
    await played({ postponed: () => away }, async (handle, { request }) => {
      const done = apply(handle, request());
      const status = await untilStatus(environment, handle, ({ trouble }) => trouble !== null);
      expect(status.trouble).toBe('inspecting: the session is away');
      away = false;
      await passing(done);
      expect((await untilStatus(environment, handle, ({ step }) => step === 'idle')).trouble).toBeNull();
    });
  });

  it('of housekeeping stops nothing, and is told', async () => {
    const { result } = await played({ before: (call) => (call === 'tidy' ? fails('storage-refused', true) : undefined) }, async (handle, { request }) => {
      await passing(apply(handle, request()));
      await untilStatus(environment, handle, ({ trouble, step }) => step === 'idle' && trouble !== null);
      return passing(apply(handle, request()));
    });
    expect(result.state).toBe(2);
  });
});

describe('the clock of a repository', () => {
  ownServer();

  it('has it pruned once a day', async () => {
    const { scene } = await played({}, async (handle) => {
      await untilStatus(environment, handle, ({ step }) => step === 'idle');
      await environment.sleep('3 days');
      await untilStatus(environment, handle, ({ step }) => step === 'idle');
    });
    expect(scene.count('prune')).toBe(3);
  });

  it('has its index signed again before the signature runs out', async () => {
    const { scene } = await played({ view: (state, now) => ({ signBy: state < 3 ? new Date(now + 600_000).toISOString() : null }) }, (handle) => untilStatus(environment, handle, ({ state }) => state === 3));
    expect(scene.count('sign')).toBe(3);
  });

  it('has it checked and synchronised as often as its settings say, in nobody\'s way', async () => {
    const checking = Promise.withResolvers<void>();
    const { scene } = await played({ view: () => ({ checkSeconds: 3600, synchroniseSeconds: 1200 }), before: (call) => (call === 'check' ? checking.promise : undefined) }, async (handle, { request, count }) => {
      // The clock stands still while an activity is under way.
      const passed = environment.sleep('190 minutes');
      while (count('check') === 0) await pause(20);
      await apply(handle, request());
      checking.resolve();
      await passed;
    });
    expect(scene.count('check')).toBe(3);
    expect(scene.published).toHaveLength(1);
    expect(scene.count('synchronise')).toBeGreaterThanOrEqual(5);
  });

  it('tells once that a synchronisation fails, again for another reason or after one that has worked, and shows how it went', async () => {
    const reasons = ['source-unavailable', 'source-unavailable', 'source-invalid', null, 'source-invalid', null];
    const behaviour: RepositoryBehaviour = {
      view: () => ({ synchroniseSeconds: 3600 }),
      before(call, { count }) {
        const reason = call === 'synchronise' ? (reasons[count('synchronise') - 1] ?? null) : null;
        if (reason !== null) fails(reason, true);
      },
    };
    const { scene, result } = await played(behaviour, async (handle, { count }) => {
      const upkeep = environment.client.workflow.getHandle(handle.workflowId.replace('repository:', 'repository-upkeep:'));
      const shown: unknown[] = [];
      for (const [index] of reasons.entries()) {
        while (count('synchronise') <= index) await environment.sleep('10 minutes');
        await environment.sleep('10 minutes');
        const { synchronisation, check } = await upkeep.query(repositoryUpkeepStatusQuery);
        expect([check, synchronisation?.at]).toEqual([null, expect.stringMatching(/^\d{4}-.*Z$/)]);
        shown.push(synchronisation?.trouble);
      }
      return shown;
    });
    expect(result).toEqual(reasons.map((reason) => (reason === null ? null : `${reason} says the scene`)));
    expect(scene.calls.filter((call) => call.startsWith('told'))).toEqual(['source-unavailable', 'source-invalid', 'source-invalid'].map((code) => `told synchronisation ${code}`));
  });

  it('goes on when a check or a synchronisation fails', async () => {
    const { scene } = await played({ view: () => ({ checkSeconds: 3600, synchroniseSeconds: 3600 }), before: (call) => (call === 'check' || call === 'synchronise' ? fails('source-invalid', true) : undefined) }, async (handle) => {
      await untilStatus(environment, handle, ({ step }) => step === 'idle');
      await environment.sleep('190 minutes');
    });
    expect(scene.count('check')).toBe(3);
    expect(scene.count('synchronise')).toBeGreaterThanOrEqual(3);
  });
});

describe('the workflow of a repository', () => {
  ownServer();

  it('hands a long history over; who waits asks again and nothing is lost', async () => {
    const { scene, result } = await played({}, async (handle, { request }) => {
      const current = environment.client.workflow.getHandle<RepositoryHandle extends { result(): Promise<unknown> } ? never : never>(handle.workflowId);
      const outcomes: number[] = [];
      for (let count = 0; count < 50; count += 1) {
        const id = request();
        for (;;) {
          const answer = await current.executeUpdate(applyChangeUpdate, { args: [{ changeId: id }] }).catch((error: unknown) => error);
          if (typeof answer === 'object' && answer !== null && 'state' in answer) {
            outcomes.push((answer as { state: number }).state);
            break;
          }
          expect(['record-conflict', 'AcceptedUpdateCompletedWorkflow']).toContain(codeOf(answer));
        }
      }
      return { outcomes, runs: (await current.describe()).runId !== handle.firstExecutionRunId };
    });
    expect(result).toEqual({ outcomes: Array.from({ length: 50 }, (_, index) => index + 1), runs: true });
    expect(scene.published).toHaveLength(50);
  });

  it('leaves the state that is being made to the next one when somebody cancels it', async () => {
    const { scene, result } = await played({ before: (call) => (call === 'place' ? fails('storage-unavailable') : undefined) }, async (handle, { request }) => {
      const waiting = failure(apply(handle, request()));
      await untilStatus(environment, handle, ({ trouble }) => trouble !== null);
      await handle.cancel();
      return [await waiting, (await handle.result()).state];
    });
    expect(result).toEqual(['workflow-engine-unavailable', 0]);
    expect(scene.planned).toMatchObject({ state: 1 });
    expect(scene.count('abandon')).toBe(0);
  });

  it('completes when its repository is removed, and so does its upkeep', async () => {
    let removed = false;
    const scene = repositoryScene(environment, { before: (call) => (removed && call === 'look' ? fails('repository-not-found', true) : undefined) });
    const ended = await playing(
      environment,
      scene,
      async (handle) => {
        await apply(handle, scene.request());
        removed = true;
        const workflows = [handle.workflowId, 'repository-upkeep:removed'].map((id) => environment.client.workflow.getHandle(id));
        for (const workflow of workflows) await workflow.signal(repositoryChangedSignal);
        for (const workflow of workflows) await workflow.result();
        return Promise.all(workflows.map(async (workflow) => (await workflow.describe()).status.name));
      },
      'removed',
    );
    expect(ended).toEqual(['COMPLETED', 'COMPLETED']);
  });

  it.each([
    ['no id', publishPackagesUpdate, { by: 'ann', uploads: [randomUUID()] }],
    ['an id that is none', publishPackagesUpdate, { changeId: 'one', by: 'ann', uploads: [randomUUID()] }],
    ['nobody who asks', publishPackagesUpdate, { changeId: randomUUID(), uploads: [randomUUID()] }],
    ['nothing to publish', publishPackagesUpdate, { changeId: randomUUID(), by: 'ann' }],
    ['uploads that are none', publishPackagesUpdate, { changeId: randomUUID(), by: 'ann', uploads: ['../etc'] }],
    ['too many uploads', publishPackagesUpdate, { changeId: randomUUID(), by: 'ann', uploads: Array.from({ length: 1001 }, () => randomUUID()) }],
    ['contents without a digest', publishPackagesUpdate, { changeId: randomUUID(), by: 'ann', contents: [{ sha256: 'abc', from: { session: 's' } }] }],
    ['no keys to remove', removePackagesUpdate, { changeId: randomUUID(), by: 'ann', keys: [] }],
    ['keys that are no texts', removePackagesUpdate, { changeId: randomUUID(), by: 'ann', keys: [7] }],
    ['an odd force', removePackagesUpdate, { changeId: randomUUID(), by: 'ann', keys: ['a'], force: 'yes' }],
    ['no argument', applyChangeUpdate, null],
  ])('refuses %s, and keeps no trace of it', async (_what, update, argument) => {
    const { scene, result } = await played({}, (handle) => failure(handle.executeUpdate(update as typeof applyChangeUpdate, { args: [argument as never] })));
    expect(result).toBe('invalid-request');
    expect(scene.count('request')).toBe(0);
  });

  it('says of a change that nobody knows that it is not there', async () => {
    const { result } = await played({}, (handle) => failure(apply(handle, randomUUID())));
    expect(result).toBe('change-not-found');
  });
});
