import { describe, expect, it } from '@jest/globals';
import type { AvailablePackage } from '../repository/available-package.js';
import { available, request } from './__fixtures__/available.js';
import { selectPackages } from './select-packages.js';
import type { BrokenDependency, SelectionRequest } from './selection.js';

const check = async (packages: readonly AvailablePackage[], more: Partial<SelectionRequest> = {}): Promise<readonly BrokenDependency[]> =>
  (await selectPackages(request(packages, { checkDependencies: true, ...more }))).broken;
const requirements = async (...parameters: Parameters<typeof check>): Promise<readonly string[]> => (await check(...parameters)).map(({ requirement }) => requirement);

describe('a check of dependencies', () => {
  it('names each requirement that nothing in the selection and the lookaside satisfies', async () => {
    const all = [
      available('a-1-1.x86_64', { requires: ['b = 1:2-3', 'c', '/usr/bin/d', 'e', 'rpmlib(Unknown) <= 9', 'a = 1'] }),
      available('b-1:2-4.x86_64'),
      available('c-1-1.aarch64'),
    ];
    expect(await check(all, { lookaside: [available('e-1-1.noarch'), available('d-1-1.x86_64')] })).toEqual([
      { package: 'a-1-1.x86_64', requirement: '/usr/bin/d', kind: 'requires', candidates: [] },
      { package: 'a-1-1.x86_64', requirement: 'b = 1:2-3', kind: 'requires', candidates: ['b-1:2-4.x86_64'] },
      { package: 'a-1-1.x86_64', requirement: 'c', kind: 'requires', candidates: [] },
    ]);
  });

  it('counts what is selected only, and names what was left out', async () => {
    const all = [available('a-1-1.x86_64', { requires: ['b'] }), available('b-1-1.x86_64')];
    expect(await check(all, { wanted: ['a'] })).toEqual([{ package: 'a-1-1.x86_64', requirement: 'b', kind: 'requires', candidates: ['b-1-1.x86_64'] }]);
    expect(await check(all)).toEqual([]);
  });

  it('looks into the full file lists for paths that the primary metadata does not have', async () => {
    const all = [available('a-1-1.x86_64', { requires: ['/usr/share/x', '/usr/share/y', '/usr/bin/z'] }), available('b-1-1.x86_64')];
    const asked: (readonly string[])[] = [];
    const findFileOwners: SelectionRequest['findFileOwners'] = async (paths) => {
      asked.push([...paths]);
      return new Map([['/usr/share/x', [all[1] as AvailablePackage]]]);
    };
    expect(await requirements(all, { findFileOwners })).toEqual(['/usr/bin/z', '/usr/share/y']);
    expect(asked).toEqual([['/usr/share/x', '/usr/share/y']]);
  });

  it('judges rich requirements by what the repository has', async () => {
    const rich = ['(b and z)', '(z or b)', '(z if b)', '(z if y)', '(b if y else z)', '(b unless c)', '(z unless c)', '(b >= 1 with b < 1)', '(b without c)', '(z and'];
    const all = [available('a-1-1.x86_64', { requires: rich }), available('b-1-1.x86_64'), available('c-1-1.x86_64')];
    expect(await requirements(all)).toEqual(['(b >= 1 with b < 1)', '(b and z)', '(b if y else z)', '(z and', '(z if b)', '(z unless c)']);
  });

  it('names conflicts with everything that would satisfy a requirement, from either side', async () => {
    const all = [available('a-1-1.x86_64', { requires: ['x'], conflicts: ['b'] }), available('b-1-1.x86_64', { provides: ['x'] }), available('c-1-1.x86_64', { provides: ['x'], conflicts: ['a < 2'] })];
    expect(await check(all)).toEqual([
      { package: 'a-1-1.x86_64', requirement: 'a < 2', kind: 'conflicts', candidates: ['c-1-1.x86_64'] },
      { package: 'a-1-1.x86_64', requirement: 'b', kind: 'conflicts', candidates: ['b-1-1.x86_64'] },
    ]);
    expect(await check([...all, available('d-1-1.x86_64', { provides: ['x'] })])).toEqual([]);
  });

  it('lets packages conflict with what they provide themselves', async () => {
    expect(await check([available('a-1-1.x86_64', { provides: ['mta'], requires: ['mta'], conflicts: ['mta'] })])).toEqual([]);
  });

  it('names at most ten candidates', async () => {
    const all = [available('a-1-1.x86_64', { requires: ['b > 100'] }), ...Array.from({ length: 20 }, (_, version) => available(`b-${version}-1.x86_64`))];
    const [broken] = await check(all);
    expect(broken?.candidates).toHaveLength(10);
    expect(broken?.candidates[0]).toBe('b-19-1.x86_64');
  });
});
