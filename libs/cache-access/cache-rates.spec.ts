import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { basic, codeOf, openAccess, shown } from './__fixtures__/opened-access.js';
import { createRates } from './cache-rates.js';
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
      access.count(control, 'main', 1_000_000);
    }
    expect(outcomes).toEqual(['allowed', 'allowed', 'allowed', 'quota-exceeded']);
  });

  it('that are refused say when to come again', () => {
    const rates = createRates({ 'requests-per-minute': 1 }, () => 0);
    rates.request('one');
    expect(refusalOf(() => rates.request('one'))).toMatchObject({ cause: { retryAfter: 60 }, suggestion: expect.stringContaining('60 s') });
  });
});

describe('pushed bytes', () => {
  it('may go beyond the rate once, and then wait until that is made up for', async () => {
    let time = 0;
    const { access } = await openAccess(file, { now: () => time });
    const caller = await access.identify(shown({ authorization: `Bearer ${token}` }));
    access.demand(caller, 'push', 'main');
    access.count(caller, 'main', 3000);
    expect(codeOf(() => access.count(caller, 'main', 1))).toBe('quota-exceeded');
    expect(codeOf(() => access.demand(caller, 'push', 'main'))).toBe('quota-exceeded');
    time = 119_000;
    expect(codeOf(() => access.demand(caller, 'push', 'main'))).toBe('quota-exceeded');
    time = 121_000;
    expect(codeOf(() => access.demand(caller, 'push', 'main'))).toBe('allowed');
  });

  it('never exceed what the time allows by more than one push', () => {
    const pushes = fc.array(fc.record({ after: fc.nat(30_000), bytes: fc.integer({ min: 1, max: 5000 }) }), { maxLength: 60 });
    fc.assert(
      fc.property(pushes, (given) => {
        let [time, taken, largest] = [0, 0, 0];
        const rates = createRates({ 'pushed-bytes-per-minute': 1000 }, () => time);
        for (const { after, bytes } of given) {
          time += after;
          if (codeOf(() => rates.bytes('one', bytes)) !== 'allowed') continue;
          taken += bytes;
          largest = Math.max(largest, bytes);
        }
        expect(taken).toBeLessThanOrEqual(1000 + (time * 1000) / 60_000 + largest);
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
