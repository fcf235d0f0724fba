import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { query } from '../database/sql.js';
import { openDirectoryStore } from '../object-storage/directory/open-directory-store.js';
import { by, livingRepositories, sha256 } from './__fixtures__/living-repositories.js';
import { checkRepository } from './check-repository.js';
import type { CheckReport, FindingKind } from './finding.js';

const living = livingRepositories();
const signal = new AbortController().signal;
const check = (name: string, options: { deep?: boolean } = {}): Promise<CheckReport> => living.maintenance().check(name, { signal, ...options });
const pool = (name: string, version = '1.0-1'): string => `pool/main/${name[0]}/${name}/${name}_${version}_amd64.deb`;
const checkedWith = async (name: string, ...checkWith: readonly string[]): Promise<void> => {
  const { commands, reads } = living.parts();
  await commands.configure(name, { ...(await reads.get(name)).settings, checkWith }, by);
};
const ofStorage: readonly FindingKind[] = ['missing-index-file', 'wrong-index-file', 'missing-object', 'wrong-size', 'wrong-digest', 'missing-metadata'];
/** Clients get all that the index promises, whatever packages need of each other. */
const isSound = ({ counts }: CheckReport): boolean => ofStorage.every((kind) => counts[kind] === 0);
/** Kinds with their numbers, those that were not found left out. */
const found = ({ counts }: CheckReport): Partial<Record<FindingKind, number>> => Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));

/** In the place of what lies there, not into it: copies of an object may be hard links. */
function replace(file: string, content: Buffer | string): void {
  rmSync(file, { force: true });
  writeFileSync(file, content);
}

