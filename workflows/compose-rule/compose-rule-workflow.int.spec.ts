import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { connectRealServer, startTimeSkipping } from '../session/__fixtures__/workflow-environment.js';
import { ruleScene, startRule, untilStatus, withRuleWorkers, type RuleBehaviour, type RuleHandle, type RuleScene } from './__fixtures__/rule-scene.js';
import { messagesReceivedSignal, pauseRuleUpdate, replayRuleUpdate, resumeRuleUpdate, retireRuleSignal, ruleChangedSignal, ruleStatusQuery, type ComposeRuleStatus, type RuleReplay } from './compose-rule-messages.js';
import type { TestWorkflowEnvironment } from '@temporalio/testing';

const by = { args: [{ by: 'ann' }] as [{ by: string }] };
const asks = (replay: Omit<RuleReplay, 'by'>) => ({ args: [{ by: 'ann', ...replay }] as [RuleReplay] });

function codeOf(error: unknown): string {
  for (let at = error as { type?: string; cause?: unknown } | undefined; at !== undefined; at = at.cause as never) if (typeof at.type === 'string') return at.type;
  return `no code: ${String(error)}`;
}
const failure = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'succeeded', codeOf);

// The clock of the server is fast, and a busy machine slow.
jest.setTimeout(90_000);

let environment: TestWorkflowEnvironment;
/** One for each spec: while a task is in a worker's hands a clock that can skip does not, and what a spec before has left there is only given up in real time. */
function on(server: () => Promise<TestWorkflowEnvironment>): void {
  beforeEach(async () => {
    environment = await server();
  }, 60_000);
  afterEach(async () => {
    await environment?.teardown();
  });
}

const newRule = (): string => `rule-${randomUUID()}`;

interface Played {
  readonly scene: RuleScene;
  readonly status: ComposeRuleStatus;
}

/** Plays a rule until the spec says that it is enough; answers its last status. */
async function playing(behaviour: RuleBehaviour, work: (handle: RuleHandle, scene: RuleScene) => Promise<unknown>): Promise<Played> {
  const scene = ruleScene(environment, behaviour);
  const rule = newRule();
  return withRuleWorkers(environment, { rule, scene }, async () => {
    const handle = await startRule(environment, rule);
    try {
      await work(handle, scene);
      return { scene, status: await handle.query(ruleStatusQuery) };
    } finally {
      await environment.client.workflow.getHandle(handle.workflowId).terminate().catch(() => undefined);
    }
  });
}

const done = (count: number) => (status: ComposeRuleStatus) => status.counts.done === count && status.matters.length === 0;
const quiet = (handle: RuleHandle, holds: (status: ComposeRuleStatus) => boolean) => untilStatus(environment, handle, holds);

