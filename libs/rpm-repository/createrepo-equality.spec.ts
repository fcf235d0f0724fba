import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readComps, writeComps } from '../rpm/metadata/comps.js';
import { mergeComps } from '../rpm/metadata/merge-comps.js';
import { mergeModules, readModules } from '../rpm/metadata/modules.js';
import { samplePackage, compressions } from '../rpm/__fixtures__/sample-package.js';
import { createRepositoryWriter } from './create-repository-writer.js';
import { everythingSpec } from './__fixtures__/everything-spec.js';
import { findPackageFiles } from './__fixtures__/package-files.js';
import { chunksOf, readRepository } from './__fixtures__/read-repository.js';

let root = '';
let packages = '';

beforeAll(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'millrace-equality-'));
  packages = path.join(root, 'packages');
  mkdirSync(packages);
  writeFileSync(path.join(root, 'everything.spec'), everythingSpec());
  for (const compression of compressions) writeFileSync(path.join(packages, `sample-${compression}.rpm`), samplePackage(compression));
  const define = (name: string, value: string): string[] => ['--define', `${name} ${value}`];
  execFileSync('rpmbuild', ['-ba', '--quiet', '--nodeps', ...define('_topdir', path.join(root, 'build')), ...define('_rpmdir', packages), ...define('_srcrpmdir', packages), path.join(root, 'everything.spec')], { stdio: 'pipe' });
}, 60_000);

afterAll(() => rmSync(root, { recursive: true, force: true }));

async function writeBoth(compression: 'gzip' | 'zstd'): Promise<{ readonly own: string; readonly theirs: string }> {
  const [own, theirs] = [path.join(root, `own-${compression}`), path.join(root, `theirs-${compression}`)];
  for (const directory of [own, theirs]) cpSync(packages, directory, { recursive: true, preserveTimestamps: true });
  execFileSync('createrepo_c', ['--quiet', '--no-database', '--revision=7', '--set-timestamp-to-revision', theirs], { stdio: 'pipe' });
  const files = findPackageFiles(own);
  const writer = createRepositoryWriter({ content: files.content, cacheDirectory: path.join(root, `cache-${compression}`) });
  await writer.write(own, { packages: files.packages, revision: 7, compression });
  writer.close();
  return { own, theirs };
}

describe('metadata of packages that rpmbuild made', () => {
  it.each(['gzip', 'zstd'] as const)('say with %s what those of createrepo_c say', async (compression) => {
    const { own, theirs } = await writeBoth(compression);
    const [ours, expected] = [await readRepository(own), await readRepository(theirs)];
    expect(expected.primary.map(({ name }) => name)).toEqual(['everything', 'everything', 'everything-empty', 'everything-more', ...compressions.map(() => 'millrace-sample')]);
    expect(ours.primary).toEqual(expected.primary);
    expect(ours.filelists).toEqual(expected.filelists);
    expect(ours.other).toEqual(expected.other);
    expect(ours.counts).toEqual(expected.counts);
    expect(ours.repomd.revision).toBe(expected.repomd.revision);
    expect(ours.repomd.files.map(({ type, timestamp }) => [type, timestamp])).toEqual(expected.repomd.files.map(({ type, timestamp }) => [type, timestamp]));
  });

  it('have everything in them that could be left out', async () => {
    const { own } = await writeBoth('gzip');
    const { primary, filelists, other } = await readRepository(own);
    const [source, whole] = [primary.find(({ arch }) => arch === 'src'), primary.find(({ name, arch }) => name === 'everything' && arch === 'noarch')];
    expect(source).toMatchObject({ sourceRpm: '', dependencies: { requires: [{ name: '(make or ninja-build)' }] } });
    const needed = whole?.dependencies.requires.map(({ name }) => name) ?? [];
    expect(needed).toEqual(expect.arrayContaining(['(millrace-a if millrace-b else millrace-c)', 'libc.so.6(GLIBC_2.34)(64bit)', '/usr/share/everything/data']));
    for (const name of ['/usr/bin/everything-tool', 'everything-virtual', 'libc.so.6(GLIBC_2.4)(64bit)']) expect(needed).not.toContain(name);
    expect(needed.filter((name) => name.startsWith('rpmlib('))).toEqual([]);
    expect(whole?.files).toEqual(expect.arrayContaining([{ path: '/etc/everything/ghost', type: 'ghost' }]));
    expect(primary.find(({ name }) => name === 'everything-more')?.summary).toBe('Latin-1: café');
    expect(filelists.find(({ name, arch }) => name === 'everything' && arch === 'noarch')?.files.length).toBeGreaterThan(300);
    expect(other.find(({ name, arch }) => name === 'everything' && arch === 'noarch')?.changelogs).toHaveLength(10);
  });

  it('are taken by createrepo_c, Python and dnf, though their parts are compressed one by one', async () => {
    const { own } = await writeBoth('gzip');
    // Its own reader: what is in the old metadata is not read from packages again.
    execFileSync('createrepo_c', ['--quiet', '--no-database', '--update', '--skip-stat', own], { stdio: 'pipe' });
    expect((await readRepository(own)).primary).toHaveLength(10);
    const python = 'import gzip, hashlib, sys; print(hashlib.sha256(gzip.open(sys.argv[1]).read()).hexdigest())';
    for (const { href, openChecksum } of (await readRepository((await writeBoth('gzip')).own)).repomd.files) {
      expect(execFileSync('python3', ['-c', python, path.join(own, href)], { encoding: 'utf8' }).trim()).toBe(openChecksum?.hex);
    }
    for (const compression of ['gzip', 'zstd'] as const) {
      const directory = (await writeBoth(compression)).own;
      const answer = execFileSync('dnf', dnf(directory, ['repoquery', '--queryformat', '%{name}-%{epoch}:%{version}-%{release}.%{arch}', '--whatrequires', 'millrace-c']), { encoding: 'utf8' });
      expect(answer.trim().split('\n')).toContain('everything-3:1.0~rc1^git20240101-2.noarch');
      const files = execFileSync('dnf', dnf(directory, ['repoquery', '--list', 'everything']), { encoding: 'utf8' });
      expect(files).toContain('/usr/share/everything/many/file-300\n');
    }
  }, 60_000);
});

