import { describe, expect, it } from '@jest/globals';
import { buildPackage, sha256, type Tags } from '../../rpm/__fixtures__/build-package.js';
import { samplePackage } from '../../rpm/__fixtures__/sample-package.js';
import { tag } from '../../rpm/package/tags.js';
import { requirementText } from '../meets-requirement.js';
import type { PackageRelations, Relation } from '../package-format.js';
import { bytesOf, settingsWith } from './__fixtures__/index-job.js';
import { rpmFormat } from './rpm-format.js';

async function relationsOf(content: Buffer): Promise<PackageRelations> {
  return rpmFormat.relations((await rpmFormat.inspect(bytesOf(content), { sha256: sha256(content), settings: settingsWith() })).metadata);
}

const requiring = (...names: readonly string[]): Tags => [[tag.requireName, names], [tag.requireFlags, names.map(() => 0)], [tag.requireVersion, names.map(() => '')]];

/** What is asked for, as names in the order of alternatives. */
async function clauses(...names: readonly string[]): Promise<readonly string[]> {
  const { requires } = await relationsOf(buildPackage({ tags: requiring(...names) }));
  return requires.map((alternatives) => alternatives.map(requirementText).join('|'));
}

describe('relations', () => {
  it('of a package of rpmbuild are what its metadata say', async () => {
    const { provides, requires, conflicts } = await relationsOf(samplePackage());
    expect(provides).toEqual(expect.arrayContaining([{ name: 'millrace-sample', operator: '==', version: '1:1.0~rc1-2' }, { name: '/usr/share/millrace/hello.txt' }]));
    expect(requires).toEqual(expect.arrayContaining([[{ name: '/bin/sh' }], [{ name: 'millrace-c', operator: '>=', version: '2:1.0-1' }]]));
    expect(conflicts).toEqual([{ name: 'millrace-h', operator: '<', version: '1' }]);
    expect(requires.flat().filter(({ name }) => name.includes('(') || name.startsWith('rpmlib'))).toEqual([]);
  });

  it.each([
    ['(a and b)', ['a', 'b']],
    ['(a with b)', ['(a with b)']],
    ['(a with (b or c))', ['(a with b)|(a with c)']],
    ['(a >= 1 with a < 2 with b)', ['(a >= 1 with a < 2 with b)']],
    ['((a or b) without c)', ['(a without c)|(b without c)']],
    ['((a without c) with (b without d))', ['(a with b without c without d)']],
    ['(a with (b if c))', ['(a with b)|(a with c)']],
    ['(a or b or c)', ['a|b|c']],
    ['((a and b) or c)', ['a|c', 'b|c']],
    ['(a without b)', ['(a without b)']],
    ['(a if b)', []],
    ['(a if b else c)', ['a|c']],
    ['(a unless b)', ['a']],
    ['(a unless b else c)', ['a|c']],
    ['(a or (b if c))', []],
    ['(a or', ['(a or']],
  ])('make %s into needs that are never too many', async (text, expected) => {
    expect(await clauses(text)).toEqual(expected);
  });

  it('ask more loosely instead of for more than can be held', async () => {
    const pairs = Array.from({ length: 20 }, (_, index) => `(a${index} and b${index})`);
    const [only, ...others] = await clauses(`(${pairs.join(' or ')})`);
    expect(others.length).toBeLessThan(64);
    expect(only).toContain('a0');
  });

  it('survive names that XML has to write otherwise', async () => {
    const { requires } = await relationsOf(buildPackage({ tags: requiring('a<b>&"c"\'d\'', 'font(:lang=de)') }));
    expect(requires.flat().map(({ name }) => name)).toEqual(['a<b>&"c"\'d\'', 'font(:lang=de)']);
  });
});

describe('what is provided', () => {
  const at = (operator: Relation['operator'] & string, version: string, name = 'foo'): Relation => ({ name, operator, version });
  it.each<[string, Relation, Relation, boolean]>([
    ['any version', { name: 'foo' }, at('==', '1.0-1'), true],
    ['no version', at('>=', '2'), { name: 'foo' }, true],
    ['a newer one', at('>=', '1.2'), at('==', '1.10-1'), true],
    ['an older one', at('>=', '1.2'), at('==', '1.1-9'), false],
    ['one of a newer epoch', at('<', '2'), at('==', '1:1.0-1'), false],
    ['a pre-release', at('<', '2.0'), at('==', '2.0~rc1-1'), true],
    ['the same without a release', at('==', '1.0'), at('==', '1.0-7'), true],
    ['another release', at('==', '1.0-6'), at('==', '1.0-7'), false],
    ['another name', at('==', '1.0'), at('==', '1.0', 'bar'), false],
  ])('meets what is required, or not: %s', (_what, required, provided, expected) => {
    expect(rpmFormat.satisfies(required, provided)).toBe(expected);
  });
});
