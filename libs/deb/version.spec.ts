import { spawnSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compareDebVersions, isDebVersion, parseDebVersion } from './version.js';

const part = fc.string({ unit: fc.constantFrom('0', '1', '9', '00', 'a', 'Z', 'rc', '.', '+', '~', '~~'), maxLength: 6 });
const version = fc
  .record({ epoch: fc.constantFrom('', '', '0:', '1:', '10:'), first: fc.constantFrom('0', '1', '12', '012', 'a'), upstream: part, hyphen: fc.constantFrom('', '-x'), revision: part })
  .map(({ epoch, first, upstream, hyphen, revision }) => `${epoch}${first}${upstream}${hyphen}${revision === '' ? '' : `-${revision}`}`);

/** What the real dpkg says of pairs: below zero, zero or above zero. */
function askDpkg(pairs: readonly (readonly [string, string])[]): readonly number[] {
  const script = pairs.map(([one, other]) => `if dpkg --compare-versions '${one}' lt '${other}'; then echo -1; elif dpkg --compare-versions '${one}' eq '${other}'; then echo 0; else echo 1; fi`).join('\n');
  return spawnSync('sh', { input: script, encoding: 'utf8' }).stdout.trim().split('\n').map(Number);
}

describe('compareDebVersions', () => {
  it('says of any two versions what dpkg says', () => {
    const pairs = fc.sample(fc.tuple(version, version), 150);
    const known: readonly (readonly [string, string])[] = [['1.0', '1.0-0'], ['1.0~rc1', '1.0'], ['1.0-1~bpo1', '1.0-1'], ['2:0.1', '1:9.9'], ['0:1', '1'], ['1.10', '1.9'], ['1.0a', '1.0+'], ['1.01', '1.1'], ['1.0.', '1.0'], ['1~~a', '1~']];
    const all = [...known, ...pairs];
    const answers = askDpkg(all);
    expect(answers).toHaveLength(all.length);
    expect(all.filter(([one, other], index) => Math.sign(compareDebVersions(one, other)) !== answers[index])).toEqual([]);
  });

  it('is an order of all texts', () => {
    const any = fc.oneof(version, fc.string({ maxLength: 12 }));
    fc.assert(
      fc.property(any, any, any, (one, two, three) => {
        expect(Math.sign(compareDebVersions(one, two))).toBe(-Math.sign(compareDebVersions(two, one)) + 0);
        const [a, b, c] = [one, two, three].sort(compareDebVersions) as [string, string, string];
        expect(compareDebVersions(a, c)).toBeLessThanOrEqual(0);
        expect(compareDebVersions(a, b)).toBeLessThanOrEqual(0);
      }),
    );
  });

  it('compares numbers of any length, in time that grows with it', () => {
    expect(compareDebVersions(`1.${'9'.repeat(100_000)}`, `1.1${'0'.repeat(100_000)}`)).toBeLessThan(0);
  });
});

describe('isDebVersion', () => {
  it.each(['1', '1:2.3-4', '1.2~rc1+dfsg-1ubuntu2.1', '5.2-1-2', '2026.11.21'])('takes %s', (text) => expect(isDebVersion(text)).toBe(true));
  it.each(['', '-1', '1-', ':1', 'a:1', '1:2:3', '1 2', '1/2', '../1', '1_2', '1\n2', 'é', '~1', `1${'0'.repeat(200)}`])('refuses %j', (text) => expect(isDebVersion(text)).toBe(false));

  it('takes apart what it takes', () => {
    expect(parseDebVersion('1:5.2-rc-1')).toEqual({ epoch: '1', upstream: '5.2-rc', revision: '1' });
    expect(parseDebVersion('5.2')).toEqual({ epoch: '0', upstream: '5.2', revision: '' });
  });
});
