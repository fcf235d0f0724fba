import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildKitchen, type Kitchen } from './__fixtures__/kitchen.js';
import { failureOf, filesBelow } from './__fixtures__/read-tree.js';
import { runDnf } from './__fixtures__/run-dnf.js';
import { scratchEngine, type ScratchEngine } from './__fixtures__/scratch-engine.js';

let kitchen: Kitchen;
let scratch: ScratchEngine;
let root: string;

beforeAll(async () => {
  kitchen = buildKitchen();
  scratch = await scratchEngine();
  const source = kitchen.repository(path.join(scratch.sources, 'kitchen'));
  await scratch.compose(1, { source: [source], packages: ['kettle'], targetDir: 'private' }, { targetDir: 'private' });
  await scratch.compose(2, { source: [source], packages: ['fork', 'kettle'], flags: ['no_deps'], targetDir: 'private' }, { targetDir: 'private' });
  root = mkdtempSync(path.join(tmpdir(), 'millrace-dnf-'));
}, 60_000);
afterAll(async () => {
  rmSync(root, { recursive: true, force: true });
  kitchen[Symbol.dispose]();
  await scratch[Symbol.asyncDispose]();
});

const tree = (id: number, ...parts: readonly string[]): string => path.join(scratch.settings.home, `private/odcs-${id}/compose/Temporary`, ...parts);

const dnf = (id: number, ...options: readonly string[]) => runDnf(path.join(root, `${id}`), tree(id, `odcs-${id}.repo`), ...options);

describe('dnf', () => {
  it('installs a package and what it needs from a compose by its .repo file, then debuginfo and sources', async () => {
    expect(await dnf(1, 'install', 'kettle')).toMatchObject({ status: 0, output: expect.stringMatching(/kettle-1\.0-1\.x86_64[^]*lid-2:1\.0-1\.noarch/) });
    const installed = path.join(root, '1/root/usr/share/millrace');
    expect(filesBelow(installed)).toEqual(['kettle.txt', 'lid.txt']);
    expect((await dnf(1, 'install', 'kettle-debuginfo')).status).toBe(1);
    expect((await dnf(1, '--enablerepo=odcs-1-debuginfo', 'install', 'kettle-debuginfo')).status).toBe(0);
    expect(existsSync(path.join(installed, 'kettle-debuginfo.txt'))).toBe(true);
    expect((await dnf(1, '--disablerepo=*', '--enablerepo=odcs-1-source', 'repoquery')).output.trim().split('\n').sort()).toEqual(['kettle-0:1.0-1.src', 'lid-2:1.0-1.src']);
    expect(execFileSync('rpm', ['--root', path.join(root, '1/root'), '-qa', '--queryformat', '%{NAME}\n'], { encoding: 'utf8' }).trim().split('\n').sort()).toEqual(['kettle', 'kettle-debuginfo', 'lid']);
  });

  it('finds the dependencies closed where the engine does, and the same ones broken', async () => {
    expect(await dnf(1, 'repoclosure')).toMatchObject({ status: 0 });
    const { status, output } = await dnf(2, 'repoclosure');
    expect(status).toBe(1);
    const broken = output.split('\n').filter((line) => line.startsWith('    ')).map((line) => line.trim()).sort();
    expect(broken).toEqual(['lid >= 2:1.0', 'napkin']);
    const request = { packages: ['fork', 'kettle'], flags: ['no_deps', 'check_deps'] as const };
    expect((await failureOf(scratch.compose(3, { ...request, source: [path.join(scratch.sources, 'kitchen')] }))).message).toBe(
      '2 broken dependencies: x86_64: fork-1.0-1.noarch requires napkin, x86_64: kettle-1.0-1.x86_64 requires lid >= 2:1.0 (there is lid-2:1.0-1.noarch)',
    );
  });

  it('and createrepo_c see the packages as the metadata of the compose lists them', () => {
    const again = path.join(root, 'again');
    cpSync(tree(1, 'x86_64/os'), again, { recursive: true, preserveTimestamps: true });
    rmSync(path.join(again, 'repodata'), { recursive: true });
    execFileSync('createrepo_c', ['--quiet', '--no-database', '--revision', '1', again]);
    const listed = (directory: string): string[] => {
      const output = execFileSync('dnf', ['-q', '--disableplugin=local', '--setopt=reposdir=/nowhere', `--setopt=cachedir=${path.join(root, createHash('sha1').update(directory).digest('hex'))}`, `--setopt=logdir=${root}`, `--setopt=persistdir=${root}`, `--repofrompath=it,file://${directory}`, '--repo=it', '--forcearch=x86_64', '--releasever=1', 'repoquery', '--queryformat', '%{epoch}:%{name}-%{version}-%{release}.%{arch} %{relativepath} %{downloadsize} %{buildtime} %{sourcerpm} [%{requires}] [%{provides}] %{files}'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
      return output.trim().split('\n').sort();
    };
    expect(listed(tree(1, 'x86_64/os'))).toEqual(listed(again));
    expect(listed(again).join('\n')).toContain('Packages/k/kettle-1.0-1.x86_64.rpm');
  });
});
