import { describe, expect, it } from '@jest/globals';
import { available, labels, request } from './__fixtures__/available.js';
import { selectPackages } from './select-packages.js';
import type { Selection, SelectionRequest } from './selection.js';
import type { AvailablePackage } from '../repository/available-package.js';

const gather = (packages: readonly AvailablePackage[], wanted: readonly string[], more: Partial<SelectionRequest> = {}): Promise<Selection> =>
  selectPackages(request(packages, { wanted, dependencies: true, ...more }));
const names = async (...parameters: Parameters<typeof gather>): Promise<readonly string[]> => (await gather(...parameters)).packages.map(({ name }) => name);

describe('what is required', () => {
  it('comes along, transitively, and in circles', async () => {
    const all = [
      available('a-1-1.x86_64', { requires: ['b >= 2'] }),
      available('b-1-1.x86_64'),
      available('b-2-1.x86_64', { requires: ['libc.so.6(GLIBC_2.34)(64bit)', 'rpmlib(PayloadIsZstd) <= 5.4.18-1'] }),
      available('glibc-2-1.x86_64', { provides: ['libc.so.6(GLIBC_2.34)(64bit)'], requires: ['a'] }),
      available('unrelated-1-1.x86_64'),
    ];
    const selection = await gather(all, ['a']);
    expect(labels(selection.packages)).toEqual(['a-1-1.x86_64', 'b-2-1.x86_64', 'glibc-2-1.x86_64']);
    expect(selection.broken).toEqual([]);
  });

  it('comes by path, also by paths that only the full file lists have, asked for in two searches at most', async () => {
    const [sh, doc] = [available('bash-1-1.x86_64', { files: ['/bin/sh'] }), available('doc-1-1.noarch', { requires: ['/opt/more'] })];
    const more = available('more-1-1.noarch');
    const asked: string[][] = [];
    const findFileOwners: SelectionRequest['findFileOwners'] = async (paths) => {
      asked.push([...paths].sort());
      return new Map([
        ['/usr/share/doc/x', [doc]],
        ['/opt/more', [more]],
      ].filter(([path]) => paths.has(path as string)) as [string, AvailablePackage[]][]);
    };
    const a = available('a-1-1.x86_64', { requires: ['/bin/sh', '/usr/share/doc/x', '(/usr/lib/nowhere or /bin/sh)'] });
    expect(await names([a, sh, doc, more], ['a'], { findFileOwners })).toEqual(['a', 'bash', 'doc', 'more']);
    expect(asked).toEqual([['/usr/lib/nowhere', '/usr/share/doc/x'], ['/opt/more']]);
  });

  it('is not followed where a lookaside repository has it, and nothing of that is selected', async () => {
    const all = [available('a-1-1.x86_64', { requires: ['b', 'c'] }), available('b-2-1.x86_64', { requires: ['d'] }), available('c-1-1.x86_64')];
    const selection = await gather(all, ['a'], { lookaside: [available('b-1-1.x86_64', { requires: ['nothing'] })] });
    expect(labels(selection.packages)).toEqual(['a-1-1.x86_64', 'c-1-1.x86_64']);
    expect(selection.broken).toEqual([]);
  });

  it('is told when nothing satisfies it, with what there is under that name', async () => {
    const all = [available('a-1-1.x86_64', { requires: ['b >= 3', 'nothing', '(broken'] }), available('b-1:2-1.x86_64'), available('c-1-1.noarch', { provides: ['b = 2'] })];
    const { broken } = await gather(all, ['a']);
    expect(broken).toEqual([
      { package: 'a-1-1.x86_64', requirement: '(broken', kind: 'requires', candidates: [] },
      { package: 'a-1-1.x86_64', requirement: 'nothing', kind: 'requires', candidates: [] },
    ]);
    const strict = await gather([all[0] as AvailablePackage, available('b-2-1.x86_64'), all[2] as AvailablePackage], ['a']);
    expect(strict.broken[1]).toEqual({ package: 'a-1-1.x86_64', requirement: 'b >= 3', kind: 'requires', candidates: ['b-2-1.x86_64', 'c-1-1.noarch'] });
  });

  it('does not count weak dependencies', async () => {
    const weak = { recommends: ['b'], suggests: ['b'], supplements: ['b'], enhances: ['b'] };
    expect(await names([available('a-1-1.x86_64', weak), available('b-1-1.x86_64', { supplements: ['a'] })], ['a'])).toEqual(['a']);
  });
});

