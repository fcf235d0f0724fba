import { describe, expect, it, jest } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { noCounts } from '../../libs/compose-rules/rule-counts.js';
import type { ComposeRule, GateSettings } from '../../libs/compose-rules/compose-rule.js';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import type { NewParkedMessage } from '../../libs/event-bus/incoming-messages.js';
import type { RuleProgress } from '../../libs/rule-record/create-rule-record.js';
import { installQuietRuntime } from '../../workflows/session/__fixtures__/workflow-environment.js';
import { composeRequest } from '../../libs/testing/compose-request.js';
import { busMessage, composeRule } from '../../libs/testing/compose-rule.js';
import type { ComposeRuleActivities } from '../../workflows/compose-rule/compose-rule-activities.js';
import { createComposeRuleActivities } from './create-compose-rule-activities.js';

installQuietRuntime();

const standing = { settled: 0, counts: noCounts, problem: null };
const gate: GateSettings = { url: 'https://gate.test', productVersion: '{{ message.body.tag }}', decisionContext: 'c', subjectType: 't', subjectIdentifier: '{{ compose.id }}', patience: 60 };

interface Scene {
  readonly activities: ComposeRuleActivities;
  readonly parked: NewParkedMessage[];
  readonly noted: RuleProgress[];
  readonly requested: unknown[];
  readonly asked: GateSettings[];
}

/** Bodies of messages, from position 1. A body's `chain` is that of the compose that it is about. */
function scene(bodies: readonly unknown[], { rule = composeRule(), decide = () => true, promote = async () => undefined, readRequest = () => composeRequest(), refuse }: { readonly refuse?: MillraceError; readonly rule?: ComposeRule; readonly decide?: () => boolean; readonly promote?: () => Promise<unknown>; readonly readRequest?: () => ReturnType<typeof composeRequest> } = {}): Scene {
  const parked: NewParkedMessage[] = [];
  const noted: RuleProgress[] = [];
  const requested: unknown[] = [];
  const asked: GateSettings[] = [];
  const messages = bodies.map((body, index) => ({ ...busMessage(body, { id: String(index) }), position: index + 1, receivedAt: '2026-03-20T10:00:00.000Z' }));
  const missing = (): never => {
    throw new MillraceError('message-not-found', 'no such message');
  };
  const recorded = { name: rule.name, position: 4, settled: 2, counts: noCounts, problem: null, behind: 0, pausedAt: null, pausedBy: null, retiredAt: null };
  return {
    parked,
    noted,
    requested,
    asked,
    activities: createComposeRuleActivities({
      rules: new Map([[rule.name, rule]]),
      record: { register: async () => undefined, get: async () => recorded, list: async () => [recorded], note: async (_name, progress) => void noted.push(progress), pause: async () => undefined, resume: async () => undefined, retire: async () => undefined, composes: async () => [] },
      incoming: { after: async (position, limit) => messages.slice(position, position + limit), get: async (position) => messages[position - 1] ?? missing(), positionBefore: async () => 0, park: async (message) => void parked.push(message) },
      commands: {
        request: async (request, options) => {
          if (refuse !== undefined) throw refuse;
          return { compose: { id: requested.push([request, options]) } as never, repeated: false };
        },
      },
      reads: { get: async () => ({ pungiComposeId: 'odcs-7' }) as never },
      names: { promote: promote as never },
      gates: { decide: async (settings) => ({ open: asked.push(settings) > 0 && decide(), summary: 'so it is' }) },
      chains: { of: async (body) => (body as { chain?: string[] }).chain ?? [] },
      readRequest,
    }),
  };
}

const run = <Arguments extends unknown[], Result>(activity: (...parameters: Arguments) => Promise<Result>, ...parameters: Arguments): Promise<Result> => new MockActivityEnvironment().run(activity, ...parameters);
const matter = { key: 'f41', position: 1, replay: '', attempt: 1 };

