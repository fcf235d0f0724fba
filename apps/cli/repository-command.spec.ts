import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { errorTable } from '../../libs/errors/error-table.js';
import { millrace } from './__fixtures__/recorded-terminal.js';
import { RepositoryService } from './__fixtures__/repository-service.js';

let service: RepositoryService;
let folder: string;
beforeEach(async () => {
  service = await RepositoryService.start();
  folder = mkdtempSync(path.join(tmpdir(), 'millrace-repo-'));
});
afterEach(async () => {
  await service[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const cli = (...parameters: readonly string[]) => millrace(service.environment, 'repo', ...parameters);
const file = (name: string, content = `content of ${name}`): string => {
  writeFileSync(path.join(folder, name), content);
  return path.join(folder, name);
};
const digest = (content: string): string => createHash('sha256').update(content).digest('hex');
const posted = (action: string): unknown[] => service.seen.filter(({ line }) => line.startsWith('POST ') && line.endsWith(`/${action}`)).map(({ body }) => body);
const sent = (): string[] => service.lines.filter((line) => line.startsWith('POST /v1/repositories/stable/uploads'));

describe('millrace repo publish', () => {
  it('uploads packages with their digests, publishes them in one change, and says what became of it', async () => {
    const { exitCode, stdout, stderr } = await cli('publish', 'stable', file('a.rpm'), file('b.rpm'), '--session', 'c'.repeat(32), '--compose', '7', '--build', 'build 4711');
    expect([exitCode, stdout]).toEqual([0, 'State 5.\nadded: 2\n  a.rpm\n  b.rpm\n']);
    expect(stderr).toMatch(/\[2\/2\] [ab]\.rpm is uploaded \(16 B\)/);
    expect(posted('publish')).toEqual([{ changeId: expect.any(String), uploads: [expect.any(String), expect.any(String)], contents: [], origin: { session: 'c'.repeat(32), compose: 7, build: 'build 4711' }, force: false, dryRun: false }]);
  });

  it('as JSON is one line, and progress is not on standard output', async () => {
    const { stdout } = await cli('publish', 'stable', file('a.rpm'), '--json');
    expect(stdout.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(stdout)).toMatchObject({ phase: 'done', outcome: { added: ['a.rpm'] }, listed: [] });
  });

  it('sends nothing that is published already', async () => {
    service.listed.set('a.rpm', digest('content of a.rpm'));
    const nothing = await cli('publish', 'stable', file('a.rpm'));
    expect([nothing.exitCode, nothing.stdout, sent(), posted('publish')]).toEqual([0, 'State 4 has all of it already.\n', [], []]);
    expect((await cli('publish', 'stable', file('a.rpm'), file('b.rpm'))).stdout).toContain('  b.rpm');
    expect(sent()).toHaveLength(1);
  });

  it('sends what is listed by this name with other bytes, and is told of the conflict', async () => {
    service.listed.set('a.rpm', 'f'.repeat(64));
    service.problem = { status: 409, code: 'package-conflict', detail: 'a.rpm was published with other bytes', mistakes: [{ key: 'a.rpm' }] };
    const refused = await cli('publish', 'stable', file('a.rpm'), '--json');
    expect([refused.exitCode, JSON.parse(refused.stderr.trim().split('\n').at(-1) ?? '')]).toEqual([errorTable['package-conflict'].exit, { error: { code: 'package-conflict', message: 'a.rpm was published with other bytes', suggestion: 'Do this.' } }]);
  });

  it('gets over connections that break, while it uploads and while it asks', async () => {
    service.cutUploads = 2;
    service.cutChanges = 1;
    const { exitCode, stdout } = await cli('publish', 'stable', file('a.rpm'));
    expect([exitCode, stdout]).toEqual([0, 'State 5.\nadded: 1\n  a.rpm\n']);
    expect(service.changes.size).toBe(1);
  });

  it('that was cut off says how to go on, and then sends nothing twice', async () => {
    service.cutChanges = 2;
    const broken = await cli('publish', 'stable', file('a.rpm'));
    const [, id = ''] = /--change-id ([0-9a-f-]{36}):/.exec(broken.stderr) ?? [];
    expect([broken.exitCode, id.length]).toEqual([errorTable['service-unavailable'].exit, 36]);
    const again = await cli('publish', 'stable', file('a.rpm'), '--change-id', id);
    expect([again.stdout, sent().length, service.changes.size]).toEqual(['State 5.\nadded: 1\n  a.rpm\n', 1, 1]);
    expect(again.stderr).toContain('a.rpm was uploaded before');
  });

  it('waits for a change that goes on, unless it is told not to', async () => {
    service.goesOn = 2;
    const waited = await cli('publish', 'stable', file('a.rpm'));
    expect([waited.stdout, waited.stderr.match(/goes on/g)]).toEqual(['State 5.\nadded: 1\n  a.rpm\n', ['goes on']]);
    expect(service.seen.filter(({ header }) => header.prefer === 'wait=30')).toHaveLength(3);
    service.goesOn = 1;
    expect((await cli('publish', 'stable', file('b.rpm'), '--no-wait')).stdout).toMatch(/^Change [0-9a-f-]{36} \(publish\): waiting\.\n$/);
  });

  it('with --dry-run tells what it would do', async () => {
    expect((await cli('publish', 'stable', file('a.rpm'), '--dry-run')).stdout).toBe('would be added: 1\n  a.rpm\nIt would be done. Nothing was changed.\n');
    expect(service.changes.size).toBe(0);
  });

  it('with --dry-run ends as publishing would, when it would be refused', async () => {
    service.problem = { status: 409, code: 'change-guarded', detail: 'it would drop 9 of 9 packages' };
    expect(await cli('remove', 'stable', 'a.rpm', '--dry-run')).toMatchObject({ exitCode: errorTable['change-guarded'].exit, stdout: 'would be removed: 1\n  a.rpm\nNothing was changed.\n', stderr: expect.stringContaining('it would be refused: it would drop 9 of 9 packages') });
    expect((await cli('publish', 'stable', file('a.rpm'), '--dry-run')).exitCode).toBe(errorTable['change-guarded'].exit);
    expect(service.changes.size).toBe(0);
  });

  it('takes bytes that a session or a compose has', async () => {
    await cli('publish', 'stable', '--digest', 'a'.repeat(64), '--digest', 'b'.repeat(64), '--compose', '7', '--component', 'main', '--force');
    expect(posted('publish')).toMatchObject([{ contents: [{ sha256: 'a'.repeat(64), from: { compose: 7 } }, { sha256: 'b'.repeat(64), from: { compose: 7 } }], uploads: [], component: 'main', force: true }]);
  });

  it('takes bytes that the artifact cache has, and tells by which entry they were found', async () => {
    await cli('publish', 'stable', '--digest', 'c'.repeat(64), '--cache', 'team/one', '--cache-key', 'libfoo/1', '--session', 's-1');
    expect(posted('publish')).toMatchObject([{ contents: [{ sha256: 'c'.repeat(64), from: { cache: 'team/one' } }], origin: { session: 's-1', cache: { instance: 'team/one', key: 'libfoo/1' } } }]);
  });

  it.each<[string, readonly string[]]>([
    ['nothing', ['publish', 'stable']],
    ['a cache without a digest', ['publish', 'stable', '--cache', 'main', 'a.rpm']],
    ['a key of no cache', ['publish', 'stable', '--digest', 'a'.repeat(64), '--cache-key', 'k', '--session', 's']],
    ['a digest of nowhere', ['publish', 'stable', '--digest', 'a'.repeat(64)]],
    ['a file that is not there', ['publish', 'stable', '/nowhere/a.rpm']],
    ['a directory', ['publish', 'stable', tmpdir()]],
    ['a change id that is none', ['publish', 'stable', 'a.rpm', '--change-id', 'one']],
    ['a digest that is none', ['publish', 'stable', '--digest', 'abc', '--compose', '1']],
  ])('of %s is a mistake', async (_what, parameters) => {
    expect((await cli(...parameters)).exitCode).toBe(64);
    expect(service.seen.filter(({ line }) => line.startsWith('POST'))).toEqual([]);
  });

  it('to a repository that there is not ends before anything is sent', async () => {
    expect((await cli('publish', 'none', file('a.rpm'))).exitCode).toBe(errorTable['repository-not-found'].exit);
    expect(service.seen.filter(({ line }) => line.startsWith('POST'))).toEqual([]);
  });
});

describe('millrace repo', () => {
  it('create sends what its files say', async () => {
    const info = file('repo.info', 'name X\n');
    const settings = file('settings.json', '{"keepVersions":3}');
    const made = await cli('create', 'mine', '--kind', 'haiku', '--info', info, '--settings', settings, '--key', 'old', '--key', 'new', '--store', 'hpkg', '--folder', 'master/x86_64');
    expect([made.exitCode, made.stdout.includes('workflow')]).toEqual([0, false]);
    expect(service.seen[0]).toMatchObject({ line: 'POST /v1/repositories', body: { name: 'mine', kind: 'haiku', repoInfo: 'name X\n', settings: { keepVersions: 3, keys: ['old', 'new'] }, store: 'hpkg', folder: 'master/x86_64' } });
    for (const parameters of [['create', 'x'], ['create', 'x', '--kind', 'msi'], ['create', 'x', '--kind', 'rpm', '--settings', info]]) expect((await cli(...parameters)).exitCode).toBe(64);
  });

  it('configure changes settings, delete forgets the repository', async () => {
    expect((await cli('configure', 'stable', file('s.json', '{"graceSeconds":60}'))).stdout).toContain('keys        release');
    expect((await cli('delete', 'stable', '--force')).stdout).toBe('The repository stable is forgotten. Its objects stay in the store.\n');
    expect(service.lines).toEqual(['PATCH /v1/repositories/stable', 'DELETE /v1/repositories/stable?force=true']);
  });

  it('list and show tell of repositories and packages, made harmless', async () => {
    expect((await cli('list', '--limit', '1')).stdout).toContain('More: --cursor stable');
    expect((await cli('list', 'stable', '--state', '2', '--search', 'ba')).stdout).toContain('bash.rpm');
    const shown = (await cli('show', 'stable')).stdout;
    expect(shown).toContain('state       4, 2 packages, 4.0 KiB');
    expect(shown).toMatch(/^checked {5}2\d{3}-\S+$/m);
    expect(shown).toMatch(/^in sync {5}no: at 2\d{3}-\S+ it failed: the upstream\S*\[31m is away$/m);
    expect(shown).not.toContain('\u001b');
    service.listed.set('a b.rpm', 'e'.repeat(64));
    const { stdout } = await cli('show', 'stable', 'a b.rpm');
    expect([stdout.includes('listed      since state 2'), stdout.includes('\u001b')]).toEqual([true, false]);
    expect(stdout).toMatch(/^seen in {5}session c0ffee\S*\[31m, compose 7, cache main: built\S*\[31m, repository other$/m);
    expect(stdout).toMatch(/^origin {6}build b\S*\[31m7, compose 7 \(found by its digest\)$/m);
    expect(service.lines).toContain(`GET /v1/packages/${'e'.repeat(64)}/origins`);
    expect(service.lines).toContain('GET /v1/repositories/stable/packages?state=2&search=ba');
    expect(service.lines).toContain('GET /v1/repositories/stable/packages/a%20b.rpm');
    expect(JSON.parse((await cli('list', '--json')).stdout)).toMatchObject({ items: [{ name: 'stable' }] });
    expect((await cli('list', '--state', '2')).exitCode).toBe(64);
  });

  it('remove, rollback and sign are changes', async () => {
    expect((await cli('remove', 'stable', 'a.rpm', 'b.rpm')).stdout).toBe('State 5.\nremoved: 2\n  a.rpm\n  b.rpm\n');
    await cli('rollback', 'stable', '3', '--force');
    expect((await cli('sign', 'stable')).stdout).toBe('State 7.\n');
    await cli('sign', 'stable', '--no-wait');
    expect([posted('remove'), posted('rollback'), posted('sign')]).toMatchObject([[{ keys: ['a.rpm', 'b.rpm'], force: false }], [{ to: 3, force: true }], [{ changeId: expect.any(String) }, { changeId: expect.any(String) }]]);
    expect(service.seen.at(-1)?.header.prefer).toBe('wait=0');
    expect((await cli('rollback', 'stable', 'two')).exitCode).toBe(64);
  });

  it('history, diff and status tell what has become of it', async () => {
    await cli('remove', 'stable', 'a.rpm');
    const [id = ''] = service.changes.keys();
    expect((await cli('history', 'stable')).stdout).toMatch(/4.*publish.*ann.*\+1/);
    expect((await cli('diff', 'stable', '3', '4')).stdout).toBe('- old.rpm\n+ new.rpm\n');
    expect((await cli('status', 'stable')).stdout).toContain(id);
    service.goesOn = 1;
    expect((await cli('status', 'stable', id)).stdout).toBe('State 5.\nremoved: 1\n  a.rpm\n');
    expect((await cli('status', 'stable', '00000000-0000-4000-8000-000000000000')).exitCode).toBe(errorTable['change-not-found'].exit);
  });

  it('check prints the report, and ends with a code of its own where something is wrong', async () => {
    expect(await cli('check', 'stable')).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^repo consistency report at 4\n0 findings [^\u001b]*\na\.rpm:\n {2}requires b\n$/) });
    service.findings = [{ kind: 'missing-object' }];
    expect(await cli('check', 'stable', '--deep', '--json')).toMatchObject({ exitCode: 65, stdout: '{"findings":[{"kind":"missing-object"}]}\n' });
    expect(posted('check')).toEqual([{ deep: false }, { deep: true }]);
  });

  it('prune, repair and sync are careful where they are told to be', async () => {
    expect((await cli('prune', 'stable', '--dry-run')).stdout).toBe('would be moved to .obsolete/: 1\n  old.rpm\n');
    expect(await cli('repair', 'stable', '--force')).toMatchObject({ exitCode: 0, stdout: 'steps: 2\n  bring-back a.rpm\n  write-index\nwhat no command can mend: 1\n  b.rpm needs c\nState 5.\n' });
    expect(JSON.parse((await cli('sync', 'stable', '--json')).stdout)).toMatchObject({ asked: { force: false, dryRun: false }, changes: ['going'], outcomes: [{ id: 'going', outcome: { state: 6 } }] });
    expect([posted('prune'), posted('repair')]).toEqual([[{ dryRun: true, force: false }], [{ force: true, dryRun: false }]]);
  });

  it('sync ends when clients see what it has fetched, and fails with the change that does', async () => {
    service.goesOn = 1;
    const left = 'left out: 1\n  bad.rpm: digest-mismatch: other bytes\\u{1b}[31m\n';
    expect(await cli('sync', 'stable')).toMatchObject({ exitCode: 0, stdout: `3 packages there, 2 of them not here. Fetched: 1 (2.0 KiB).\nremoved: 1\n  old.rpm\n${left}State 5.\n` });
    expect(service.lines.filter((line) => line.endsWith('/changes/going'))).toHaveLength(2);
    expect((await cli('sync', 'stable', '--dry-run')).stdout).toBe(`3 packages there, 2 of them not here.\nwould be removed: 1\n  old.rpm\n${left}Nothing was changed.\n`);
    expect((await cli('sync', 'stable', '--no-wait')).stdout).toContain('changes that go on: 1\n  going\n');
    service.problem = { status: 409, code: 'change-guarded', detail: 'too much would go' };
    expect(await cli('sync', 'stable')).toMatchObject({ exitCode: errorTable['change-guarded'].exit, stderr: expect.stringContaining('too much would go') });
  });

  it('import takes over what lies elsewhere, with the keys that it has to be signed with', async () => {
    expect(JSON.parse((await cli('import', 'stable', '--from', 'https://old.test/x', '--key-file', file('old.asc', 'KEY'), '--dry-run', '--json')).stdout)).toMatchObject({ asked: { url: 'https://old.test/x', keys: ['KEY'], dryRun: true, force: false } });
    expect((await cli('import', 'stable')).exitCode).toBe(64);
  });
});