describe('the check of a repository', () => {
  it('finds nothing wrong with what was just published, at any depth', async () => {
    await living.create('sound', 'deb');
    await living.publishDebs('sound', [{ name: 'bash' }, { name: 'nano', fields: 'Depends: bash (>= 0.9)\n' }]);
    for (const deep of [false, true]) {
      const report = await check('sound', { deep });
      expect(report).toMatchObject({ repository: 'sound', kind: 'deb', state: 1, depth: deep ? 'deep' : 'quick', packages: 2, findings: [] });
      expect(isSound(report)).toBe(true);
    }
  });

  it('of one that nothing was published to finds nothing', async () => {
    await living.create('empty', 'deb');
    expect(await check('empty')).toMatchObject({ state: 0, packages: 0, objects: 0, findings: [] });
  });

  it('tells what was lost, cut short and changed behind its back', async () => {
    await living.create('harmed', 'deb');
    await living.publishDebs('harmed', ['lost', 'short', 'other', 'whole'].map((name) => ({ name })));
    rmSync(living.file('harmed', pool('lost')));
    replace(living.file('harmed', pool('short')), readFileSync(living.file('harmed', pool('short'))).subarray(1));
    const other = readFileSync(living.file('harmed', pool('other')));
    const digest = sha256(other);
    other[other.length - 1] = (other[other.length - 1] as number) ^ 1;
    replace(living.file('harmed', pool('other')), other);
    const quick = await check('harmed');
    expect(found(quick)).toEqual({ 'missing-object': 1, 'wrong-size': 1 });
    expect(isSound(quick)).toBe(false);
    const deep = await check('harmed', { deep: true });
    expect(found(deep)).toEqual({ 'missing-object': 1, 'wrong-size': 1, 'wrong-digest': 1 });
    expect(deep.findings.map(({ kind, path: at }) => [kind, at])).toEqual([['missing-object', pool('lost')], ['wrong-size', pool('short')], ['wrong-digest', pool('other')]]);
    expect(deep.findings[2]).toMatchObject({ expected: digest, found: sha256(other), package: { key: 'other_1.0-1_amd64.deb', name: 'other', version: '1.0-1', architecture: 'amd64' } });
    expect(deep.bytesRead).toBeGreaterThan(quick.bytesRead);
  });

  it('reads the index, every byte of it', async () => {
    await living.create('index', 'deb');
    await living.publishDebs('index', [{ name: 'bash' }]);
    const release = readFileSync(living.file('index', 'dists/stable/Release'), 'utf8');
    replace(living.file('index', 'dists/stable/Release'), release.replace('Suite: stable', 'Suite: sTable'));
    rmSync(living.file('index', 'dists/stable/InRelease'));
    const report = await check('index');
    expect(report.findings.map(({ kind, path: at }) => [kind, at])).toEqual([['missing-index-file', 'dists/stable/InRelease'], ['wrong-index-file', 'dists/stable/Release']]);
  });

  it('tells objects that nobody knows once they are old, and no others', async () => {
    await living.create('foreign', 'deb');
    await living.publishDebs('foreign', [{ name: 'bash', version: '1' }, { name: 'nano' }]);
    await living.change('foreign', { kind: 'remove', keys: ['bash_1_amd64.deb'] });
    for (const key of ['pool/main/x/stray.deb', '.incoming/spool', '.obsolete/pool/main/x/old.deb']) await living.storeOf('foreign').put(key, Buffer.from('stray'));
    expect((await check('foreign')).findings).toEqual([]);
    const report = await checkRepository({ ...living.parts(), now: () => Date.now() + 2 * 86_400_000 }, 'foreign', { depth: 'quick', signal });
    expect(report.findings).toEqual([{ kind: 'foreign-object', path: 'pool/main/x/stray.deb', found: '5', message: expect.stringContaining('listed by no state') }]);
    expect(isSound(report)).toBe(true);
  });

  it('tells what nothing provides, what only other versions do, and what cannot be together', async () => {
    await living.create('needs', 'deb');
    await living.publishDebs('needs', [
      { name: 'aa', fields: 'Depends: nothing-has-it, bb (>= 2), cc | nothing-else, virtual (= 3)\n' },
      { name: 'bb', version: '1.5' },
      { name: 'cc', fields: 'Conflicts: aa (<< 9)\n' },
      { name: 'dd', fields: 'Provides: virtual (= 3)\nConflicts: dd\n' },
    ]);
    const report = await check('needs');
    expect(report.findings.map(({ kind, package: about, expected, found: there }) => [kind, about?.name, expected, there])).toEqual([
      ['missing-dependency', 'aa', 'nothing-has-it', undefined],
      ['version-conflict', 'aa', 'bb >= 2', 'bb == 1.5'],
      ['conflict', 'cc', 'aa < 9', 'aa_1.0-1_amd64.deb'],
    ]);
    expect(isSound(report)).toBe(true);
    await living.create('base', 'deb');
    await living.publishDebs('base', [{ name: 'nothing-has-it' }, { name: 'bb', version: '2.1' }]);
    await checkedWith('needs', 'base');
    expect(found(await check('needs'))).toEqual({ conflict: 1 });
    await living.create('other', 'rpm');
    for (const wrong of ['nobody', 'other']) {
      await checkedWith('needs', wrong);
      await expect(check('needs')).rejects.toMatchObject({ code: 'invalid-request', message: expect.stringContaining(`${wrong}, and there is no deb repository`) });
    }
  });

  it('counts on nothing that another architecture has, as apt does', async () => {
    await living.create('several', 'deb', { deb: { origin: '', label: '', suite: 'stable', codename: 'stable', description: '', components: ['main'], architectures: ['amd64', 'arm64'], validSeconds: null } });
    await living.publishDebs('several', [
      { name: 'app', fields: 'Depends: library, shared\n' },
      { name: 'app', architecture: 'arm64', fields: 'Depends: library, shared, data\n' },
      { name: 'library', architecture: 'arm64', fields: 'Conflicts: data\n' },
      { name: 'shared', architecture: 'all', fields: 'Depends: data\n' },
      { name: 'data' },
    ]);
    const report = await check('several');
    expect(report.findings.map(({ kind, package: about, expected, message }) => [kind, about?.key, expected, message.replace(/^.*, /, '')])).toEqual([
      ['missing-dependency', 'app_1.0-1_amd64.deb', 'library', 'which nothing provides for amd64'],
      ['missing-dependency', 'app_1.0-1_arm64.deb', 'data', 'which nothing provides for arm64'],
    ]);
  });

  it('tells what is known of no package any more', async () => {
    await living.create('forgotten', 'deb');
    await living.publishDebs('forgotten', [{ name: 'bash', content: 'forgotten\n' }, { name: 'nano', content: 'garbled\n' }]);
    const digest = (name: string): string => sha256(readFileSync(living.file('forgotten', pool(name))));
    await query(living.database(), 'delete from package_metadata where sha256 = $1', [digest('bash')]);
    await query(living.database(), "update package_metadata set metadata = '\\x00ff' where sha256 = $1", [digest('nano')]);
    const report = await check('forgotten');
    expect(report.findings.filter(({ kind }) => kind === 'missing-metadata').map(({ package: about }) => about?.name)).toContain('bash');
    expect(isSound(report)).toBe(false);
  });

  it('finds nothing while states come one after the other', async () => {
    await living.create('busy', 'deb', { graceSeconds: 0, keepVersions: 1 });
    await living.publishDebs('busy', [{ name: 'bash', version: '1' }, { name: 'nano' }]);
    let publishing = true;
    const publisher = (async () => {
      for (let version = 2; version < 5; version += 1) {
        await living.publishDebs('busy', [{ name: 'bash', version: `${version}` }]);
        await living.parts().engine.prune('busy', { by: 'ann', dryRun: false, force: true, signal });
      }
      publishing = false;
    })();
    const reports: CheckReport[] = [];
    while (publishing) reports.push(await check('busy', { deep: true }));
    await publisher;
    expect(reports.flatMap(({ findings }) => findings)).toEqual([]);
    expect(new Set(reports.map(({ state }) => state)).size).toBeGreaterThan(1);
  });

  it('keeps its report for every gateway, and the texts that the frontend of HaikuPorter shows', async () => {
    await living.create('kept', 'deb');
    expect(await living.maintenance().report('kept')).toBeUndefined();
    expect(await living.maintenance().reportText('kept')).toBeUndefined();
    await living.publishDebs('kept', [{ name: 'aa', fields: 'Depends: nothing-has-it\n' }]);
    const report = await check('kept');
    expect(await living.maintenance().report('kept')).toEqual(report);
    const text = readFileSync(path.join(living.directory, 'output/kept/report.txt'), 'utf8');
    expect(await living.maintenance().reportText('kept')).toBe(text);
    expect(text.split('\n')).toEqual([
      expect.stringMatching(/^quick check of kept, state 1, at .*: 1 packages, \d+ objects; missing-dependency: 1$/),
      expect.stringMatching(/ publish by ann: state 1, 1 added, 0 removed, 0 obsoleted$/),
      'aa_1.0-1_amd64.deb:',
      '\trequires "nothing-has-it" of package "aa-1.0-1" could not be resolved',
      '',
      '',
    ]);
    expect(readFileSync(path.join(living.directory, 'output/kept/repo_consistency.txt'), 'utf8')).toMatch(/^repo consistency report at state 1\naa_1/);
  });

  it.each(['{}', 'null', '[]', '{"counts":7,"findings":"none"}', '<html>', ''])('of whose kept report somebody has made %j has none, and is checked and mended all the same', async (text) => {
    const name = `meddled-${sha256(text).slice(0, 8)}`;
    await living.create(name, 'deb');
    await living.publishDebs(name, [{ name: 'aa' }]);
    await living.storeOf(name).put('.reports/check.json', Buffer.from(text));
    expect(await living.maintenance().report(name)).toBeUndefined();
    expect(await living.maintenance().repair(name, { by: 'ann', dryRun: false, force: false, signal })).toMatchObject({ steps: [] });
    await check(name);
    expect(await living.maintenance().report(name)).toMatchObject({ packages: 1 });
  });

  it('counts all, and keeps some, when a whole bucket is gone', async () => {
    const listed = Array.from({ length: 3000 }, (_, index) => ({ key: `p${index}`, name: `p${index}`, version: '1', architecture: 'all', path: `pool/p${index}`, sha256: createHash('sha256').update(`${index}`).digest('hex'), size: 1, component: 'main', addedAt: '' }));
    const { parts } = living;
    await living.create('gone', 'deb');
    await living.publishDebs('gone', [{ name: 'bash' }]);
    const reads = { ...parts().reads, async *allPackages() { yield* listed; }, metadata: async (_kind: string, digests: readonly string[]) => new Map(digests.map((digest) => [digest, Buffer.from('Package: x\nVersion: 1\nArchitecture: all\n')])) };
    const report = await checkRepository({ ...parts(), reads, stores: { open: () => openDirectoryStore(path.join(living.directory, 'nothing-here')) } }, 'gone', { depth: 'quick', signal });
    expect(report.counts['missing-object']).toBe(3000);
    expect(report.findings.filter(({ kind }) => kind === 'missing-object')).toHaveLength(1000);
  });
});
