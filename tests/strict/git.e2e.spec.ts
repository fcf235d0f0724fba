import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { entry, fetchAnswer, object, pack, type SampleObject } from '../../libs/inspectors/git/__fixtures__/build-pack.js';
import { describeClient } from '../clients/describe-client.js';
import { startOrigin, type LoopbackOrigin } from '../clients/loopback-origin.js';
import { runInSession, type SessionRun } from '../clients/run-in-session.js';
import { git, gitEnvironment, serveGit, type Tamper } from '../clients/serve-git.js';
import { summaries } from '../clients/session-report.js';
import { recordVerdict } from './record-verdict.js';

const types = ['commit', 'tree', 'blob', 'tag'] as const;

describeClient('git', ({ service, directory }) => {
  let root: string;
  let work: string;
  let origin: LoopbackOrigin;
  let url: string;
  let tamper: Tamper | undefined;

  function commit(name: string): string {
    writeFileSync(path.join(work, 'mill.txt'), `${name}\n${readFileSync(path.join(work, 'mill.txt'), 'utf8')}`);
    git(work, 'commit', '--quiet', '--all', '-m', name);
    git(work, 'push', '--quiet', 'origin', 'HEAD:main');
    return git(work, 'rev-parse', 'HEAD');
  }

  beforeAll(async () => {
    root = directory();
    work = path.join(root, 'work');
    mkdirSync(work);
    git(root, 'init', '--quiet', '--bare', '--initial-branch=main', 'mill.git');
    git(work, 'init', '--quiet', '--initial-branch=main');
    git(work, 'remote', 'add', 'origin', path.join(root, 'mill.git'));
    writeFileSync(path.join(work, 'mill.txt'), Array.from({ length: 5000 }, (_, line) => `line ${line} of the mill\n`).join(''));
    writeFileSync(path.join(work, 'go.mod'), 'module git.test/mill.git\n\ngo 1.20\n');
    writeFileSync(path.join(work, 'mill.go'), 'package mill\n');
    git(work, 'add', '.');
    git(work, 'commit', '--quiet', '-m', 'first');
    git(work, 'tag', '-a', '-m', 'one', 'v1.0.0');
    git(work, 'push', '--quiet', 'origin', 'v1.0.0');
    commit('second');
    git(path.join(root, 'mill.git'), 'config', 'uploadpack.allowFilter', 'true');
    origin = await startOrigin(service(), 'https', (request, response) => void serveGit(root, { request, response, ...(tamper === undefined ? {} : { tamper }) }));
    url = `${origin.url}/mill.git`;
  });
  afterAll(() => origin?.close());

  const fetches = (run: SessionRun): readonly string[] => summaries(run.report).filter((line) => line.startsWith('application/x.git.upload-pack-result.fetch') || line.startsWith('application/x.go.module.git-repo'));

  async function strict(build: string, command: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<SessionRun> {
    tamper = undefined;
    const run = await runInSession(service(), { policy: 'strict', directory: build, command, environment: { ...gitEnvironment, ...environment } });
    expect(summaries(run.report).filter((line) => !line.endsWith(' Approved'))).toEqual([]);
    expect(run.report['refused-requests']).toEqual([]);
    return run;
  }

  it.each([0, 1, 2])('clones in a strict session, in full and without history, with protocol version %d', async (version) => {
    const build = directory();
    const clone = `git -c protocol.version=${version} clone --quiet`;
    const run = await strict(build, ['sh', '-c', `${clone} ${url} full && ${clone} --depth 1 ${url} shallow && ${clone} --depth 1 --branch v1.0.0 ${url} tag 2>&1`]);
    expect(git(path.join(build, 'full'), 'log', '--format=%s')).toBe('second\nfirst');
    expect(git(path.join(build, 'shallow'), 'rev-list', '--count', 'HEAD')).toBe('1');
    expect(git(path.join(build, 'tag'), 'log', '--format=%s')).toBe('first');
    expect(fetches(run).length).toBeGreaterThanOrEqual(3);
    recordVerdict({ ecosystem: 'git', client: `git clone, protocol version ${version}`, build: 'a full clone, one without history, and one of a tag', verdict: 'passes' });
  }, 120_000);

  it('fetches what came since, one tag, all of the history and the files that a partial clone left out', async () => {
    const build = directory();
    const push = `git -C ${work} commit --quiet --allow-empty -m more && echo more >> ${work}/mill.txt && git -C ${work} commit --quiet -a -m third && git -C ${work} push --quiet origin HEAD:main`;
    await strict(build, ['sh', '-c', [
      `git clone --quiet --no-tags ${url} full && git clone --quiet --depth 1 ${url} shallow && git clone --quiet --filter=blob:none ${url} partial`,
      push,
      'git -C full fetch --quiet --no-tags && git -C full fetch --quiet origin tag v1.0.0 && git -C shallow fetch --quiet --unshallow && git -C partial checkout --quiet v1.0.0',
    ].join(' && ')]);
    expect(git(path.join(build, 'full'), 'log', '--format=%s', 'origin/main')).toBe('third\nmore\nsecond\nfirst');
    expect(git(path.join(build, 'full'), 'tag')).toBe('v1.0.0');
    expect(git(path.join(build, 'shallow'), 'rev-list', '--count', 'origin/main')).toBe('4');
    recordVerdict({ ecosystem: 'git', client: 'git fetch', build: 'what came since a clone, a tag, all of the history, a partial clone', verdict: 'passes' });
  }, 120_000);

  it('gets a submodule at the commit that its parent names', async () => {
    git(root, 'init', '--quiet', '--bare', '--initial-branch=main', 'outer.git');
    const outer = path.join(root, 'outer');
    git(root, 'clone', '--quiet', path.join(root, 'outer.git'), 'outer');
    writeFileSync(path.join(outer, '.gitmodules'), `[submodule "mill"]\n\tpath = mill\n\turl = ${url}\n`);
    git(outer, 'add', '.gitmodules');
    git(outer, 'update-index', '--add', '--cacheinfo', `160000,${git(work, 'rev-parse', 'HEAD~1')},mill`);
    git(outer, 'commit', '--quiet', '-m', 'outer');
    git(outer, 'push', '--quiet', 'origin', 'HEAD:main');
    git(path.join(root, 'mill.git'), 'config', 'uploadpack.allowReachableSHA1InWant', 'true');
    const build = directory();
    await strict(build, ['git', 'clone', '--quiet', '--depth', '1', '--recurse-submodules', '--shallow-submodules', `${origin.url}/outer.git`, 'clone']);
    expect(existsSync(path.join(build, 'clone', 'mill', 'mill.txt'))).toBe(true);
    recordVerdict({ ecosystem: 'git', client: 'git clone --recurse-submodules', build: 'a repository with a submodule, both without history', verdict: 'passes' });
  }, 120_000);

  /** A pack of the repository's own objects, changed, whose checksum is right. */
  function packOf(change: (objects: SampleObject[]) => SampleObject[]): Buffer {
    const repository = path.join(root, 'mill.git');
    const ids = git(repository, 'rev-list', '--objects', '--all').split('\n').map((line) => line.slice(0, 40));
    const objects = ids.map((id) => {
      const type = types.find((name) => name === git(repository, 'cat-file', '-t', id)) ?? 'blob';
      return object(type, execFileSync('git', ['-C', repository, 'cat-file', type, id]));
    });
    return fetchAnswer(pack(change(objects).map(entry)));
  }

  it.each<[string, (objects: SampleObject[]) => SampleObject[], RegExp]>([
    ['one byte of a file changed', (objects) => objects.map((one) => (one.content.toString() === 'package mill\n' ? object('blob', 'package mall\n') : one)), /the pack is incomplete: it leaves out the blob [0-9a-f]{40}/],
    ['another commit than it listed', (objects) => objects.map((one) => (one.content.includes('\nthird\n') || one.content.includes('\n\nsecond\n') ? object('commit', one.content.toString().replace(/\n\n\w+\n$/, '\n\nother\n')) : one)), /the server sent something else than the wanted object [0-9a-f]{40}/],
    ['a file left out', (objects) => objects.filter((one) => one.content.toString() !== 'package mill\n'), /the pack is incomplete: it leaves out the blob [0-9a-f]{40}/],
  ])('gets nothing of a hostile server that sends a pack with %s', async (what, change, reason) => {
    const build = directory();
    tamper = ({ url: asked, body }) => (asked.endsWith('/git-upload-pack') && body.includes('command=fetch') ? packOf(change) : undefined);
    const { report } = await runInSession(service(), { policy: 'strict', exitCode: 'not 0', directory: build, command: ['git', 'clone', '--quiet', url, 'clone'], environment: gitEnvironment });
    expect(report['refused-requests'].map(({ rule, reason: said }) => [rule, said])).toEqual([['verdict', expect.stringMatching(reason)]]);
    expect(existsSync(path.join(build, 'clone', 'mill.go'))).toBe(false);
    recordVerdict({ ecosystem: 'git', client: 'git clone', build: `a hostile server: ${what}`, verdict: 'refused', reason: reason.source.replaceAll(/ ?\[0-9a-f\]\{40\}/g, ' …') });
  }, 120_000);

  it('gets a Go module with git in place of a module proxy', async () => {
    const build = directory();
    writeFileSync(path.join(build, 'go.mod'), 'module x.test/x\n\ngo 1.20\n');
    const config = path.join(build, 'gitconfig');
    // The path of a module has no port: git itself is told where the repository is.
    writeFileSync(config, `[url "${origin.url}/"]\n\tinsteadOf = https://git.test/\n`);
    const places = { GOPATH: path.join(build, 'path'), GOMODCACHE: path.join(build, 'modules'), GOCACHE: path.join(build, 'cache') };
    const environment = { ...places, GIT_CONFIG_GLOBAL: config, GOPROXY: 'direct', GOPRIVATE: 'git.test', GOFLAGS: '-modcacherw', GOTOOLCHAIN: 'local' };
    const run = await strict(build, ['go', 'mod', 'download', '-json', 'git.test/mill.git@v1.0.0'], environment);
    expect(JSON.parse(run.stdout)).toMatchObject({ Version: 'v1.0.0' });
    expect(fetches(run)).toContain('application/x.go.module.git-repo git.test/mill.git v1.0.0 Approved');
    recordVerdict({ ecosystem: 'go', client: 'go mod download, GOPROXY=direct', build: 'a module from its git repository', verdict: 'passes' });
  }, 120_000);
});
