import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { MillraceError } from '../errors/millrace-error.js';
import { createSourceClient } from '../repository-source/repository-source.js';
import { sourceLimits } from '../repository-source/source-limits.js';
import { git, plainGit, startGitServer, type GitServer } from '../testing/start-git-server.js';
import type { Checkout, GitCheckout } from './checkout.js';
import { createGitCheckout } from './create-git-checkout.js';
import type { GitLimits } from './git-limits.js';

const work = mkdtempSync(path.join(tmpdir(), 'millrace-checkout-'));
const root = path.join(work, 'repositories');
const repository = path.join(root, 'mill.git');
const outside = path.join(work, 'outside.txt');
const { signal } = new AbortController();
const searchPath = process.env['PATH'] ?? '';
let server: GitServer;
let first: string;
let second: string;
let count = 0;

function commit(files: Readonly<Record<string, string>>): string {
  const tree = path.join(work, 'tree');
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(tree, name)), { recursive: true });
    writeFileSync(path.join(tree, name), text);
  }
  git(tree, 'add', '-A');
  git(tree, 'commit', '--quiet', '--allow-empty', '-m', 'change');
  git(tree, 'push', '--quiet', repository, 'HEAD:refs/heads/main');
  return git(tree, 'rev-parse', 'HEAD');
}

function checkouts(limits: Partial<GitLimits> = {}, allow = ['127.0.0.0/8'], sourcePaths = [root]): GitCheckout {
  const settings = { composeSourcePaths: [], composeAllowDestinations: allow, forbiddenPorts: [], upstreamProxy: undefined, upstreamNoProxy: [], upstreamCa: undefined };
  return createGitCheckout({ client: createSourceClient({ settings, version: '1.2.3', limits: { ...sourceLimits, progressTime: 10_000 } }), sourcePaths, searchPath, limits });
}

const scratch = (): string => path.join(work, `out-${(count += 1)}`);
const url = (): string => `${server.url}/mill.git`;
const failure = (promise: Promise<unknown>): Promise<MillraceError> => promise.then(() => { throw new Error('no failure'); }, (error: unknown) => error as MillraceError);
async function take(place: { readonly url: string; readonly commit: string }, limits?: Partial<GitLimits>): Promise<Checkout & { readonly directory: string }> {
  const directory = scratch();
  const each = checkouts(limits);
  try {
    return { ...(await each.checkout(place, { signal, directory })), directory };
  } finally {
    await each.close();
  }
}

beforeAll(async () => {
  mkdirSync(path.join(work, 'tree'), { recursive: true });
  git(work, 'init', '--quiet', '--bare', '--initial-branch=main', repository);
  git(path.join(work, 'tree'), 'init', '--quiet', '--initial-branch=main');
  writeFileSync(outside, 'secret\n');
  symlinkSync(outside, path.join(work, 'tree', 'leak'));
  symlinkSync('leak', path.join(work, 'tree', 'leak-again'));
  symlinkSync('../../..', path.join(work, 'tree', 'up'));
  symlinkSync('one.yaml', path.join(work, 'tree', 'inside'));
  symlinkSync('nothing', path.join(work, 'tree', 'dangling'));
  first = commit({ 'one.yaml': 'one\n', 'deep/two.yaml': 'two\n' });
  git(path.join(work, 'tree'), 'tag', '-a', 'v1.0', '-m', 'first');
  git(path.join(work, 'tree'), 'push', '--quiet', repository, 'v1.0');
  second = commit({ 'one.yaml': 'uno\n', '.gitattributes': '*.yaml filter=evil\n', '.gitmodules': '[submodule "x"]\n\tpath = x\n\turl = http://127.0.0.1:1/x.git\n' });
  server = await startGitServer(root);
});
beforeEach(() => {
  server.instead = undefined;
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(work, { recursive: true, force: true });
});

