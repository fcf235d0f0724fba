import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import type { DebOptions } from '../repository-formats/deb/__fixtures__/build-deb.js';
import { describeWith } from '../testing/describe-with.js';
import { keyOfRpm, rpmOf, type RpmRecipe } from './__fixtures__/rpm-of.js';
import { livingRepositories } from './__fixtures__/living-repositories.js';
import type { Finding } from './finding.js';

const living = livingRepositories();
const folder = mkdtempSync(path.join(tmpdir(), 'millrace-solvers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
// dnf brings its library for the system's own Python.
const python = '/usr/bin/python3';
const askSolver = path.join(import.meta.dirname, '__fixtures__/ask-solver.py');

async function check(name: string): Promise<readonly Finding[]> {
  return (await living.maintenance().check(name, { signal: new AbortController().signal })).findings;
}

/** Packages that lack something, by their keys. */
function lacking(findings: readonly Finding[]): string[] {
  const keys = findings.flatMap(({ kind, package: about }) => (about !== undefined && (kind === 'missing-dependency' || kind === 'version-conflict') ? [about.key] : []));
  return [...new Set(keys)].sort();
}

/** Of a fixed sequence, so that what fails once fails again. */
function chooser(seed: number) {
  let state = seed;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  return { below, one: <Item>(items: readonly Item[]): Item => items[below(items.length)] as Item };
}

const names = Array.from({ length: 12 }, (_none, index) => `gen${index}`);

function generatedRpms(): RpmRecipe[] {
  const { below, one } = chooser(7);
  const version = (): string => one(['1-1', '1:0-1', '2-1', '2-2', '2~rc1-1', '2^git1-1', '2.0-1', '10-1']);
  const simple = (): string => `${one([...names, 'nowhere', 'nobody', 'virtual'])}${below(4) === 0 ? '' : ` ${one(['=', '=', '<', '<=', '>', '>='])} ${below(2) === 0 ? version() : version().replace(/-\d$/, '')}`}`;
  const rich = (): string => `(${simple()} ${one(['or', 'and', 'with', 'if', 'without', 'unless'])} ${simple()})`;
  const made = new Map<string, RpmRecipe>();
  while (made.size < 40) {
    const label = `${one(names)}-${version()}.noarch`;
    made.set(label, { label, requires: Array.from({ length: 1 + below(2) }, () => (below(2) === 0 ? rich() : simple())), provides: below(3) === 0 ? [below(2) === 0 ? 'virtual' : `virtual = ${version()}`] : [] });
  }
  return [...made.values()];
}

const rpms: readonly RpmRecipe[] = [
  { label: 'lib-1:2.0-3.x86_64', provides: ['lib(x86-64) = 1:2.0-3', 'libfoo.so.1()(64bit)'], files: ['/usr/bin/tool', '/usr/lib64/deep/file'] },
  { label: 'lib-1:2.0-3.i686', provides: ['libfoo.so.1'] },
  { label: 'lib-1:2.0-3.aarch64', provides: ['libfoo.so.1()(64bit)'] },
  { label: 'only-arm-1-1.aarch64', provides: ['arm-feature'], requires: ['libfoo.so.1()(64bit)'] },
  { label: 'broken-on-arm-1-1.aarch64', requires: ['lib(x86-64)', '/usr/bin/tool'] },
  { label: 'needs-arm-1-1.x86_64', requires: ['arm-feature'] },
  { label: 'needs-arm-anywhere-1-1.noarch', requires: ['arm-feature'] },
  { label: 'needs-32-bits-1-1.x86_64', requires: ['libfoo.so.1'] },
  { label: 'epochless-1-1.x86_64', requires: ['lib >= 2.0'] },
  { label: 'needs-older-1-1.x86_64', requires: ['lib < 2.0'] },
  { label: 'any-release-1-1.x86_64', requires: ['lib = 1:2.0'] },
  { label: 'other-release-1-1.x86_64', requires: ['lib = 1:2.0-4'] },
  { label: 'files-1-1.x86_64', requires: ['/usr/bin/tool', '/usr/lib64/deep/file'] },
  { label: 'no-file-1-1.x86_64', requires: ['/usr/bin/none'] },
  { label: 'candidate-2~rc1-1.noarch' },
  { label: 'after-candidate-1-1.noarch', requires: ['candidate >= 2'] },
  { label: 'before-release-1-1.noarch', requires: ['candidate < 2'] },
  { label: 'snapshot-2^20260101-1.noarch' },
  { label: 'after-release-1-1.noarch', requires: ['snapshot > 2'] },
  { label: 'not-after-1-1.noarch', requires: ['snapshot <= 2'] },
  { label: 'crate-1-1.noarch', provides: ['crate(serde) = 1.0.5'] },
  { label: 'crate-3-1.noarch', provides: ['crate(serde) = 3.0.0'] },
  { label: 'within-1-1.noarch', requires: ['(crate(serde) >= 1.0 with crate(serde) < 2.0~)'] },
  { label: 'between-1-1.noarch', requires: ['(crate(serde) >= 2.0 with crate(serde) < 3.0~)'] },
  { label: 'without-three-1-1.noarch', requires: ['(crate(serde) without crate(serde) >= 3)'] },
  { label: 'without-any-1-1.noarch', requires: ['(crate(serde) without crate(serde))'] },
  { label: 'either-1-1.noarch', requires: ['(nothing or candidate)'] },
  { label: 'neither-1-1.noarch', requires: ['(nothing or nobody)'] },
  { label: 'both-1-1.noarch', requires: ['(candidate and nothing)'] },
  { label: 'if-there-1-1.noarch', requires: ['(nothing if desktop)'] },
  { label: 'if-else-1-1.noarch', requires: ['(nothing if desktop else candidate)'] },
  { label: 'if-else-none-1-1.noarch', requires: ['(nothing if desktop else nobody)'] },
  { label: 'unless-1-1.noarch', requires: ['(nothing unless candidate)'] },
  { label: 'unless-not-1-1.noarch', requires: ['(candidate unless nothing)'] },
  { label: 'unversioned-1-1.noarch', provides: ['feature'] },
  { label: 'wants-version-1-1.noarch', requires: ['feature >= 3'] },
  { label: 'versioned-1-1.noarch', provides: ['strict = 2'] },
  { label: 'wants-newer-1-1.noarch', requires: ['strict > 2'] },
  { label: 'rpmlib-1-1.noarch', requires: ['rpmlib(PayloadIsZstd) <= 5.4.18-1'] },
  { label: 'opponent-1-1.noarch', conflicts: ['candidate < 3'] },
  { label: 'torn-1-1.noarch', requires: ['opponent', 'candidate'] },
  { label: 'leans-on-broken-1-1.noarch', requires: ['neither'] },
];

type Problems = Readonly<Record<string, string | null>>;

function askDnf(repository: string, arch: string): Problems {
  return JSON.parse(execFileSync(python, [askSolver, path.join(folder, `${repository}-${arch}`), living.file(repository, ''), arch], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })) as Problems;
}

/** Packages of which the solver itself says that nothing provides what they need; others that cannot be installed lean on one of those, or conflict. */
function rootsOf(problems: Problems): ReadonlySet<string> {
  return new Set(Object.values(problems).flatMap((problem) => [...(problem ?? '').matchAll(/^ *- nothing provides .+ needed by (\S+)/gm)].map(([, label = '']) => label)));
}

describeWith('dnf', 'beside the solver of dnf', () => {
  it.each<[string, readonly RpmRecipe[]]>([
    ['of each kind of requirement', rpms],
    ['that are generated', generatedRpms()],
  ])('the same packages %s lack something, and no other is in the way of one that cannot be installed', async (name, recipes) => {
    const repository = name.replaceAll(' ', '-');
    await living.create(repository, 'rpm');
    expect((await living.publish(repository, recipes.map(rpmOf))).problem).toBeNull();
    const machines = ['x86_64', 'aarch64'].map((arch) => askDnf(repository, arch));
    const roots = machines.map(rootsOf);
    const labels = [...new Set(machines.flatMap((problems) => Object.keys(problems)))];
    // What several kinds of machines have lacks something where it does so on each of them.
    const theirs = labels.filter((label) => machines.every((problems, index) => !(label in problems) || roots[index]?.has(label)));
    const findings = await check(repository);
    expect(lacking(findings)).toEqual(theirs.map(keyOfRpm).sort());
    expect(theirs.length).toBeGreaterThan(10);
    const onOneMachine = [...(roots[0] ?? [])].filter((label) => !theirs.includes(label)).map(keyOfRpm);
    const told = [...onOneMachine, ...findings.flatMap(({ package: about, found = '' }) => [about?.key ?? '', found])];
    const untold = Object.values(machines[0] ?? {}).filter((problem) => problem !== null && !told.some((key) => key !== '' && problem.replaceAll(/-\d+:/g, '-').includes(key.replace(/\.rpm$/, ''))));
    expect(untold).toEqual([]);
  });
});

const debs: readonly DebOptions[] = [
  { name: 'python', fields: 'Multi-Arch: allowed\n' },
  { name: 'plain', version: '1:1.0-1', fields: 'Provides: virtual, strict (= 2)\n' },
  { name: 'any-allowed', fields: 'Depends: python:any (>= 1)\n' },
  { name: 'any-older', fields: 'Depends: python:any (<< 1)\n' },
  { name: 'any-not-allowed', fields: 'Depends: plain:any\n' },
  { name: 'own-architecture', fields: 'Depends: plain:amd64\n' },
  { name: 'foreign-architecture', fields: 'Depends: plain:arm64\n' },
  { name: 'epochless', fields: 'Depends: plain (>= 2)\n' },
  { name: 'older', fields: 'Depends: plain (<< 2)\n' },
  { name: 'virtual-version', fields: 'Depends: virtual (>= 1)\n' },
  { name: 'virtual-strict', fields: 'Depends: strict (= 2)\n' },
  { name: 'virtual-newer', architecture: 'all', fields: 'Depends: strict (>> 2)\n' },
  { name: 'alternatives', fields: 'Depends: nothing | virtual\n' },
  { name: 'no-alternative', fields: 'Depends: nothing | strict (>= 3) | nobody\n' },
  { name: 'pre-depends', fields: 'Pre-Depends: nothing\n' },
  { name: 'recommends', fields: 'Recommends: nothing\nSuggests: nobody\n' },
  { name: 'candidate', version: '2.0~rc1-1' },
  { name: 'after-candidate', fields: 'Depends: candidate (>= 2.0)\n' },
  { name: 'before-release', fields: 'Depends: candidate (<< 2.0), candidate (>= 2.0~)\n' },
  { name: 'old-signs', fields: 'Depends: candidate (> 2.0~rc1-1), candidate (< 2.0~rc1-1)\n' },
  { name: 'leans-on-broken', architecture: 'all', fields: 'Depends: pre-depends\n' },
  { name: 'opponent', architecture: 'all', fields: 'Conflicts: plain\n' },
  { name: 'torn', architecture: 'all', fields: 'Depends: opponent, plain\n' },
  ...generatedDebs(),
];

function generatedDebs(): DebOptions[] {
  const { below, one } = chooser(11);
  const version = (): string => one(['1', '1:0', '2', '2-1', '2~rc1', '2+git1', '10', '0~~1']);
  const simple = (): string => `${one([...names, 'nowhere', 'shared'])}${one(['', '', ':any', ':amd64'])}${below(3) === 0 ? '' : ` (${one(['=', '<<', '<=', '>>', '>='])} ${version()})`}`;
  return names.map((name) => {
    const depends = Array.from({ length: 1 + below(3) }, () => Array.from({ length: 1 + below(2) }, simple).join(' | '));
    const provides = below(2) === 0 ? `Provides: shared${below(2) === 0 ? '' : ` (= ${version()})`}\n` : '';
    return { name, version: version(), architecture: one(['amd64', 'all']), fields: `Depends: ${depends.join(', ')}\n${provides}${one(['', 'Multi-Arch: allowed\n', 'Multi-Arch: foreign\n'])}` };
  });
}

/** Packages of which apt says that nothing meets what they need, on a machine of this architecture with nothing installed. */
function askApt(repository: string): string[] {
  const root = path.join(folder, `apt-${repository}`);
  for (const directory of ['state/lists/partial', 'cache/archives/partial', 'etc/apt.conf.d', 'etc/preferences.d', 'etc/sources.list.d']) mkdirSync(path.join(root, directory), { recursive: true });
  writeFileSync(path.join(root, 'etc/sources.list'), `deb [trusted=yes] file:${living.file(repository, '')} stable main\n`);
  writeFileSync(path.join(root, 'status'), '');
  const settings = { 'Dir::State': `${root}/state`, 'Dir::State::status': `${root}/status`, 'Dir::Cache': `${root}/cache`, 'Dir::Etc': `${root}/etc`, 'APT::Architecture': 'amd64', 'APT::Architectures': 'amd64', 'APT::Sandbox::User': 'root' };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  execFileSync('apt-get', [...options, 'update'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const answer = execFileSync('apt-cache', [...options, 'unmet', '--important'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  return [...new Set([...answer.matchAll(/^Package (\S+) version (\S+) has an unmet dep:/gm)].map(([, name = '']) => name))].sort();
}

describeWith('apt', 'beside apt', () => {
  it('the same packages lack something', async () => {
    await living.create('apt', 'deb');
    expect((await living.publishDebs('apt', debs)).problem).toBeNull();
    const findings = await check('apt');
    const theirs = askApt('apt');
    expect(lacking(findings).map((key) => key.replace(/_.*/, '')).sort()).toEqual(theirs);
    expect(theirs.length).toBeGreaterThan(10);
    expect(findings.filter(({ kind }) => kind === 'conflict').map(({ package: about, found }) => [about?.name, found])).toEqual([['opponent', 'plain_1.0-1_amd64.deb']]);
  });
});