describe('looking at messages', () => {
  it('gathers keys, parks what is unfit, counts loops, and tells the record where it stands', async () => {
    const { activities, parked, noted } = scene([{ tag: 'a' }, { tag: 'b' }, { release: 1 }, { tag: 'a' }, { tag: 'a', chain: ['x', 'tags'] }]);
    expect(await run(activities.matchMessages, 'tags', { after: 0, most: 200 }, standing)).toEqual({
      position: 5,
      more: false,
      keys: [{ key: 'a', position: 4, oldest: 1, messages: 2 }, { key: 'b', position: 2, oldest: 2, messages: 1 }],
      parked: 1,
      loops: 1,
      problem: expect.stringContaining('(x → tags)'),
    });
    expect(parked).toMatchObject([{ position: 3, rule: 'tags', excerpt: '{"release":1}', reason: expect.stringContaining('undefined variable') }]);
    expect(noted).toMatchObject([{ position: 5, settled: 0, counts: { matched: 3, parked: 1, loops: 1 } }]);
  });

  it('has settled what nobody matches, unless something before it is left', async () => {
    const { activities, noted } = scene([{ tag: 'a' }, { tag: 'a' }], { rule: composeRule({ topics: ['other'] }) });
    await run(activities.matchMessages, 'tags', { after: 0, most: 200 }, standing);
    await run(activities.matchMessages, 'tags', { after: 1, most: 200 }, standing);
    expect(noted.map(({ settled, position }) => [settled, position])).toEqual([[2, 2], [0, 2]]);
  });

  it('goes through many in pages, and stops where there are keys enough', async () => {
    const { activities } = scene(Array.from({ length: 450 }, (_, index) => ({ tag: `t${index % 300}` })));
    expect(await run(activities.matchMessages, 'tags', { after: 0, most: 1000 }, standing)).toMatchObject({ position: 450, more: false });
    expect(await run(activities.matchMessages, 'tags', { after: 0, most: 150 }, standing)).toMatchObject({ position: 150, more: true });
  });

  it('lets others have their turn, and ends in time, whatever the messages are', async () => {
    const heavy = (): unknown => ({ tag: 'a', list: Array.from({ length: 20_000 }, (_, number) => ({ number })) });
    const rule = composeRule({ when: [{ path: '$..none', exists: true }] });
    let turns = 0;
    const others = setInterval(() => (turns += 1), 1);
    await run(scene(Array.from({ length: 25 }, heavy), { rule }).activities.matchMessages, 'tags', { after: 0, most: 200 }, standing);
    clearInterval(others);
    expect(turns).toBeGreaterThan(3);
    let now = 0;
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => (now += 1000));
    try {
      const { position, more } = await run(scene(Array.from({ length: 100 }, () => ({ tag: 'a' }))).activities.matchMessages, 'tags', { after: 0, most: 200 }, standing);
      expect([position > 0, position < 50, more]).toEqual([true, true, true]);
    } finally {
      clock.mockRestore();
    }
  });

  it('parks what nobody has foreseen, and goes on with the next', async () => {
    const readRequest = (): never => {
      throw new TypeError('cannot read properties of undefined');
    };
    const { activities, parked } = scene([{ tag: 'a' }, { tag: 'b' }], { readRequest });
    expect(await run(activities.matchMessages, 'tags', { after: 0, most: 200 }, standing)).toMatchObject({ position: 2, parked: 2 });
    expect(parked[0]?.reason).toBe('this message was not foreseen: cannot read properties of undefined');
  });

  it('replays up to its end, and notes nothing', async () => {
    const { activities, noted } = scene(Array.from({ length: 300 }, () => ({ tag: 'a' })));
    expect(await run(activities.matchMessages, 'tags', { after: 10, most: 200, until: 120 }, standing)).toMatchObject({ position: 120, more: false, keys: [{ position: 120, oldest: 11, messages: 110 }] });
    expect(noted).toEqual([]);
  });

  it.each([[{ tag: 'a', chain: ['tags'] }, 'the rule itself led to'], [{ release: 1 }, 'undefined variable']])('refuses to replay %j', async (body, reason) => {
    await expect(run(scene([body]).activities.matchMessage, 'tags', 1)).rejects.toMatchObject({ type: 'invalid-request', nonRetryable: true, message: expect.stringContaining(reason) });
  });
});