describe('a checkout of git', () => {
  it('has the files of one commit, from a server as from a path', async () => {
    for (const place of [url(), repository, `file://${repository}`]) {
      const { directory, commit: found, files, omittedLinks } = await take({ url: place, commit: first });
      expect({ found, files, omittedLinks }).toEqual({ found: first, files: ['deep/two.yaml', 'one.yaml'], omittedLinks: ['dangling', 'leak', 'leak-again', 'up'] });
      expect(readFileSync(path.join(directory, 'inside'), 'utf8')).toBe('one\n');
      expect(readdirSync(directory).sort()).toEqual(['deep', 'inside', 'one.yaml']);
    }
  });

  it('of a branch or a tag has what that stands for, and a name is settled once', async () => {
    const each = checkouts();
    expect(await each.resolve({ url: url(), commit: 'main' }, { signal })).toBe(second);
    expect(await each.resolve({ url: url(), commit: 'v1.0' }, { signal })).toBe(first);
    const asked = server.asked.length;
    expect(await each.resolve({ url: url(), commit: first }, { signal })).toBe(first);
    expect(server.asked).toHaveLength(asked);
    await each.close();
    expect((await take({ url: url(), commit: 'v1.0' })).commit).toBe(first);
    expect(readFileSync(path.join((await take({ url: repository, commit: 'main' })).directory, 'one.yaml'), 'utf8')).toBe('uno\n');
  });

  it('comes from servers that give no commit by its name, too', async () => {
    server.instead = (request, response) => {
      delete request.headers['git-protocol'];
      server.answer(request, response);
    };
    expect((await take({ url: url(), commit: first })).files).toEqual(['deep/two.yaml', 'one.yaml']);
  });

  it('runs nothing that the repository brings: no hooks, filters or submodules', async () => {
    const trap = path.join(work, 'trapped');
    writeFileSync(path.join(repository, 'hooks', 'post-checkout'), `#!/bin/sh\ntouch ${trap}\n`);
    chmodSync(path.join(repository, 'hooks', 'post-checkout'), 0o755);
    git(repository, 'config', 'filter.evil.smudge', `touch ${trap}`);
    git(repository, 'config', 'uploadpack.packObjectsHook', `touch ${trap}; git-pack-objects`);
    expect((await take({ url: repository, commit: second })).files).toContain('.gitmodules');
    expect(existsSync(trap)).toBe(false);
  });

  it('sends credentials to the repository alone, and never in the clear', async () => {
    const each = checkouts();
    const authorization = 'Basic bWlsbDpyYWNl';
    const asked = server.asked.length;
    await each.checkout({ url: url(), commit: first }, { signal, directory: scratch(), authorization });
    expect(new Set(server.asked.slice(asked).map((request) => request.authorization))).toEqual(new Set([authorization]));
    expect(await failure(each.resolve({ url: 'http://git.example/mill.git', commit: 'main' }, { signal, authorization }))).toMatchObject({ code: 'source-invalid', message: expect.stringContaining('not sent over plain http') });
    await each.close();
  });

  it('follows a repository on its host, and no further', async () => {
    const moved = (response: ServerResponse, location: string): void => void response.writeHead(301, { location }).end();
    server.instead = (request, response) => {
      server.instead = undefined;
      moved(response, (request.url ?? '').replace('/old.git/', '/mill.git/'));
    };
    expect((await take({ url: `${server.url}/old.git`, commit: first })).commit).toBe(first);
    await using other = await startGitServer(root);
    server.instead = (request, response) => moved(response, `${other.url}${request.url}`);
    expect(await failure(take({ url: url(), commit: first }))).toMatchObject({ code: 'source-invalid', message: expect.stringContaining('redirects to another host') });
    server.instead = (request, response) => moved(response, `${server.url}${request.url}`);
    expect(await failure(take({ url: url(), commit: first }))).toMatchObject({ code: 'source-invalid', message: expect.stringContaining('more than 3 redirects') });
    expect(other.asked).toEqual([]);
  });
});