describe('comps and modules', () => {
  it('of several repositories, made into one, are what dnf offers', async () => {
    const comps = (id: string, name: string): Buffer =>
      Buffer.from(`<!DOCTYPE comps PUBLIC "a" "b"><comps><group><id>${id}</id><name>Group ${id}</name><uservisible>true</uservisible><packagelist><packagereq type="mandatory">${name}</packagereq></packagelist></group></comps>`);
    const groups = Buffer.from(writeComps(mergeComps([await readComps(chunksOf(comps('one', 'everything'))), await readComps(chunksOf(comps('two', 'millrace-sample'))), await readComps(chunksOf(comps('one', 'everything-more')))])));
    const module = (stream: string): Buffer =>
      Buffer.from(`---\ndocument: modulemd\nversion: 2\ndata:\n  name: mill\n  stream: "${stream}"\n  version: 1\n  context: abc\n  arch: noarch\n  summary: A module\n  description: >-\n    Text\n  license:\n    module: [MIT]\n...\n`);
    const modules = Buffer.from(mergeModules([readModules(module('1')), readModules(module('2'))]));
    const directory = path.join(root, 'with-groups');
    cpSync(packages, directory, { recursive: true });
    const files = findPackageFiles(directory);
    const writer = createRepositoryWriter({ content: files.content, cacheDirectory: path.join(root, 'cache-groups') });
    await writer.write(directory, { packages: files.packages, revision: 7, compression: 'zstd', groups, modules });
    writer.close();
    expect(execFileSync('dnf', dnf(directory, ['group', 'info', 'one']), { encoding: 'utf8' })).toMatch(/everything\n\s*everything-more/);
    expect(execFileSync('dnf', dnf(directory, ['module', 'list']), { encoding: 'utf8' })).toMatch(/mill\s+1[^]*mill\s+2/);
  }, 60_000);
});

/** In a root of its own, with that one repository. */
function dnf(directory: string, args: readonly string[]): string[] {
  const state = path.join(root, `dnf-${readdirSync(root).length}`);
  mkdirSync(state);
  return ['--quiet', '--disableplugin=*', `--installroot=${state}`, `--setopt=cachedir=${state}/cache`, `--setopt=logdir=${state}`, '--setopt=module_platform_id=platform:el9', `--repofrompath=own,file://${directory}`, '--repo=own', '--releasever=1', ...args];
}
