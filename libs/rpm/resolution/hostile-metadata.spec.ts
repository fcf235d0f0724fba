import { describe, expect, it } from '@jest/globals';
import type { AvailablePackage } from '../repository/available-package.js';
import { available, request } from './__fixtures__/available.js';
import { matchesPattern } from './name-pattern.js';
import { richDependencyLimits } from './rich-dependency.js';
import { selectPackages } from './select-packages.js';

const many = <Item>(count: number, make: (index: number) => Item): Item[] => Array.from({ length: count }, (_, index) => make(index));

describe('hostile metadata', () => {
  it('with long chains and circles of requirements comes to an end', async () => {
    const chain = many(3000, (index) => available(`p${index}-1-1.noarch`, { requires: [`p${(index + 1) % 3000}`, `(p${index} if p0)`] }));
    expect((await selectPackages(request(chain, { wanted: ['p0'], dependencies: true, checkDependencies: true }))).packages).toHaveLength(3000);
  });

  it('with a chain of paths is searched for them twice, not once a link', async () => {
    const chain = many(500, (index) => available(`p${index}-1-1.noarch`, { requires: [`/opt/${index + 1}`] }));
    let searches = 0;
    const findFileOwners = async (paths: ReadonlySet<string>): Promise<ReadonlyMap<string, readonly AvailablePackage[]>> => {
      searches += 1;
      return new Map([...paths].map((path) => [path, chain.slice(Number(path.slice(5)), Number(path.slice(5)) + 1)]));
    };
    const { packages } = await selectPackages(request(chain, { wanted: ['p0'], dependencies: true, findFileOwners }));
    expect(packages).toHaveLength(500);
    expect(searches).toBe(2);
  });

  it('with tens of thousands of requirements in a package is read through', async () => {
    const { broken } = await selectPackages(request([available('a-1-1.noarch', { requires: many(50_000, (index) => `x${index}`) })], { checkDependencies: true }));
    expect(broken).toHaveLength(50_000);
  });

  it('that would take quadratic work is given up, with a reason', async () => {
    const versions = many(9000, (index) => available(`v-${index}-1.noarch`));
    const asking = available('a-1-1.noarch', { requires: many(9000, (index) => `v > ${index}.5`) });
    await expect(selectPackages(request([asking, ...versions], { checkDependencies: true }))).rejects.toMatchObject({ code: 'payload-too-large', message: expect.stringContaining('too entangled') });
  });

  it('with everything broken that everything provides is reported without counting each against each', async () => {
    const all = many(1000, (index) => available(`p${index}-1-1.noarch`, { provides: ['x = 1', 'y'], requires: ['x > 1', 'y'], conflicts: ['y'] }));
    const { broken } = await selectPackages(request(all, { checkDependencies: true }));
    expect(broken).toHaveLength(1000);
    expect(broken.every(({ candidates }) => candidates.length === 10)).toBe(true);
  });

  it('with rich requirements as deep and as long as they may be is judged at once, and others count as broken', async () => {
    const { depth, characters } = richDependencyLimits;
    const nested = (levels: number, open: (level: number) => string, close: string): string => `${many(levels, open).join('')}z${close.repeat(levels)}`;
    const deep = [nested(depth, (level) => `(x${level} or `, ')'), nested(depth, (level) => `(b if (b if z${level}) else `, ')'), nested(depth - 1, (level) => `((b or y) and x${level} or`, ')'), nested(depth, () => '(b unless z else ', ')')];
    const wide = `(${many(Math.floor(characters / 12), (index) => `n${index}`).join(' or ')})`;
    const tooDeep = nested(depth + 1, () => '(b or ', ')');
    const all = [available('a-1-1.noarch', { requires: [...deep, wide, tooDeep, `(${'b or '.repeat(5000)}b)`] }), available('b-1-1.noarch')];
    const { broken, packages } = await selectPackages(request(all, { wanted: ['a'], dependencies: true, checkDependencies: true }));
    expect(packages.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(broken.map(({ requirement }) => requirement)).toEqual(expect.arrayContaining([wide, tooDeep, deep[0], deep[2]]));
    expect(broken).toHaveLength(6);
  });

  it('meets patterns that make others backtrack', () => {
    expect(matchesPattern('*a'.repeat(50), 'a'.repeat(1000))).toBe(true);
    expect(matchesPattern(`${'*a'.repeat(50)}b`, 'a'.repeat(1000))).toBe(false);
    expect(matchesPattern('[', '[')).toBe(true);
    expect(matchesPattern('[]x]', ']')).toBe(true);
    expect(matchesPattern('[a-c][!a-c]', 'bd')).toBe(true);
  });
});