describe('among several providers', () => {
  const provider = (label: string, more: Parameters<typeof available>[1] = {}): AvailablePackage => available(label, { provides: ['x'], ...more });
  const a = available('a-1-1.x86_64', { requires: ['x'] });

  it('one that is selected anyway is enough', async () => {
    expect(await names([a, provider('x-1-1.x86_64'), provider('longest-1-1.x86_64')], ['a', 'longest'])).toEqual(['a', 'longest']);
  });

  it('the one of that name wins, then the shortest name, then the first', async () => {
    const all = [provider('nn-1-1.x86_64'), provider('mm-1-1.x86_64'), provider('b-x-provider-1-1.x86_64'), provider('x-1-1.x86_64')];
    expect(await names([a, ...all], ['a'])).toEqual(['a', 'x']);
    expect(await names([a, ...all.slice(0, 3)], ['a'])).toEqual(['a', 'mm']);
  });

  it('a requirement that leaves no choice settles those that do', async () => {
    const all = [available('first-1-1.x86_64', { requires: ['(lib or z)', 'lib'] }), available('second-1-1.x86_64', { requires: ['lib < 2'] }), available('lib-1-1.x86_64'), available('lib-2-1.x86_64')];
    expect(labels((await gather(all, ['first', 'second'])).packages)).toEqual(['first-1-1.x86_64', 'lib-1-1.x86_64', 'second-1-1.x86_64']);
  });

  it('the newest version wins, then the own architecture, then earlier repositories', async () => {
    const all = [provider('x-1-1.x86_64'), provider('x-2-1.i686'), provider('x-2-1.noarch', { repository: 1 }), provider('x-2-1.x86_64', { repository: 2 }), provider('x-2-1.x86_64', { repository: 3 })];
    expect((await gather([a, ...all], ['a'])).packages).toEqual([a, all[3]]);
  });

  it('packages that are replaced or that have a newer version come last', async () => {
    const all = [provider('m-1-1.x86_64'), available('m-2-1.x86_64'), provider('nn-1-1.x86_64'), available('oo-1-1.x86_64', { obsoletes: ['nn < 2'] }), provider('ppp-1-1.x86_64')];
    expect(await names([a, ...all], ['a'])).toEqual(['a', 'ppp']);
    expect(labels((await gather([a, ...all.slice(0, 2)], ['a'])).packages)).toEqual(['a-1-1.x86_64', 'm-1-1.x86_64']);
    expect(await names([a, ...all.slice(2, 4)], ['a'])).toEqual(['a', 'nn']);
  });

  it('those that are not accepted do not count', async () => {
    const all = [a, provider('x-2-1.x86_64'), provider('x-1-1.x86_64')];
    expect(labels((await gather(all, ['a'], { accepts: ({ version }) => version === '1' })).packages)).toEqual(['a-1-1.x86_64', 'x-1-1.x86_64']);
    const { broken } = await gather(all, ['a'], { accepts: ({ name }) => name === 'a' });
    expect(broken).toEqual([{ package: 'a-1-1.x86_64', requirement: 'x', kind: 'requires', candidates: ['x-2-1.x86_64', 'x-1-1.x86_64'] }]);
  });

  it('the other packages of the same build that provide it come along', async () => {
    const all = [provider('xx-en-1-1.x86_64', { source: 'xx' }), provider('xx-de-1-1.x86_64', { source: 'xx' }), provider('xx-de-1-1.i686', { source: 'xx' }), provider('other-1-1.x86_64')];
    expect(labels((await gather([a, ...all], ['a'])).packages)).toEqual(['a-1-1.x86_64', 'other-1-1.x86_64']);
    expect(labels((await gather([a, ...all.slice(0, 3)], ['a'])).packages)).toEqual(['a-1-1.x86_64', 'xx-de-1-1.x86_64', 'xx-en-1-1.x86_64']);
  });

  it('one of the other word size is the last resort, if it may be', async () => {
    const all = [a, provider('x-1-1.i686')];
    expect(labels((await gather(all, ['a'])).packages)).toEqual(['a-1-1.x86_64', 'x-1-1.i686']);
    expect((await gather(all, ['a'], { useOnlyCompatibleArch: true })).broken).toHaveLength(1);
  });
});

