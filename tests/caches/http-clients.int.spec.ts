import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { EntryKind } from '../../libs/cache/cache-entry.js';
import type { ListedEntry } from '../../libs/cache-record/cache-record.js';
import { describeWith } from '../../libs/testing/describe-with.js';
import { pushToken, startCachedGateway } from './cached-gateway.js';
import type { CachedGateway } from './cached-gateway.js';

const run = promisify(execFile);
let folder: string;
let gateway: CachedGateway;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'millrace-http-caches-'));
  gateway = await startCachedGateway();
}, 60_000);
afterAll(async () => {
  await gateway?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Ran {
  readonly status: number;
  readonly output: string;
}

/** A program with an environment of its own, and nothing of this machine's but its PATH. */
async function program(name: string, parameters: readonly string[], { cwd, env = {} }: { readonly cwd: string; readonly env?: Record<string, string> }): Promise<Ran> {
  const options = { cwd, env: { PATH: `${path.resolve('node_modules/.bin')}:${process.env['PATH'] ?? ''}`, HOME: folder, ...env }, timeout: 100_000 };
  try {
    const { stdout, stderr } = await run(name, [...parameters], options);
    return { status: 0, output: `${stdout}${stderr}` };
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { readonly code?: number; readonly stdout?: string; readonly stderr?: string };
    return { status: typeof code === 'number' ? code : -1, output: `${stdout}${stderr}` };
  }
}

const made = (name: string): string => {
  const at = path.join(folder, name);
  mkdirSync(at, { recursive: true });
  return at;
};
const stored = async (kind: EntryKind): Promise<readonly ListedEntry[]> => (await gateway.caches.record.listEntries('main', { kind, limit: 100 })).entries;

describe('Turborepo', () => {
  it('builds in one checkout, and only fetches in the other', async () => {
    const one = made('turbo-one');
    writeFileSync(path.join(one, 'package.json'), JSON.stringify({ name: 'root', private: true, packageManager: 'npm@10.0.0', workspaces: ['packages/*'] }));
    writeFileSync(path.join(one, 'package-lock.json'), JSON.stringify({ name: 'root', lockfileVersion: 3, requires: true, packages: { '': { name: 'root', workspaces: ['packages/*'] }, 'node_modules/a': { resolved: 'packages/a', link: true }, 'packages/a': { version: '1.0.0' } } }));
    writeFileSync(path.join(one, 'turbo.json'), JSON.stringify({ tasks: { build: { outputs: ['dist/**'] } }, remoteCache: { signature: true } }));
    mkdirSync(path.join(one, 'packages/a'), { recursive: true });
    writeFileSync(path.join(one, 'packages/a/package.json'), JSON.stringify({ name: 'a', version: '1.0.0', scripts: { build: 'mkdir -p dist && date +%s%N > dist/made' } }));
    const two = path.join(folder, 'turbo-two');
    cpSync(one, two, { recursive: true });
    const env = { TURBO_API: gateway.url, TURBO_TOKEN: pushToken, TURBO_TEAM: 'my-team', TURBO_TELEMETRY_DISABLED: '1', TURBO_REMOTE_CACHE_SIGNATURE_KEY: 'a key of the team', DO_NOT_TRACK: '1', CI: '1' };
    const build = (cwd: string): Promise<Ran> => program('turbo', ['run', 'build', '--cache=remote:rw', '--no-daemon', '--no-update-notifier', '--output-logs=full'], { cwd, env });
    const first = await build(one);
    expect(first).toMatchObject({ status: 0, output: expect.stringContaining('0 cached') });
    const second = await build(two);
    expect(second).toMatchObject({ status: 0, output: expect.stringContaining('FULL TURBO') });
    expect(await stored('turborepo')).toMatchObject([{ key: expect.stringMatching(/^my-team\//), pushedBy: expect.stringContaining('builder') }]);
    expect(readFileSync(path.join(two, 'packages/a/dist/made'))).toEqual(readFileSync(path.join(one, 'packages/a/dist/made')));
  }, 120_000);
});

describeWith('ccache', 'ccache', () => {
  it.each(['subdirs', 'flat', 'bazel'])('compiles once for two machines, with the layout %s', async (layout) => {
    const source = path.join(made(`ccache-${layout}`), 'x.c');
    writeFileSync(source, `int answer_${layout}(void) { return 42; }\n`);
    const compile = async (machine: string): Promise<string> => {
      const env = { CCACHE_DIR: made(`ccache-${layout}-${machine}`), CCACHE_REMOTE_STORAGE: `${gateway.url.replace('://', '://craft:craft@')}${layout === 'bazel' ? '' : '/ccache'}|layout=${layout}`, CCACHE_RESHARE: 'true' };
      expect(await program('ccache', ['gcc', '-c', 'x.c', '-o', `${machine}.o`], { cwd: path.dirname(source), env })).toMatchObject({ status: 0 });
      return (await program('ccache', ['-v', '-s'], { cwd: folder, env })).output;
    };
    await compile('one');
    const stats = await compile('two');
    expect(stats).toMatch(/Remote storage:[^]*Hits:\s+[1-9]/);
  }, 60_000);
});

describeWith('gradle', 'Gradle', () => {
  it('takes the outputs of a task from the cache', async () => {
    const write = (name: string): string => {
      const project = made(name);
      writeFileSync(path.join(project, 'settings.gradle'), `rootProject.name = 'sample'\nbuildCache {\n  local { enabled = false }\n  remote(HttpBuildCache) {\n    url = '${gateway.url}/gradle/'\n    push = true\n    credentials { username = 'craft'; password = 'craft' }\n  }\n}\n`);
      writeFileSync(path.join(project, 'build.gradle'), `@CacheableTask\nclass Make extends DefaultTask {\n  @OutputFile File output = project.file('made.txt')\n  @Input String word = 'hello'\n  @TaskAction void make() { output.text = word + System.nanoTime() }\n}\ntask make(type: Make)\n`);
      return project;
    };
    const [one, two] = [write('gradle-one'), write('gradle-two')];
    const build = (cwd: string): Promise<Ran> => program('gradle', ['--no-daemon', '--build-cache', '--console=plain', '--gradle-user-home', path.join(folder, 'gradle-home'), 'make'], { cwd });
    expect(await build(one)).toMatchObject({ status: 0 });
    const second = await build(two);
    expect(second).toMatchObject({ status: 0, output: expect.stringMatching(/:make FROM-CACHE/) });
    expect(readFileSync(path.join(two, 'made.txt'))).toEqual(readFileSync(path.join(one, 'made.txt')));
    expect(await stored('gradle')).toMatchObject([{ pushedBy: 'craft' }]);
  }, 120_000);
});