describe('a checkout is refused', () => {
  it.each<[string, string, (response: ServerResponse) => void]>([
    ['that answers 503', 'source-unavailable', (response) => void response.writeHead(503).end()],
    ['that says nothing', 'source-unavailable', () => undefined],
    ['that breaks off', 'source-unavailable', (response) => void response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement', 'content-length': '5000' }).write('001e#', () => response.destroy())],
    ['that lets nobody in', 'source-invalid', (response) => void response.writeHead(401, { 'www-authenticate': 'Basic' }).end()],
    ['without the repository', 'source-invalid', (response) => void response.writeHead(404).end()],
    ['that answers HTML', 'source-invalid', (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>')],
    ['that answers rubbish', 'source-invalid', (response) => void response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' }).end('x'.repeat(100))],
    ['that never ends', 'source-invalid', (response) => endless(response)],
  ])('from a server %s: %s', async (_, code, answer) => {
    server.instead = (_request, response) => answer(response);
    const directory = scratch();
    const each = checkouts({ receivedBytes: 200_000 });
    expect(await failure(each.checkout({ url: url(), commit: first }, { signal, directory }))).toMatchObject({ code });
    expect(existsSync(directory)).toBe(false);
    await each.close();
  });

  it('of places and commits that there are not, or that nobody may read', async () => {
    const cases: [string, string, string, string][] = [
      [url(), 'f'.repeat(40), 'source-invalid', 'has no commit'],
      [url(), 'nope', 'source-invalid', 'has no branch or tag "nope"'],
      [url(), '--upload-pack=touch /tmp/x', 'source-invalid', 'is no name of a branch'],
      [`${root}/nope.git`, first, 'source-invalid', 'does not exist'],
      [root, first, 'source-invalid', 'cannot be read'],
      ['/etc', first, 'forbidden', 'MILLRACE_COMPOSE_SOURCE_PATHS'],
      ['ssh://git.example/mill.git', first, 'source-invalid', 'not over ssh:'],
      ['ext::sh -c touch% /tmp/x', first, 'source-invalid', ''],
      ['http://mill:race@127.0.0.1/mill.git', first, 'source-invalid', 'credentials'],
    ];
    for (const [place, wanted, code, message] of cases) expect(await failure(take({ url: place, commit: wanted }))).toMatchObject({ code, message: expect.stringContaining(message) });
    const guarded = checkouts({}, []);
    expect(await failure(guarded.checkout({ url: url(), commit: first }, { signal, directory: scratch() }))).toMatchObject({ code: 'forbidden' });
    await guarded.close();
  });

  it('that is too large, before a file of it is written', async () => {
    expect(await failure(take({ url: url(), commit: first }, { treeEntries: 3 }))).toMatchObject({ code: 'source-invalid', message: expect.stringContaining('more than 3 files') });
    expect(await failure(take({ url: url(), commit: first }, { treeBytes: 30 }))).toMatchObject({ code: 'source-invalid', message: expect.stringContaining('more than 30 bytes') });
  });

  it('that names one tree thousands of millions of times', async () => {
    const tree = path.join(work, 'tree');
    let object = git(tree, 'hash-object', '-w', 'one.yaml');
    for (let depth = 0; depth < 10; depth += 1) {
      const kind = depth === 0 ? '100644 blob' : '040000 tree';
      const input = Array.from({ length: 10 }, (_, index) => `${kind} ${object}\t${index}\n`).join('');
      object = execFileSync('git', ['-C', tree, 'mktree'], { env: plainGit, input, encoding: 'utf8' }).trim();
    }
    const bomb = git(tree, 'commit-tree', object, '-m', 'bomb');
    git(tree, 'push', '--quiet', repository, `${bomb}:refs/heads/bomb`);
    expect(await failure(take({ url: url(), commit: bomb }, { treeEntries: 1000 }))).toMatchObject({ code: 'source-invalid', message: expect.stringContaining('more than 1000 files') });
  });

  it('when it takes too long, or nobody waits any more', async () => {
    server.instead = () => undefined;
    expect(await failure(take({ url: url(), commit: first }, { time: 100 }))).toMatchObject({ code: 'source-unavailable', message: expect.stringContaining('was not read within 0.1 s') });
    const stop = new AbortController();
    const each = checkouts();
    const stopped = failure(each.checkout({ url: url(), commit: first }, { signal: stop.signal, directory: scratch() }));
    stop.abort(new Error('enough'));
    expect((await stopped).message).toBe('enough');
    await each.close();
  });

  it('where there is no git', async () => {
    const settings = { composeSourcePaths: [], composeAllowDestinations: [], forbiddenPorts: [], upstreamProxy: undefined, upstreamNoProxy: [], upstreamCa: undefined };
    const without = createGitCheckout({ client: createSourceClient({ settings, version: '1', limits: sourceLimits }), sourcePaths: [root], searchPath: work });
    expect(await failure(without.checkout({ url: repository, commit: first }, { signal, directory: scratch() }))).toMatchObject({ code: 'tool-not-found' });
    await without.close();
  });
});

function endless(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' });
  const more = (): void => void (response.destroyed || response.write('0032'.repeat(4096), () => setImmediate(more)));
  more();
}