describe('rich requirements', () => {
  const others = ['b', 'c', 'd'].map((name) => available(`${name}-1-1.x86_64`, { provides: [`${name}-feature = 1`] }));
  const rich = (requirement: string, wanted: readonly string[] = []): Promise<readonly string[]> => names([available('a-1-1.x86_64', { requires: [requirement] }), ...others], ['a', ...wanted]);

  it('of all, and of any: the first that there is, unless one is selected', async () => {
    expect(await rich('(b and c)')).toEqual(['a', 'b', 'c']);
    expect(await rich('(z or c or b)')).toEqual(['a', 'c']);
    expect(await rich('(b or c)', ['c'])).toEqual(['a', 'c']);
    expect(await rich('((z and b) or (c and d))')).toEqual(['a', 'c', 'd']);
  });

  it('with a condition hold as soon as the condition does, also when it comes to hold later', async () => {
    expect(await rich('(b if c)')).toEqual(['a']);
    expect(await rich('(b if c)', ['c'])).toEqual(['a', 'b', 'c']);
    expect(await rich('(b if c else d)')).toEqual(['a', 'd']);
    const late = [available('a-1-1.x86_64', { requires: ['(b if d)', 'e'] }), available('e-1-1.x86_64', { requires: ['(c if b)', 'd'] }), ...others];
    expect(await names(late, ['a'])).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('with `unless` ask for the second part only where the condition holds', async () => {
    expect(await rich('(b unless c)')).toEqual(['a', 'b']);
    expect(await rich('(b unless c else d)')).toEqual(['a', 'b']);
    expect(await rich('(b unless c else d)', ['c'])).toEqual(['a', 'c', 'd']);
    expect(await rich('(z unless c else d)')).toEqual(['a', 'c', 'd']);
  });

  it('of one package (`with`, `without`) are satisfied by one package', async () => {
    const versions = [1, 2, 3].map((version) => available(`lib-${version}-1.x86_64`, { provides: version === 2 ? ['lib-old'] : [] }));
    const one = async (requirement: string): Promise<readonly string[]> => labels((await gather([available('a-1-1.x86_64', { requires: [requirement] }), ...versions], ['a'])).packages).slice(1);
    expect(await one('(lib >= 2 with lib < 3)')).toEqual(['lib-2-1.x86_64']);
    expect(await one('(lib < 3 without lib-old)')).toEqual(['lib-1-1.x86_64']);
    expect(await one('(lib < 2 with lib > 2)')).toEqual([]);
  });

  it('that cannot hold add nothing by halves', async () => {
    const selection = await gather([available('a-1-1.x86_64', { requires: ['(b and z)'] }), ...others], ['a']);
    expect(labels(selection.packages)).toEqual(['a-1-1.x86_64']);
    expect(selection.broken).toEqual([{ package: 'a-1-1.x86_64', requirement: '(b and z)', kind: 'requires', candidates: ['b-1-1.x86_64'] }]);
  });
});
