import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { millrace } from '../../apps/cli/__fixtures__/recorded-terminal.js';
import { buildPackages } from '../../libs/compose-engine/__fixtures__/rpm-packages.js';
import { runDnf } from '../../libs/compose-engine/__fixtures__/run-dnf.js';
import { buildDeb } from '../../libs/repository-formats/deb/__fixtures__/build-deb.js';
import { describeWith } from '../../libs/testing/describe-with.js';
import { startComposeService } from '../composes/compose-service.js';
import type { ComposeService } from '../composes/compose-service.js';
import { aptCommand } from '../strict/apt-repository.js';

const samples = path.join('libs', 'haiku', '__fixtures__', 'samples');
let folder: string;
let service: ComposeService;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'millrace-repositories-'));
  service = await startComposeService();
}, 300_000);
afterAll(async () => {
  await service?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const cli = (...parameters: readonly string[]) => millrace({ PATH: process.env['PATH'] ?? '', MILLRACE_SERVER: service.url, MILLRACE_CONTROL_AUTH: Buffer.from(service.authorization.slice('Basic '.length), 'base64').toString() }, 'repo', ...parameters);

async function download(place: string, file: string): Promise<string> {
  const answer = await fetch(`${service.url}/repositories/${place}`);
  expect(answer.status).toBe(200);
  writeFileSync(file, Buffer.from(await answer.arrayBuffer()));
  return file;
}

describeWith('dnf', 'a repository of rpm packages, by the command line', () => {
  it('is published to, installed from, gone back with and looked after', async () => {
    const built = path.join(folder, 'built');
    buildPackages(built, [{ name: 'hello' }, { name: 'hello', version: '2.0', text: 'hello again' }]);
    buildPackages(path.join(folder, 'other'), [{ name: 'hello', text: 'other bytes' }]);
    const [one, two, other] = [path.join(built, 'hello-1.0-1.x86_64.rpm'), path.join(built, 'hello-2.0-1.x86_64.rpm'), path.join(folder, 'other/hello-1.0-1.x86_64.rpm')];
    expect(await cli('create', 'stable', '--kind', 'rpm', '--key', 'default')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await cli('publish', 'stable', one, '--build', 'build 7')).toMatchObject({ exitCode: 0, stdout: 'State 1.\nadded: 1\n  hello-1.0-1.x86_64.rpm\n' });
    expect(await cli('publish', 'stable', one)).toMatchObject({ exitCode: 0, stdout: 'State 1 has all of it already.\n' });

    const own = path.join(folder, 'dnf');
    mkdirSync(own);
    const repoFile = await download('stable.repo', path.join(own, 'stable.repo'));
    const installed = (): string => readFileSync(path.join(own, 'root/usr/share/millrace/hello.txt'), 'utf8');
    expect(await runDnf(own, repoFile, 'install', 'hello')).toMatchObject({ status: 0 });
    expect(installed()).toBe('hello\n');
    expect((await cli('publish', 'stable', two)).stdout).toContain('State 2.');
    expect(await runDnf(own, repoFile, '--refresh', 'upgrade')).toMatchObject({ status: 0 });
    expect(installed()).toBe('hello again\n');

    const refused = await cli('publish', 'stable', other);
    const digest = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');
    expect([refused.exitCode, refused.stderr.includes(digest(one)), refused.stderr.includes(digest(other))]).toEqual([65, true, true]);
    expect((await cli('diff', 'stable', '1', '2')).stdout).toBe('+ hello-2.0-1.x86_64.rpm\n');
    expect((await cli('rollback', 'stable', '1')).stdout).toMatch(/^State \d+\.\nremoved: 1\n {2}hello-2\.0/);
    expect(await runDnf(own, repoFile, '--refresh', 'downgrade', 'hello')).toMatchObject({ status: 0 });
    expect(installed()).toBe('hello\n');
    expect((await cli('show', 'stable', 'hello-1.0-1.x86_64.rpm')).stdout).toContain('origin      build build 7');
    expect(await cli('check', 'stable', '--deep')).toMatchObject({ exitCode: 0 });
    expect((await cli('prune', 'stable', '--dry-run')).stdout).toBe('There is nothing to prune.\n');
  }, 120_000);

  it('takes over another repository, signatures checked', async () => {
    await cli('create', 'copy', '--kind', 'rpm');
    const key = await download('stable.asc', path.join(folder, 'stable.asc'));
    const taken = await cli('import', 'copy', '--from', 'store:default/stable', '--key-file', key, '--json');
    expect([taken.exitCode, taken.stderr]).toEqual([0, '']);
    const { changes } = JSON.parse(taken.stdout) as { changes: readonly string[] };
    for (const id of changes) expect((await cli('status', 'copy', id)).stdout).toContain('added: 1');
    expect((await cli('list', 'copy')).stdout).toContain('hello-1.0-1.x86_64.rpm');
  }, 60_000);
});

describeWith('apt-get', 'a repository of deb packages, by the command line', () => {
  it('is published to and installed from', async () => {
    const file = path.join(folder, 'sample_1.0-1_amd64.deb');
    writeFileSync(file, buildDeb({ name: 'sample', content: 'of sample\n' }));
    const settings = path.join(folder, 'deb.json');
    writeFileSync(settings, JSON.stringify({ deb: { suite: 'rye', codename: 'rye', components: ['main'], architectures: ['amd64'] } }));
    expect(await cli('create', 'debian', '--kind', 'deb', '--settings', settings, '--key', 'default')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await cli('publish', 'debian', file)).toMatchObject({ exitCode: 0, stdout: 'State 1.\nadded: 1\n  sample_1.0-1_amd64.deb\n' });

    const project = path.join(folder, 'apt');
    const [program = '', ...options] = aptCommand(project, '');
    const key = await download('debian.asc', path.join(project, 'debian.asc'));
    const sources = await download('debian.sources', path.join(project, 'root/etc/apt/sources.list.d/debian.sources'));
    writeFileSync(sources, readFileSync(sources, 'utf8').replace('/etc/apt/keyrings/debian.asc', key));
    const apt = (...parameters: readonly string[]) => promisify(execFile)(program, [...options, '-o', 'APT::Update::Error-Mode=any', '--yes', ...parameters], { cwd: project, env: { ...process.env, LC_ALL: 'C' } });
    await apt('update');
    await apt('download', 'sample');
    expect(readFileSync(path.join(project, 'sample_1.0-1_amd64.deb')).equals(readFileSync(file))).toBe(true);
  }, 60_000);
});

describeWith('node', 'a repository of haiku packages, by the command line', () => {
  it('is published to, read by its clients, and feeds builders', async () => {
    const sample = 'foo-1.2.3-1-x86_64.hpkg';
    expect(await cli('create', 'haikuports', '--kind', 'haiku', '--info', path.join(samples, 'repo.info'))).toMatchObject({ exitCode: 0, stderr: '' });
    const published = await cli('publish', 'haikuports', path.join(samples, sample));
    expect(published).toMatchObject({ exitCode: 0, stdout: `State 1.\nadded: 1\n  ${sample}\n` });
    const get = async (place: string): Promise<Buffer> => Buffer.from(await (await fetch(`${service.url}/repositories/haikuports/${place}`)).arrayBuffer());
    const [checksum, repo, list] = [await get('repo.sha256'), await get('repo'), await get('package.list')];
    expect([checksum.toString(), repo.subarray(0, 4).toString(), list.toString()]).toEqual([createHash('sha256').update(repo).digest('hex'), 'hpkr', sample]);
    expect((await get(`packages/${sample}`)).equals(readFileSync(path.join(samples, sample)))).toBe(true);
    const feed = await fetch(`${service.url}/v1/repositories/haikuports/feed`, { method: 'POST', headers: { authorization: service.authorization }, body: JSON.stringify({ wanted: [sample], packages: ['gone-1-1-x86_64.hpkg'] }) });
    expect(await feed.json()).toMatchObject({ fetch: [{ key: sample, url: `${service.url}/repositories/haikuports/packages/${sample}` }], drop: ['gone-1-1-x86_64.hpkg'] });
  }, 60_000);
});
