import { execFileSync, spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeClient } from './describe-client.js';
import { startOrigin } from './loopback-origin.js';
import type { LoopbackOrigin } from './loopback-origin.js';
import { runInSession } from './run-in-session.js';
import { allRequests } from './session-report.js';
import type { SessionReport } from './session-report.js';

const identity = { GIT_AUTHOR_NAME: 'Mill', GIT_AUTHOR_EMAIL: 'mill@x.test', GIT_COMMITTER_NAME: 'Mill', GIT_COMMITTER_EMAIL: 'mill@x.test', GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null', GIT_TERMINAL_PROMPT: '0' };

function git(directory: string, ...parameters: string[]): string {
  return execFileSync('git', ['-C', directory, ...parameters], { env: { PATH: process.env['PATH'], ...identity }, encoding: 'utf8' }).trim();
}

/** One request of git's smart protocol, answered by git itself (RFC 3875). */
function serveGit(root: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? '/', 'https://origin.test');
  const backend = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      ...(request.headers['content-encoding'] === undefined ? {} : { HTTP_CONTENT_ENCODING: request.headers['content-encoding'] }),
      ...(request.headers['content-length'] === undefined ? {} : { CONTENT_LENGTH: request.headers['content-length'] }),
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  request.pipe(backend.stdin);
  backend.stdin.on('error', () => undefined); // git may answer before it has read everything
  const chunks: Buffer[] = [];
  backend.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  backend.once('close', () => {
    const output = Buffer.concat(chunks);
    const end = output.indexOf('\r\n\r\n');
    const fields = output.subarray(0, end).toString('latin1').split('\r\n').map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]);
    const status = Number(fields.find(([name]) => name === 'Status')?.[1].slice(0, 3) ?? 200);
    response.writeHead(status, Object.fromEntries(fields.filter(([name]) => name !== 'Status'))).end(output.subarray(end + 4));
  });
}

describeClient('git', ({ service, directory }) => {
  let origin: LoopbackOrigin;
  let work: string;
  let url: string;
  /** How many of the origin's requests earlier specs have accounted for. */
  let seen = 0;

  function commit(name: string): string {
    writeFileSync(path.join(work, `${name}.txt`), `${name}\n`.repeat(2000));
    git(work, 'add', '.');
    git(work, 'commit', '--quiet', '-m', name);
    git(work, 'push', '--quiet', 'origin', 'HEAD:main');
    return git(work, 'rev-parse', 'HEAD');
  }

  beforeAll(async () => {
    const root = directory();
    work = path.join(root, 'work');
    mkdirSync(work);
    execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', path.join(root, 'mill.git')], { env: { PATH: process.env['PATH'], ...identity } });
    git(work, 'init', '--quiet', '--initial-branch=main');
    git(work, 'remote', 'add', 'origin', path.join(root, 'mill.git'));
    commit('first');
    commit('second');
    origin = await startOrigin(service(), 'https', (request, response) => serveGit(root, request, response));
    url = `${origin.url}/mill.git`;
  });
  afterAll(() => origin?.close());

  function expectUploadPack(report: SessionReport): void {
    const requests = report.artifacts.flatMap((artefact) => artefact.downloads).sort((a, b) => a.method.localeCompare(b.method));
    expect(requests[0]).toMatchObject({ method: 'GET', url: `${url}/info/refs?service=git-upload-pack`, 'status-code': 200 });
    const posts = requests.slice(1);
    expect(posts.length).toBeGreaterThan(0);
    for (const post of posts) expect(post).toMatchObject({ method: 'POST', url: `${url}/git-upload-pack`, 'user-agent': expect.stringMatching(/^git\//), 'request-body': { size: expect.any(Number) } });
    expect(allRequests(report)).toHaveLength(requests.length);
    // Every request that the origin saw, and no other, is in the record.
    expect(origin.requests.slice(seen)).toHaveLength(requests.length);
    seen = origin.requests.length;
  }
  const run = (build: string, ...parameters: string[]) => runInSession(service(), { directory: build, command: ['git', ...parameters], environment: identity });

  it('clones, and fetches what came since', async () => {
    const build = directory();
    const cloned = await run(build, 'clone', '--quiet', url, 'clone');
    expect(git(path.join(build, 'clone'), 'rev-parse', 'HEAD')).toBe(git(work, 'rev-parse', 'HEAD'));
    expect(git(path.join(build, 'clone'), 'log', '--format=%s')).toBe('second\nfirst');
    expectUploadPack(cloned.report);
    const third = commit('third');
    const fetched = await run(path.join(build, 'clone'), 'fetch', '--quiet');
    expect(git(path.join(build, 'clone'), 'rev-parse', 'origin/main')).toBe(third);
    expectUploadPack(fetched.report);
  }, 60_000);

  it('clones without history', async () => {
    const build = directory();
    const { report } = await run(build, 'clone', '--quiet', '--depth', '1', url, 'shallow');
    expect(git(path.join(build, 'shallow'), 'rev-list', '--count', 'HEAD')).toBe('1');
    expectUploadPack(report);
  }, 60_000);
});