describe('a rule', () => {
  on(startTimeSkipping);

  it('makes one compose of a burst, by its newest message, after silence', async () => {
    const { scene, status } = await playing({ messages: Array.from({ length: 250 }, () => 'f41') }, (handle) => quiet(handle, done(1)));
    expect(scene.requests).toMatchObject([{ key: 'f41', position: 250, replay: '', attempt: 1 }]);
    expect(status).toMatchObject({ paused: false, position: 250, counts: { matched: 250, requested: 1, done: 1, failed: 0 }, problem: null });
  });

  it('makes a compose of each key, and none of what does not match', async () => {
    const { scene } = await playing({ messages: ['a', '-', 'b', 'a', '-'] }, (handle) => quiet(handle, done(2)));
    expect(scene.requests.map(({ key, position }) => [key, position]).sort()).toEqual([['a', 4], ['b', 3]]);
  });

  it('waits no longer than the longest wait while messages go on', async () => {
    const { scene } = await playing({ messages: ['a'] }, async (handle, { messages }) => {
      const began = await environment.currentTimeMs();
      while ((await environment.currentTimeMs()) < began + 100_000) {
        messages.push('a');
        await handle.signal(messagesReceivedSignal);
        await environment.sleep(5000);
      }
      await quiet(handle, done(2));
    });
    expect(scene.requests).toHaveLength(2);
    expect(scene.requests[0]!.position).toBeLessThan(20);
    expect(scene.requests[1]!.position).toBe(scene.messages.length);
  });

  it('counts messages that no request can be made of, and loops', async () => {
    const { status } = await playing({ messages: ['!', '@', '@'] }, (handle) => quiet(handle, ({ counts }) => counts.loops === 2));
    expect(status).toMatchObject({ counts: { matched: 0, parked: 1, loops: 2, requested: 0 }, problem: 'unfit' });
  });

  it('finds messages of which nobody tells it', async () => {
    await playing({}, async (handle, { messages }) => {
      await quiet(handle, ({ position }) => position === 0);
      messages.push('a');
      await quiet(handle, done(1));
    });
  });

  it('goes on after a failed compose, and asks again as often as it is told to', async () => {
    const { scene, status } = await playing({ messages: ['a'], ends: [false, false, false, true], settings: { retry: { times: 2, wait: 60 } } }, async (handle, { messages }) => {
      await quiet(handle, ({ counts, matters }) => counts.failed === 3 && matters.length === 0);
      messages.push('a');
      await handle.signal(messagesReceivedSignal);
      await quiet(handle, done(1));
    });
    expect(scene.requests.map(({ position, attempt }) => [position, attempt])).toEqual([[1, 1], [1, 2], [1, 3], [2, 1]]);
    expect(scene.requests[1]!.at - scene.requests[0]!.at).toBeGreaterThanOrEqual(60_000);
    expect(status).toMatchObject({ counts: { requested: 4, failed: 3, done: 1 }, problem: 'compose 3: no package ladle' });
  });

  it('does not try again what newer messages have made old', async () => {
    const { scene } = await playing({ messages: ['a'], ends: [false], settings: { retry: { times: 5, wait: 3600 } } }, async (handle, { messages }) => {
      await quiet(handle, ({ counts }) => counts.failed === 1);
      messages.push('a');
      await handle.signal(messagesReceivedSignal);
      await quiet(handle, done(1));
    });
    expect(scene.requests.map(({ position, attempt }) => [position, attempt])).toEqual([[1, 1], [2, 1]]);
  });

  it('asks its gates, and points its name at what passed them', async () => {
    const gate = (_when: string, asked: number) => ({ open: asked > 2, summary: 'tests are missing', patience: 3600 });
    const { scene } = await playing({ messages: ['a'], gate, settings: { gateBefore: true, gateAfter: true, named: true } }, (handle) => quiet(handle, done(1)));
    expect(scene.calls.filter((call) => !call.startsWith('match'))).toEqual(['begin', 'gate before', 'gate before', 'gate before', 'request a 1', 'await 1', 'gate after', 'promote 1']);
  });

  it.each(['before', 'after'] as const)('gives up what the gate %s it keeps closed for too long', async (when) => {
    const gate = (asked: 'before' | 'after') => ({ open: asked !== when, summary: 'tests are missing', patience: 600 });
    const { scene, status } = await playing({ messages: ['a'], gate, settings: { gateBefore: true, gateAfter: true, named: true } }, (handle) => quiet(handle, ({ counts, matters }) => counts.refused === 1 && matters.length === 0));
    expect(status.problem).toBe(`the gate ${when} it stayed closed: tests are missing`);
    expect([scene.requests.length, scene.calls.includes('promote 1')]).toEqual([when === 'before' ? 0 : 1, false]);
  });

  it('lets newer messages take the place of one that waits at its gate', async () => {
    let open = false;
    const { scene, status } = await playing({ messages: ['a'], gate: () => ({ open, summary: 'closed', patience: 86_400 }), settings: { gateBefore: true } }, async (handle, { messages, calls }) => {
      await quiet(handle, ({ matters }) => matters[0]?.state === 'gate-before' && calls.includes('gate before'));
      messages.push('a');
      await handle.signal(messagesReceivedSignal);
      await quiet(handle, ({ matters }) => matters.length === 1 && matters[0]?.state === 'gate-before' && matters[0].messages === 2);
      open = true;
      await quiet(handle, done(1));
    });
    expect(scene.requests).toMatchObject([{ position: 2 }]);
    expect(status.counts).toMatchObject({ matched: 2, refused: 0, failed: 0 });
  });

  it('rests while it is paused, and then goes on with what came meanwhile', async () => {
    const { scene } = await playing({ messages: ['a'] }, async (handle, { messages }) => {
      expect(await handle.executeUpdate(pauseRuleUpdate, by)).toMatchObject({ paused: true });
      messages.push('b', 'b');
      await handle.signal(messagesReceivedSignal);
      await environment.sleep(3_600_000);
      expect((await handle.query(ruleStatusQuery)).counts.requested).toBe(0);
      expect(await handle.executeUpdate(resumeRuleUpdate, by)).toMatchObject({ paused: false });
      await quiet(handle, done(2));
    });
    expect(scene.requests.map(({ key, position }) => [key, position])).toEqual(expect.arrayContaining([['a', 1], ['b', 3]]));
    expect(scene.calls.filter((call) => /pause|resume/.test(call))).toEqual(['pause ann', 'resume']);
  });

  it('goes on at once when so much waits that it looks at nothing more', async () => {
    const messages = Array.from({ length: 1001 }, (_, index) => `key-${index}`);
    await playing({ messages, settings: { debounce: { quiet: 600, longest: 600 } } }, async (handle, { requests }) => {
      await quiet(handle, ({ counts }) => counts.matched === 1000);
      await handle.executeUpdate(pauseRuleUpdate, by);
      await environment.sleep(1_000_000);
      const resumed = await environment.currentTimeMs();
      await handle.executeUpdate(resumeRuleUpdate, by);
      await quiet(handle, ({ counts }) => counts.requested > 0);
      expect(requests[0]!.at - resumed).toBeLessThan(60_000);
    });
  });

  it('begins as the record says: paused, and after what is settled', async () => {
    const { scene, status } = await playing({ messages: ['a', 'b', 'c'], beginning: { paused: true, position: 2 } }, async (handle) => {
      await environment.sleep(600_000);
      await handle.executeUpdate(resumeRuleUpdate, by);
      await quiet(handle, done(1));
    });
    expect([scene.requests.map(({ key }) => key), status.position]).toEqual([['c'], 3]);
  });

  it('refuses a replay of what is not there, or of everything and nothing, and a stranger', async () => {
    await playing({ messages: ['-'] }, async (handle) => {
      expect(await failure(handle.executeUpdate(replayRuleUpdate, asks({ position: 1 })))).toBe('message-not-found');
      for (const replay of [{}, { since: 'yesterday' }, { position: 0 }, { position: 1, since: '2026-01-01T00:00:00Z' }]) expect(await failure(handle.executeUpdate(replayRuleUpdate, asks(replay)))).toBe('invalid-request');
      expect(await failure(handle.executeUpdate(pauseRuleUpdate, { args: [{ by: '' }] }))).toBe('invalid-request');
    });
  });

  it('reads its settings again when they have changed', async () => {
    await playing({}, async (handle, { calls }) => {
      await handle.signal(ruleChangedSignal);
      await quiet(handle, () => calls.includes('read'));
    });
  });

  it('stops when its workflow is cancelled, and is not retired', async () => {
    const { scene } = await playing({ messages: ['a'] }, async (handle) => {
      await quiet(handle, done(1));
      await handle.cancel();
      expect(await handle.result()).toMatchObject({ counts: { done: 1 } });
    });
    expect(scene.calls).not.toContain('retire');
  });

  it('is retired although no worker has its settings', async () => {
    const before = async (call: string): Promise<void> => {
      if (call === 'begin') throw ApplicationFailure.retryable('no such rule here', 'rule-not-found');
    };
    const { scene } = await playing({ before }, async (handle) => {
      await handle.signal(retireRuleSignal);
      await handle.result();
    });
    expect(scene.calls.at(-1)).toBe('retire');
  });

  it('does each step once more when an activity fails in between, and makes nothing twice', async () => {
    const failed = new Set<string>();
    const before = async (call: string): Promise<void> => {
      if (failed.has(call)) return;
      failed.add(call);
      throw ApplicationFailure.retryable('the database is away', 'database-unavailable');
    };
    const { scene } = await playing({ messages: ['a', 'b'], before, settings: { gateBefore: true, gateAfter: true, named: true } }, (handle) => quiet(handle, done(2)));
    expect(scene.requests).toHaveLength(2);
    expect(scene.calls.filter((call) => call === 'request a 1')).toHaveLength(2);
  });

  it.each([[{}], [{ rule: 'Other' }], [{ rule: 'other' }]])('is not begun with %j', async (input) => {
    const scene = ruleScene(environment);
    const rule = newRule();
    await withRuleWorkers(environment, { rule, scene }, async () => {
      const handle = await environment.client.workflow.start('composeRule', { workflowId: `compose-rule:${rule}`, taskQueue: `rules-spec-${rule}`, args: [input] });
      expect(await failure(handle.result())).toBe('invalid-request');
    });
  });
});

