import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { countComposes, dueAt } from './debounce.js';

const debounce = { quiet: 10, longest: 60 };
const times = fc.array(fc.nat(300_000), { minLength: 1, maxLength: 50 }).map((values) => values.toSorted((a, b) => a - b));

describe('a debounce', () => {
  it('waits for silence, and no longer than its longest', () => {
    expect([dueAt({ firstAt: 0, lastAt: 5000 }, debounce), dueAt({ firstAt: 0, lastAt: 59_000 }, debounce)]).toEqual([15_000, 60_000]);
  });

  it('makes one compose of a burst, and another of what comes after it', () => {
    const burst = Array.from({ length: 1000 }, (_, index) => ({ key: 'f41', at: index * 20 }));
    expect([countComposes(burst, debounce), countComposes([...burst, { key: 'f41', at: 90_000 }], debounce)]).toEqual([1, 2]);
  });

  it('keeps keys apart', () => {
    fc.assert(
      fc.property(times, times, (one, other) => {
        const messages = [...one.map((at) => ({ key: 'a', at })), ...other.map((at) => ({ key: 'b', at }))].toSorted((a, b) => a.at - b.at);
        const alone = (key: string) => countComposes(messages.filter((message) => message.key === key), debounce);
        expect(countComposes(messages, debounce)).toBe(alone('a') + alone('b'));
      }),
    );
  });

  it('makes no fewer composes than the longest wait asks for, and no more than there are messages or silences allow', () => {
    fc.assert(
      fc.property(times, (values) => {
        const composes = countComposes(values.map((at) => ({ key: '', at })), debounce);
        const span = values.at(-1)! - values[0]!;
        expect(composes).toBeGreaterThanOrEqual(Math.min(1, values.length));
        expect(composes).toBeLessThanOrEqual(Math.min(values.length, Math.floor(span / (debounce.quiet * 1000)) + 1));
      }),
    );
  });
});
