import { describe, expect, it } from '@jest/globals';
import { available, labels, request } from './__fixtures__/available.js';
import { selectPackages } from './select-packages.js';

const names = async (...parameters: Parameters<typeof request>): Promise<readonly string[]> => labels((await selectPackages(request(...parameters))).packages);

describe('whole repositories', () => {
  it("take every version of every package of the tree's own architectures", async () => {
    const packages = ['a-1-1.x86_64', 'a-2-1.x86_64', 'b-1-1.noarch', 'c-1-1.i686', 'd-1-1.aarch64'].map((label) => available(label));
    expect(await names(packages)).toEqual(['a-1-1.x86_64', 'a-2-1.x86_64', 'b-1-1.noarch']);
    expect(await names(packages, { arch: 'aarch64' })).toEqual(['b-1-1.noarch', 'd-1-1.aarch64']);
    expect(await names(packages, { arch: 'i386' })).toEqual(['b-1-1.noarch', 'c-1-1.i686']);
  });

  it('take the same package once, of the earliest repository', async () => {
    const [first, second] = [available('a-1-1.x86_64', { repository: 0 }), available('a-1-1.x86_64', { repository: 1 })];
    const { packages } = await selectPackages(request([second, first]));
    expect(packages).toEqual([first]);
  });

  it('keep debugging information and source packages apart, also of what has no binary package here', async () => {
    const all = ['a-1-1.x86_64', 'a-debuginfo-1-1.x86_64', 'a-debugsource-1-1.x86_64', 'a-debuginfo-common-1-1.x86_64', 'a-1-1.src', 'z-1-1.src'].map((label) => available(label, { source: 'a' }));
    const selection = await selectPackages(request(all));
    expect(labels(selection.packages)).toEqual(['a-1-1.x86_64']);
    expect(labels(selection.debuginfo)).toEqual(['a-debuginfo-1-1.x86_64', 'a-debuginfo-common-1-1.x86_64', 'a-debugsource-1-1.x86_64']);
    expect(labels(selection.sources)).toEqual(['a-1-1.src', 'z-1-1.src']);
  });

  it('name what is not accepted', async () => {
    const all = [available('a-1-1.x86_64'), available('b-1-1.x86_64', { repository: 0 }), available('b-1-1.x86_64', { repository: 1 })];
    const selection = await selectPackages(request(all, { accepts: ({ repository }) => repository === 1 }));
    expect(selection.packages).toEqual([all[2]]);
    expect(labels(selection.refused)).toEqual(['a-1-1.x86_64']);
  });
});