// Where something is under way for long, runs hand over, or timers of several keys end close together: for that the other server is not made.
describe('a rule on a server whose clock goes by ours', () => {
  on(connectRealServer);

  const soon = { debounce: { quiet: 0.1, longest: 60 } };

  it('makes one compose at a time of a key, and one more of all that came meanwhile', async () => {
    const first = Promise.withResolvers<void>();
    const { scene } = await playing({ messages: ['a'], settings: soon, before: async (call) => (call === 'await 1' ? first.promise : undefined) }, async (handle, { messages, calls }) => {
      await quiet(handle, ({ matters }) => matters[0]?.composeId === 1);
      messages.push('a', 'b', 'a', 'a');
      await handle.signal(messagesReceivedSignal);
      await quiet(handle, ({ matters }) => matters.length === 2 && matters[1]?.messages === 3 && calls.includes('await 2'));
      first.resolve();
      await quiet(handle, done(3));
    });
    expect(scene.requests.map(({ key, position }) => [key, position])).toEqual([['a', 1], ['b', 3], ['a', 5]]);
    expect(scene.mostAtOnce()).toBe(1);
  });

  it('replays one message, and all since a time, as new composes', async () => {
    const { scene } = await playing({ messages: ['a', 'b', 'a', '-'], settings: soon, page: 2 }, async (handle) => {
      await quiet(handle, done(2));
      await handle.executeUpdate(replayRuleUpdate, asks({ position: 2 }));
      await quiet(handle, done(3));
      await handle.executeUpdate(replayRuleUpdate, asks({ since: '2026-01-01T00:00:00Z' }));
      await quiet(handle, done(5));
    });
    expect(scene.requests[2]).toMatchObject({ key: 'b', position: 2 });
    for (const [made, again] of [[scene.requests.slice(0, 2), false], [scene.requests.slice(3), true]] as const) {
      expect(made.map(({ key, position, replay }) => [key, position, replay !== '']).sort()).toEqual([['a', 3, again], ['b', 2, again]]);
    }
    expect(new Set(scene.requests.map(({ replay }) => replay)).size).toBe(3);
  });

  it('completes when it is retired, and leaves its composes alone', async () => {
    const never = Promise.withResolvers<void>();
    const { scene } = await playing({ messages: ['a', 'b'], settings: soon, before: async (call) => (call.startsWith('await') ? never.promise : undefined) }, async (handle) => {
      await quiet(handle, ({ matters }) => matters.some(({ composeId }) => composeId === 2));
      await handle.signal(retireRuleSignal);
      expect(await handle.result()).toMatchObject({ counts: { requested: 2, done: 0 } });
    });
    expect(scene.calls.at(-1)).toBe('retire');
    never.resolve();
  });

  it('keeps its history short, and hands over what is under way without making it twice', async () => {
    const held = Promise.withResolvers<void>();
    const { scene, status } = await playing({ messages: ['held'], settings: soon, before: async (call) => (call === 'await 1' ? held.promise : undefined) }, async (handle, { messages }) => {
      await quiet(handle, ({ matters }) => matters[0]?.composeId === 1);
      for (let index = 0; index < 200; index += 1) messages.push(`key-${index}`);
      await handle.signal(messagesReceivedSignal);
      await quiet(handle, ({ counts }) => counts.done === 200);
      expect((await handle.describe()).historyLength).toBeLessThan(1200);
      expect(handle.firstExecutionRunId).not.toBe((await environment.client.workflow.getHandle(handle.workflowId).describe()).runId);
      held.resolve();
      await quiet(handle, done(201));
    });
    expect(scene.requests).toHaveLength(201);
    expect(status.counts).toMatchObject({ matched: 201, requested: 201, failed: 0 });
  });

  it('does not forget, when its next run takes over, that it has been told to read its settings', async () => {
    const held = Promise.withResolvers<void>();
    let holding = false;
    const before = async (call: string): Promise<void> => {
      if (!holding || !call.startsWith('match after')) return;
      const context = Context.current();
      const heartbeat = setInterval(() => context.heartbeat(), 500);
      await held.promise.finally(() => clearInterval(heartbeat));
    };
    await playing({ messages: ['a'], settings: soon, before }, async (handle, { calls }) => {
      await quiet(handle, done(1));
      holding = true;
      for (let batch = 0; (await handle.describe()).historyLength < 1000; batch += 1) {
        expect(batch).toBeLessThan(50);
        await Promise.all(Array.from({ length: 100 }, () => handle.signal(messagesReceivedSignal)));
      }
      const { runId } = await handle.describe();
      await handle.signal(ruleChangedSignal);
      held.resolve();
      await quiet(handle, () => calls.includes('read'));
      expect((await handle.describe()).runId).not.toBe(runId);
    });
  });

  it('tells the record up to where nothing is left to be done', async () => {
    const held = Promise.withResolvers<void>();
    const { scene } = await playing({ messages: ['-', 'a', 'b', '-'], settings: soon, before: async (call) => (call.startsWith('await 1') ? held.promise : undefined) }, async (handle, { settled }) => {
      await quiet(handle, ({ counts }) => counts.done === 1);
      await quiet(handle, () => settled() === 1 || settled() === 2);
      held.resolve();
      await quiet(handle, done(2));
      await quiet(handle, () => settled() === 4);
    });
    expect(scene.settled()).toBe(4);
  });
});
