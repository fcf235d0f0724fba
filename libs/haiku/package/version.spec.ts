import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compareVersions, formatVersion, parseVersion } from './version.js';

const order = (one: string, other: string): number => Math.sign(compareVersions(parseVersion(one), parseVersion(other)));

const part = fc.stringMatching(/^[0-9a-z]{1,4}$/);
const version = fc
  .record({ numbers: fc.array(part, { minLength: 1, maxLength: 4 }), pre: fc.option(fc.stringMatching(/^(alpha|beta|rc)[0-9]{1,2}$/), { nil: '' }), revision: fc.nat(20) })
  .map(({ numbers, pre, revision }) => `${numbers.join('.')}${pre === '' ? '' : `~${pre}`}${revision === 0 ? '' : `-${revision}`}`);

describe('versions', () => {
  it.each([
    ['1.2', '1.10'],
    ['1.2', '1.2.1'],
    ['1.2.9.9', '1.2.10'],
    ['1.0~beta1', '1.0'],
    ['1.0~beta2', '1.0~beta10'],
    ['1.0~alpha9', '1.0~beta1'],
    ['1.0-1', '1.0-2'],
    ['1.0-9', '1.0-10'],
    ['r1~beta5', 'r1'],
    ['2.0~rc1-3', '2.0-1'],
    ['1a', '1b'],
    ['20.99999999999999999999', '20.100000000000000000000'],
  ])('put %s before %s', (one, other) => {
    expect([order(one, other), order(other, one)]).toEqual([-1, 1]);
  });

  it.each([
    ['1.0', '1.0'],
    ['1.A', '1.a'],
    ['1.01', '1.1'],
  ])('take %s and %s for the same', (one, other) => {
    expect(order(one, other)).toBe(0);
  });

  it('are a total order, and come back as they were written', () => {
    fc.assert(
      fc.property(version, version, version, (one, other, third) => {
        expect(formatVersion(parseVersion(one))).toBe(one);
        expect(order(one, other)).toBe(order(other, one) === 0 ? 0 : -order(other, one));
        if (order(one, other) <= 0 && order(other, third) <= 0) expect(order(one, third)).toBeLessThanOrEqual(0);
      }),
    );
  });

  it.each(['', '-1', '1..2', '1.0-', '1.0~', '1.0-x', '../1', '1 0', '1.0\n'])('refuse %j', (text) => {
    expect(() => parseVersion(text)).toThrow(/is no version/);
  });
});