describe('a step of a matter', () => {
  it('asks for the compose with its cause and its chain', async () => {
    const { activities, requested } = scene([{ tag: 'f41', chain: ['first'] }]);
    expect(await run(activities.requestCompose, 'tags', matter)).toEqual({ composeId: 1, problem: null });
    expect(requested).toMatchObject([[composeRequest(), { owner: 'rule:tags', cause: { rule: 'tags', ...matter, chain: ['first', 'tags'] } }]]);
  });

  it('parks what the service refuses by now, or what the changed rule does not mean any more', async () => {
    const refused = scene([{ tag: 'f41' }], { readRequest: () => { throw new MillraceError('forbidden', 'not that source'); } });
    expect(await run(refused.activities.requestCompose, 'tags', matter)).toEqual({ composeId: null, problem: 'message 1: not that source' });
    const changed = scene([{ tag: 'f41' }], { rule: composeRule({ topics: ['other'] }) });
    expect(await run(changed.activities.requestCompose, 'tags', matter)).toMatchObject({ composeId: null, problem: expect.stringContaining('the rule has changed') });
    const unrecorded = scene([{ tag: 'f41' }], { refuse: new MillraceError('invalid-request', 'the request has a NUL') });
    expect(await run(unrecorded.activities.requestCompose, 'tags', matter)).toEqual({ composeId: null, problem: 'message 1: the request has a NUL' });
    expect([refused.parked.length, changed.parked.length, unrecorded.parked.length]).toEqual([1, 1, 1]);
  });

  it('is tried again where the record is away, and by another worker where this one has no such rule', async () => {
    const away = scene([{ tag: 'f41' }], { readRequest: () => { throw new MillraceError('database-unavailable', 'away'); } });
    await expect(run(away.activities.requestCompose, 'tags', matter)).rejects.toMatchObject({ type: 'database-unavailable', nonRetryable: false });
    await expect(run(away.activities.readRule, 'none')).rejects.toMatchObject({ type: 'rule-not-found', nonRetryable: false });
    await expect(run(away.activities.requestCompose, 'tags', { ...matter, position: 9 })).rejects.toMatchObject({ type: 'message-not-found', nonRetryable: true });
  });

  it('asks gates about the message, and about the compose', async () => {
    const rule = composeRule({ gateBefore: { ...gate, subjectIdentifier: 'x' }, gateAfter: gate });
    const { activities, asked } = scene([{ tag: 'f41' }], { rule });
    expect(await run(activities.askGate, 'tags', matter, { when: 'before', composeId: null })).toEqual({ open: true, summary: 'so it is', patience: 60 });
    await run(activities.askGate, 'tags', matter, { when: 'after', composeId: 7 });
    expect(asked.map(({ productVersion, subjectIdentifier }) => [productVersion, subjectIdentifier])).toEqual([['f41', 'x'], ['f41', '7']]);
    expect(await run(scene([{ tag: 'f41' }]).activities.askGate, 'tags', matter, { when: 'after', composeId: 7 })).toMatchObject({ open: true });
  });

  it('takes a gate that does not answer for a closed one, and one that cannot be asked for closed for good', async () => {
    const rule = composeRule({ gateAfter: { ...gate, productVersion: '{{ message.body.none }}' } });
    const decide = (): boolean => {
      throw new MillraceError('source-unavailable', 'the gate does not answer');
    };
    expect(await run(scene([{ tag: 'f41' }], { rule: composeRule({ gateBefore: { ...gate, subjectIdentifier: 'x' } }), decide }).activities.askGate, 'tags', matter, { when: 'before', composeId: null })).toEqual({ open: false, summary: 'the gate does not answer', patience: 60 });
    expect(await run(scene([{ tag: 'f41' }], { rule }).activities.askGate, 'tags', matter, { when: 'after', composeId: 7 })).toMatchObject({ open: false, patience: 0, summary: expect.stringContaining('undefined variable') });
  });

  it('says why a name cannot point at the compose, and tries again where the record is away', async () => {
    const rule = composeRule({ latest: 'newest' });
    const failing = (code: 'compose-closed' | 'database-unavailable') => scene([{ tag: 'f41' }], { rule, promote: () => Promise.reject(new MillraceError(code, 'it is gone')) });
    expect(await run(failing('compose-closed').activities.promoteCompose, 'tags', matter, 7)).toEqual({ problem: 'the name newest cannot point at compose 7: it is gone' });
    await expect(run(failing('database-unavailable').activities.promoteCompose, 'tags', matter, 7)).rejects.toMatchObject({ nonRetryable: false });
    expect(await run(scene([{ tag: 'f41' }], { rule }).activities.promoteCompose, 'tags', matter, 7)).toEqual({ problem: null });
  });
});
