import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compareVersions, compareVersionTexts, parseVersion } from './version.js';

const part = fc.string({ unit: fc.constantFrom('0', '00', '1', '2', '9', '10', '2024', 'a', 'b', 'A', 'rc', 'git', '.', '..', '_', '+', '~', '~', '^', '^', 'é'), minLength: 1, maxLength: 8 });
const pair = fc.oneof(
  fc.tuple(part, part),
  // Pairs that differ a little tell more than those that differ at once.
  fc.tuple(part, part, part).map(([start, left, right]): [string, string] => [start + left, start + right]),
  fc.tuple(part, part).map(([start, more]): [string, string] => [start, start + more]),
);
const epoch = fc.constantFrom('', '', '0:', '1:', '12:', '007:');
const release = fc.constantFrom('1', '2.fc40', '2.fc9', '1~rc1', '1^git', '01');
// With releases on both sides or on none: how packages are ordered. What a missing release means to a dependency: dependency-overlap.spec.ts.
const released = fc.tuple(epoch, epoch, part, part, release, release).map(([one, other, left, right, first, second]): [string, string] => [`${one}${left}-${first}`, `${other}${right}-${second}`]);
const rebuilt = fc.tuple(epoch, epoch, part, release, release).map(([one, other, version, first, second]): [string, string] => [`${one}${version}-${first}`, `${other}${version}-${second}`]);
const wholePair = fc.oneof(released, rebuilt, fc.tuple(epoch, epoch, part, part).map(([one, other, left, right]): [string, string] => [one + left, other + right]));

describe('versions', () => {
  let folder: string;
  beforeAll(() => void (folder = mkdtempSync(path.join(tmpdir(), 'millrace-versions-'))));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** What the real rpm says of every pair, in one run. */
  const askRpm = (pairs: readonly (readonly [string, string])[], compare: string): readonly number[] => {
    const script = path.join(folder, 'compare.lua');
    // As decimal escapes, bytes mean nothing to Lua and to macros.
    const quoted = (text: string): string => `"${[...Buffer.from(text)].map((byte) => `\\${String(byte).padStart(3, '0')}`).join('')}"`;
    // Blocks of their own: a Lua function has at most 200 local variables.
    const lines = pairs.map(([left, right]) => `do local l, r = ${quoted(left)}, ${quoted(right)}; io.stdout:write(${compare}, "\\n") end`);
    writeFileSync(script, lines.join('\n'));
    const output = execFileSync('rpm', ['--eval', `%{lua: dofile("${script}")}`], { encoding: 'utf8' });
    return output.trim().split('\n').map(Number);
  };

  it('compare as the real rpm compares them', () => {
    const pairs = fc.sample(pair, 4000);
    const expected = askRpm(pairs, 'rpm.vercmp(l, r)');
    expect(expected).toHaveLength(pairs.length);
    expect(new Set(expected)).toEqual(new Set([-1, 0, 1]));
    expect(pairs.filter(([left, right], index) => compareVersionTexts(left, right) !== expected[index])).toEqual([]);
  });

  it('with epochs and releases, or without, compare as the real rpm compares them', () => {
    const pairs = fc.sample(wholePair, 4000);
    const expected = askRpm(pairs, '(function(a, b) if a < b then return -1 elseif b < a then return 1 else return 0 end end)(rpm.ver(l), rpm.ver(r))');
    expect(expected).toHaveLength(pairs.length);
    expect(new Set(expected)).toEqual(new Set([-1, 0, 1]));
    const wrong = pairs.filter(([left, right], index) => compareVersions(parseVersion(left), parseVersion(right)) !== expected[index]);
    expect(wrong).toEqual([]);
  });
});
