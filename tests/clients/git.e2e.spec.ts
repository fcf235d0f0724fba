import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeClient } from './describe-client.js';
import { startOrigin } from './loopback-origin.js';
import type { LoopbackOrigin } from './loopback-origin.js';
import { runInSession } from './run-in-session.js';
import { git, gitEnvironment, serveGit } from './serve-git.js';
import { allRequests } from './session-report.js';
import type { SessionReport } from './session-report.js';

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
    execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', path.join(root, 'mill.git')], { env: { PATH: process.env['PATH'], ...gitEnvironment } });
    git(work, 'init', '--quiet', '--initial-branch=main');
    git(work, 'remote', 'add', 'origin', path.join(root, 'mill.git'));
    commit('first');
    commit('second');
    origin = await startOrigin(service(), 'https', (request, response) => void serveGit(root, { request, response }));
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
  const run = (build: string, ...parameters: string[]) => runInSession(service(), { directory: build, command: ['git', ...parameters], environment: gitEnvironment });

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
