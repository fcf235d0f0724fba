import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { basic, codeOf, openAccess, shown } from './__fixtures__/opened-access.js';
import { createRates, type RateClock } from './cache-rates.js';
import { makeCacheToken } from './token-login.js';

const { token, sha256 } = makeCacheToken();
const file = `
login: { tokens: { builder: { sha256: ${sha256} } } }
instances:
  main: { push: [{ tokens: [builder] }], rates: { requests-per-minute: 3, pushed-bytes-per-minute: 1000 } }
  other: {}
`;

describe('requests', () => {
  it('of one caller are limited over all its connections, come back with time, and concern no other caller and no other instance', async () => {
    let time = 0;
    const { access } = await openAccess(file, { now: () => time });
    const pull = async (peerAddress: string, instance = 'main'): Promise<string> => {
      const caller = await access.identify(shown({ peerAddress }));
      return codeOf(() => access.demand(caller, 'pull', instance));
    };
    for (let count = 0; count < 3; count += 1) expect(await pull('192.0.2.7')).toBe('allowed');
    expect(await pull('192.0.2.7')).toBe('quota-exceeded');
    expect(await pull('::ffff:192.0.2.7')).toBe('quota-exceeded');
    expect(await pull('192.0.2.8')).toBe('allowed');
    expect(await pull('192.0.2.7', 'other')).toBe('allowed');
    for (let count = 0; count < 3; count += 1) expect(await pull(`2001:db8::${count + 1}`)).toBe('allowed');
    expect(await pull('2001:db8::abcd')).toBe('quota-exceeded');
    time = 20_000;
    expect(await pull('192.0.2.7')).toBe('allowed');
    expect(await pull('192.0.2.7')).toBe('quota-exceeded');
  });

  it('of a token count wherever they come from, and those of the control credentials do not', async () => {
    const { access } = await openAccess(file, { now: () => 0 });
    const outcomes: string[] = [];
    for (let count = 0; count < 4; count += 1) {
      const caller = await access.identify(shown({ authorization: `Bearer ${token}`, peerAddress: `192.0.2.${count}` }));
      outcomes.push(codeOf(() => access.demand(caller, 'pull', 'main')));
      const control = await access.identify(shown({ authorization: basic('craft:secret') }));
      access.demand(control, 'push', 'main');
      await access.count(control, 'main', 1_000_000);
    }
    expect(outcomes).toEqual(['allowed', 'allowed', 'allowed', 'quota-exceeded']);
  });

  it('that are refused say when to come again', () => {
    const rates = createRates({ 'requests-per-minute': 1 }, { now: () => 0 });
    rates.request('one');
    expect(refusalOf(() => rates.request('one'))).toMatchObject({ cause: { retryAfter: 60 }, suggestion: expect.stringContaining('60 s') });
  });
});

describe('pushed bytes', () => {
  /** Time that passes while somebody waits, and no other. */
  function clock(): RateClock & { time: number; readonly slept: number[] } {
    const own = {
      time: 0,
      slept: [] as number[],
      now: () => own.time,
      sleep: (milliseconds: number) => {
        own.time += milliseconds;
        own.slept.push(milliseconds);
        return Promise.resolve();
      },
    };
    return own;
  }

  it('may go beyond the rate, and those that come next are slowed until that is made up for', async () => {
    const own = clock();
    const rates = createRates({ 'pushed-bytes-per-minute': 1000 }, own);
    for (const count of [3000, 500, 500, 1]) await rates.bytes('one', count);
    await rates.bytes('two', 1000);
    expect(own.slept).toEqual([120_000, 30_000, 30_000]);
  });

  it('of a push that has not begun are told when to come again, rather than to wait for long', async () => {
    let time = 0;
    const { access } = await openAccess(file, { now: () => time });
    const caller = await access.identify(shown({ authorization: `Bearer ${token}` }));
    access.demand(caller, 'push', 'main');
    await access.count(caller, 'main', 3000);
    await expect(access.count(caller, 'main', 1, { patience: 20_000 })).rejects.toMatchObject({ code: 'quota-exceeded', cause: { retryAfter: 121 } });
    expect(codeOf(() => access.demand(caller, 'push', 'main'))).toBe('quota-exceeded');
    time = 90_000;
    expect(codeOf(() => access.demand(caller, 'push', 'main'))).toBe('quota-exceeded');
    time = 101_000;
    expect(codeOf(() => access.demand(caller, 'push', 'main'))).toBe('allowed');
  });

  it('that nobody waits for any more are not counted', async () => {
    const gone = new AbortController();
    const rates = createRates({ 'pushed-bytes-per-minute': 1000 }, { now: () => 0 });
    await rates.bytes('one', 2000);
    const waiting = rates.bytes('one', 5000, { signal: gone.signal });
    gone.abort(new Error('the client has gone'));
    await expect(waiting).rejects.toThrow('the client has gone');
    await expect(rates.bytes('one', 1, { patience: 60_000 })).rejects.toMatchObject({ cause: { retryAfter: 61 } });
  });

  it('of any push come through by waiting, and never exceed what the time allows by more than the last of them and a minute', async () => {
    const pushes = fc.array(fc.record({ after: fc.nat(30_000), bytes: fc.integer({ min: 1, max: 5000 }) }), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(pushes, async (given) => {
        const own = clock();
        let taken = 0;
        const rates = createRates({ 'pushed-bytes-per-minute': 1000 }, own);
        for (const { after, bytes } of given) {
          own.time += after;
          await rates.bytes('one', bytes);
          taken += bytes;
          expect(taken).toBeLessThanOrEqual(1000 + (own.time * 1000) / 60_000 + bytes);
        }
      }),
    );
  });
});

function refusalOf(demand: () => void): unknown {
  try {
    demand();
    return undefined;
  } catch (error) {
    return error;
  }
}
