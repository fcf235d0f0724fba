import { describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { noCounts } from '../../libs/compose-rules/rule-counts.js';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import { busMessage, composeRule } from '../../libs/testing/compose-rule.js';
import { keepRules } from './keep-rules.js';
import { notifyRules } from './notify-rules.js';

const log = pino({ level: 'silent' });
const recorded = (name: string, retiredAt: string | null = null) => ({ name, position: 0, settled: 0, behind: 0, counts: noCounts, problem: null, pausedAt: null, pausedBy: null, retiredAt });

describe('keeping rules', () => {
  function scene(trouble: (call: string) => MillraceError | undefined = () => undefined) {
    const calls: string[] = [];
    const call = async (what: string): Promise<void> => {
      calls.push(what);
      const error = trouble(what);
      if (error !== undefined) throw error;
    };
    const round = keepRules({
      rules: ['a', 'b'],
      record: { register: () => call('register'), list: async () => [recorded('a'), recorded('old'), recorded('older', '2026-03-20T10:00:00.000Z')], retire: (name) => call(`record ${name}`) },
      workflows: { start: (name) => call(`start ${name}`), changed: (name) => call(`changed ${name}`), retire: (name) => call(`retire ${name}`) },
      log,
    });
    return { calls, round };
  }

  it('starts each, tells it of its settings, and retires the others, once', async () => {
    const { calls, round } = scene();
    await round();
    await round();
    expect(calls).toEqual(['register', 'start a', 'changed a', 'start b', 'changed b', 'retire old']);
  });

  it('retires in the record what has no workflow', async () => {
    const { calls, round } = scene((call) => (call === 'retire old' ? new MillraceError('rule-not-found', 'none') : undefined));
    await round();
    expect(calls.slice(-2)).toEqual(['retire old', 'record old']);
  });

  it('goes on where it was when Temporal is back', async () => {
    let away = true;
    const { calls, round } = scene((call) => (away && call === 'start b' ? new MillraceError('workflow-engine-unavailable', 'away') : undefined));
    await expect(round()).rejects.toMatchObject({ code: 'workflow-engine-unavailable' });
    away = false;
    await round();
    expect(calls.slice(4)).toEqual(['register', 'start a', 'start b', 'changed b', 'retire old']);
  });
});

describe('telling rules of messages', () => {
  it('pokes those that may be meant, and no others', async () => {
    const stop = new AbortController();
    const poked: string[] = [];
    const messages = [busMessage({ tag: 'f41' }), busMessage({}, { topic: 'other' })].map((message, index) => ({ ...message, position: index + 1, receivedAt: '2026-03-20T10:00:00.000Z' }));
    await notifyRules({
      rules: [composeRule({ name: 'meant' }), composeRule({ name: 'bus', buses: ['other'] }), composeRule({ name: 'condition', when: [{ path: '$.tag', equals: ['f40'] }] }), composeRule({ name: 'heavy', topics: ['other'], when: [{ path: '$[', exists: true }] })],
      incoming: {
        positionBefore: async () => 0,
        changed: async (position) => {
          if (position > 0) stop.abort();
        },
        after: async (position) => messages.slice(position),
      },
      workflows: { poke: async (name) => void poked.push(name) },
      log,
      signal: stop.signal,
    });
    // What cannot be looked at here is the workflow's to park.
    expect(poked).toEqual(['meant', 'heavy']);
  });

  it('lets the worker do its other work while it looks at large ones', async () => {
    const stop = new AbortController();
    const body = { list: Array.from({ length: 20_000 }, (_, number) => ({ number })) };
    // Only the last is meant.
    const messages = Array.from({ length: 15 }, (_, index) => ({ ...busMessage({ ...structuredClone(body), ...(index === 14 ? { none: 1 } : {}) }), position: index + 1, receivedAt: '2026-03-20T10:00:00.000Z' }));
    let turns = 0;
    const turnsAtPoke: number[] = [];
    const others = setInterval(() => (turns += 1), 1);
    await notifyRules({
      rules: ['a', 'b'].map((name) => composeRule({ name, when: [{ path: '$..none', exists: true }] })),
      incoming: {
        positionBefore: async () => 0,
        changed: async (position) => {
          if (position > 0) stop.abort();
        },
        after: async (position) => {
          if (position === 0) turns = 0;
          return messages.slice(position);
        },
      },
      workflows: { poke: async () => void turnsAtPoke.push(turns) },
      log,
      signal: stop.signal,
    });
    clearInterval(others);
    expect(turnsAtPoke).toHaveLength(2);
    expect(Math.min(...turnsAtPoke)).toBeGreaterThan(3);
  });
});