describe('wanted names', () => {
  it('take the newest version, whatever its repository', async () => {
    const all = [available('a-1.9-1.x86_64'), available('a-1.10-1.x86_64', { repository: 1 }), available('a-2~rc1-1.noarch', { repository: 2 }), available('b-1-1.x86_64')];
    expect(await names(all, { wanted: ['a'] })).toEqual(['a-2~rc1-1.noarch']);
  });

  it("prefer the tree's architecture, then earlier repositories, where versions are equal", async () => {
    const all = [available('a-1-1.noarch'), available('a-1-1.x86_64', { repository: 1 }), available('a-1-1.x86_64', { repository: 2 })];
    expect((await selectPackages(request(all, { wanted: ['a'] }))).packages).toEqual([all[1]]);
  });

  it('may be patterns, and may tell the architecture', async () => {
    const all = ['liba-1-1.x86_64', 'liba-1-1.i686', 'libb-1-1.x86_64', 'c-1-1.x86_64', 'libonly32-1-1.i686'].map((label) => available(label));
    expect(await names(all, { wanted: ['lib?'] })).toEqual(['liba-1-1.x86_64', 'libb-1-1.x86_64']);
    expect(await names(all, { wanted: ['lib[!a]', 'c.x86_64'] })).toEqual(['c-1-1.x86_64', 'libb-1-1.x86_64']);
    expect(await names(all, { wanted: ['lib*.i686'] })).toEqual(['liba-1-1.i686', 'libonly32-1-1.i686']);
  });

  it('are missing when no package has them, unless they are for another tree', async () => {
    const { missing } = await selectPackages(request([available('a-1-1.x86_64')], { wanted: ['a', 'zsh', 'b*', 'c.ppc64le', 'd.x86_64'] }));
    expect(missing).toEqual(['b*', 'd.x86_64', 'zsh']);
  });

  it('fall back to the other word size where there is nothing else, if that may be', async () => {
    const all = [available('wine-1-1.i686')];
    expect(await names(all, { wanted: ['wine'] })).toEqual(['wine-1-1.i686']);
    expect(await names(all, { wanted: ['wine'], useOnlyCompatibleArch: true })).toEqual([]);
  });

  it('try older versions until one is accepted, and say what was refused when none is', async () => {
    const all = ['a-3-1.x86_64', 'a-2-1.x86_64', 'a-1-1.x86_64', 'b-1-1.x86_64'].map((label) => available(label));
    const selection = await selectPackages(request(all, { wanted: ['a', 'b'], accepts: ({ name, version }) => name === 'a' && version !== '3' }));
    expect(labels(selection.packages)).toEqual(['a-2-1.x86_64']);
    expect(selection.missing).toEqual(['b']);
    expect(labels(selection.refused)).toEqual(['b-1-1.x86_64']);
  });

  it('bring the debugging information and the source package of the same build', async () => {
    const all = [
      available('a-libs-2-1.x86_64', { source: 'a' }),
      available('a-debuginfo-2-1.x86_64', { source: 'a' }),
      available('a-debuginfo-1-1.x86_64', { source: 'a' }),
      available('a-debuginfo-2-1.i686', { source: 'a' }),
      available('docs-1-1.noarch'),
      available('docs-debuginfo-1-1.x86_64', { source: 'docs' }),
      available('a-2-1.src', { repository: 0 }),
      available('a-2-1.src', { repository: 1 }),
      available('a-1-1.src'),
    ];
    const selection = await selectPackages(request(all, { wanted: ['a-libs', 'docs'] }));
    expect(labels(selection.debuginfo)).toEqual(['a-debuginfo-2-1.x86_64']);
    expect(selection.sources).toEqual([all[6]]);
  });
});

describe('packages of modules', () => {
  const [own, other, debug] = [available('a-9-1.module.x86_64'), available('a-9-1.module.i686'), available('a-debuginfo-9-1.module.x86_64')];
  const [plain, needed] = [available('a-1-1.x86_64', { requires: ['b'] }), available('b-1-1.noarch')];
  const included = new Set([own, other, debug]);

  it('go in whatever is wanted, those of the other word size too, and what they need with them', async () => {
    const packages = [own, other, debug, plain, needed, available('c-1-1.noarch')];
    expect(await names(packages, { wanted: ['c'], included })).toEqual(['a-9-1.module.i686', 'a-9-1.module.x86_64', 'c-1-1.noarch']);
    expect(labels((await selectPackages(request(packages, { wanted: ['c'], included }))).debuginfo)).toEqual(['a-debuginfo-9-1.module.x86_64']);
    expect(await names([available('m-1-1.noarch', { requires: ['b'] }), needed], { wanted: ['b'], included: new Set(), dependencies: true })).toEqual(['b-1-1.noarch']);
    const modular = available('m-1-1.noarch', { requires: ['b'] });
    expect(await names([modular, needed, plain], { wanted: ['m'], included: new Set([modular]), dependencies: true })).toEqual(['b-1-1.noarch', 'm-1-1.noarch']);
    expect(await names([own, other, plain], { included })).toEqual(['a-1-1.x86_64', 'a-9-1.module.i686', 'a-9-1.module.x86_64']);
  });

  it('do not stand for a name that others have', async () => {
    const all = [own, other, plain, needed];
    expect(await names(all, { wanted: ['a'], included })).toEqual(['a-1-1.x86_64', 'a-9-1.module.i686', 'a-9-1.module.x86_64']);
    expect((await selectPackages(request(all, { wanted: ['a', 'nothing'], included }))).missing).toEqual(['nothing']);
    expect((await selectPackages(request([own], { wanted: ['a'], included }))).missing).toEqual([]);
  });
});
