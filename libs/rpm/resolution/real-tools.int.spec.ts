import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AvailablePackage } from '../repository/available-package.js';
import { request } from './__fixtures__/available.js';
import { buildPackages, readRepository, type Recipes } from './__fixtures__/build-repository.js';
import { packageLabel } from './dependency-text.js';
import { selectPackages } from './select-packages.js';

const fixtures = path.join(import.meta.dirname, '__fixtures__');
// dnf and rpm bring their libraries for the system's own Python.
const python = '/usr/bin/python3';

const distribution: Recipes = {
  'app-1-1.noarch': { requires: ['lib >= 1:2', '/usr/bin/tool', 'virtual', '(plugin if desktop)', '(extra-a or extra-b)'] },
  'app-0.9-1.noarch': { requires: ['nothing-at-all'] },
  'lib-3-1.noarch': {},
  'lib-1:2-1.noarch': { requires: ['base', 'lib-data = 1:2-1'] },
  'lib-1:1-1.noarch': {},
  'lib-data-1:2-1.noarch': {},
  'base-1-1.noarch': { files: ['/usr/bin/tool'], requires: ['app'] },
  'virtual-1-1.noarch': { provides: ['virtual-feature = 2'] },
  'zz-virtual-1-1.noarch': { source: 'other', provides: ['virtual'] },
  'desktop-1-1.noarch': { requires: ['(plugin >= 1 with plugin < 3)', 'base > 0'] },
  'plugin-1-1.noarch': {},
  'plugin-2-1.noarch': {},
  'plugin-3-1.noarch': {},
  'extra-a-1-1.noarch': {},
  'extra-b-1-1.noarch': { recommends: ['weak'] },
  'weak-1-1.noarch': { requires: ['/usr/share/deep/file'] },
  'deep-1-1.noarch': { files: ['/usr/share/deep/file'] },
  'broken-1-1.noarch': { requires: ['lib > 1:2-1', '/nowhere', 'feature = 2', '(absent or gone)', '(base and absent)', '(absent if base)', 'virtual-feature >= 2', 'lookaside-only >= 1~rc'] },
  'feature-1-1.noarch': { provides: ['feature = 1.5'] },
  'caret-1^git1-1.noarch': { requires: ['caret > 1', 'tilde < 1', 'tilde >= 1~~'] },
  'tilde-1~rc1-1.noarch': {},
};
const aside: Recipes = { 'lookaside-only-1-1.noarch': { requires: ['also-absent'] } };

const expressions = [
  '(b and c)',
  '(b or c)',
  '(b if c)',
  '(b if c else d)',
  '(b if (c or d))',
  '((b if c) and d)',
  '(both with b-feature)',
  '(b-feature with c-feature)',
  '(b-feature without both)',
  '(b-feature >= 2 with b-feature < 3)',
  '((b and c) or d)',
  '(b >= 2 or c)',
];
const probes: Recipes = Object.fromEntries(expressions.map((expression, index) => [`probe${index}-1-1.noarch`, { requires: [expression] }]));
const parts: Recipes = { 'b-1-1.noarch': { provides: ['b-feature = 2'] }, 'c-1-1.noarch': { provides: ['c-feature'] }, 'd-1-1.noarch': { provides: ['both', 'b-feature = 1', 'c-feature'] } };

describe('the real tools', () => {
  let folder: string;
  let built: ReadonlyMap<string, string>;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'millrace-resolution-'));
    built = buildPackages(folder, { ...distribution, ...aside, ...probes, ...parts });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const repository = async (name: string, recipes: Recipes, number: number): Promise<{ readonly directory: string; readonly packages: readonly AvailablePackage[] }> => {
    const directory = path.join(folder, name);
    mkdirSync(directory);
    for (const label of Object.keys(recipes)) linkSync(built.get(label) as string, path.join(directory, path.basename(built.get(label) as string)));
    return { directory, packages: await readRepository(directory, number) };
  };

  it('find the same broken requirements (dnf repoclosure), and install nothing that the closure lacks (dnf install)', async () => {
    const [checked, lookaside] = [await repository('checked', distribution, 0), await repository('aside', aside, 1)];
    const findFileOwners = async (paths: ReadonlySet<string>): Promise<ReadonlyMap<string, readonly AvailablePackage[]>> =>
      new Map([...paths].map((file) => [file, file === '/usr/share/deep/file' ? checked.packages.filter(({ name }) => name === 'deep') : []]));
    const names = [['app'], ['app', 'desktop'], ['app', 'extra-b'], ['desktop'], ['weak'], ['caret', 'zz-virtual'], ['base', 'desktop', 'virtual']];
    const question = { check: checked.directory, lookaside: lookaside.directory, install: { path: checked.directory, names } };
    const answer = JSON.parse(execFileSync(python, [path.join(fixtures, 'ask-dnf.py'), path.join(folder, 'dnf'), JSON.stringify(question)], { encoding: 'utf8', stdio: 'pipe' })) as {
      readonly unresolved: readonly (readonly [string, string])[];
      readonly installed: readonly (readonly string[] | null)[];
    };

    const selection = await selectPackages(request(checked.packages, { lookaside: lookaside.packages, checkDependencies: true, findFileOwners }));
    // libsolv's query takes a rich requirement for satisfied when any part of it is.
    const stricter = [['broken-1-1.noarch', '(base and absent)']];
    const broken = selection.broken.map(({ package: label, requirement }) => [label, requirement]);
    expect(broken).toEqual([...answer.unresolved, ...stricter].sort());

    for (const [index, wanted] of names.entries()) {
      const { packages, missing } = await selectPackages(request(checked.packages, { wanted, dependencies: true, findFileOwners }));
      expect(missing).toEqual([]);
      expect([wanted, packages.map(packageLabel).sort()]).toEqual([wanted, answer.installed[index]]);
    }
  });

  it('judge rich requirements alike (rpm)', async () => {
    const labels = Object.keys(parts);
    const subsets = labels.reduce<readonly (readonly string[])[]>((sets, label) => [...sets, ...sets.map((set) => [...set, label])], [[]]);
    const cases = Object.keys(probes).flatMap((probe) => subsets.map((subset) => [probe, ...subset]));
    const paths = cases.map((labelsOfCase) => labelsOfCase.map((label) => built.get(label) as string));
    const problems = JSON.parse(execFileSync(python, [path.join(fixtures, 'ask-rpm.py'), path.join(folder, 'root'), JSON.stringify(paths)], { encoding: 'utf8', stdio: 'pipe' })) as readonly (readonly string[])[];
    const { packages } = await repository('probes', { ...probes, ...parts }, 0);
    const byLabel = new Map(packages.map((available) => [packageLabel(available), available]));

    const disagreements: unknown[] = [];
    for (const [index, labelsOfCase] of cases.entries()) {
      const present = labelsOfCase.map((label) => byLabel.get(label) as AvailablePackage);
      const { broken } = await selectPackages(request(present, { checkDependencies: true }));
      if ((broken.length === 0) !== (problems[index]?.length === 0)) disagreements.push([expressions[Number(/\d+/.exec(labelsOfCase[0] as string)?.[0])], labelsOfCase.slice(1)]);
    }
    expect(problems.filter(({ length }) => length > 0).length).toBeGreaterThan(30);
    expect(disagreements).toEqual([]);
  });
});
