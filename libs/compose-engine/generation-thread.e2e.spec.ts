import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { projectRoot } from '../embedded/project-root.js';
import { buildKitchen, type Kitchen } from './__fixtures__/kitchen.js';
import { installFakePungi } from '../testing/fake-pungi/install-fake-pungi.js';
import { processesWith } from '../testing/processes.js';
import { failureOf, filesBelow } from './__fixtures__/read-tree.js';
import { composeRequest } from '../testing/compose-request.js';
import { scratchEngine, type ScratchEngine } from './__fixtures__/scratch-engine.js';
import { serveFiles, type FileServer } from './__fixtures__/serve-files.js';
import type { GenerationProgress } from './compose-engine.js';
import type { GenerationTask } from './generation-task.js';
import { runInThread } from './run-in-thread.js';

const built = path.join(projectRoot(), 'dist/libs/compose-engine');
const fixtures = path.join(projectRoot(), 'libs/compose-engine/__fixtures__');
const engineModule = pathToFileURL(path.join(built, 'create-compose-engine.js')).href;
const entry = pathToFileURL(path.join(built, 'generation-thread.js'));

/** Of this machine: what lorax makes runs on it. */
const treeArch = { x64: 'x86_64', arm64: 'aarch64', ppc64: 'ppc64le', s390x: 's390x' }[process.arch as string] ?? 'x86_64';

let kitchen: Kitchen;
let server: FileServer;
let scratch: ScratchEngine;

/** With generations in threads of the built service. */
const threaded = (options: { readonly heapMiB?: number; readonly searchPath?: string } = {}) =>
  scratchEngine({ run: (task, how) => runInThread(task, { ...how, entry, heapMiB: options.heapMiB ?? 512 }), ...(options.searchPath === undefined ? {} : { searchPath: options.searchPath }) });

beforeAll(async () => {
  kitchen = buildKitchen();
  scratch = await threaded();
  kitchen.repository(path.join(scratch.sources, 'kitchen'));
  server = await serveFiles(scratch.sources);
}, 60_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  kitchen[Symbol.dispose]();
  await scratch[Symbol.asyncDispose]();
});

const source = (): string[] => [`${server.url}/kitchen`];
const logs = ['pungi-stderr.log', 'pungi-stdout.log'];

describe('generation in a thread', () => {
  it('makes what it makes in the process, tells its progress and leaves the event loop free', async () => {
    await using here = await scratchEngine();
    const steps: GenerationProgress[] = [];
    const request = { source: source(), packages: ['kettle'], results: ['repository', 'iso'] as const };
    let turns = 0;
    let counting = true;
    const count = (): void => {
      turns += 1;
      if (counting) setImmediate(count);
    };
    count();
    const there = await scratch.compose(1, request, { onProgress: (progress) => steps.push(progress) });
    counting = false;
    expect(turns).toBeGreaterThan(1000);
    expect(await here.compose(1, request)).toEqual(there);
    for (const file of filesBelow(here.path(1, 'compose'))) expect([file, readFileSync(here.path(1, 'compose', file)).equals(readFileSync(scratch.path(1, 'compose', file)))]).toEqual([file, true]);
    expect([...new Set(steps.map(({ step }) => step))]).toEqual(['pin', 'resolve', 'fetch', 'write', 'image', 'publish']);
  });

  it('keeps code, message and suggestion of a failure', async () => {
    const error = await failureOf(scratch.compose(2, { source: source(), packages: ['teapot'] }));
    expect(error).toMatchObject({ name: 'MillraceError', code: 'unresolvable', message: expect.stringContaining('teapot'), suggestion: expect.stringContaining('Correct the names') });
    expect(filesBelow(scratch.path(2))).toEqual(logs);
  });

  it('tells progress while the thread computes, and ends it by its signal', async () => {
    const stop = new AbortController();
    let told = 0;
    const task = { job: { id: 1 } } as GenerationTask;
    const spinning = runInThread(task, { entry: pathToFileURL(path.join(fixtures, 'spinning-thread.mjs')), heapMiB: 64, signal: stop.signal, onProgress: () => ((told += 1) === 2 ? stop.abort(new Error('enough')) : undefined) });
    expect((await failureOf(spinning)).message).toBe('enough');
  });

  it('is refused when it needs more memory than it may have', async () => {
    await using small = await threaded({ heapMiB: 4 });
    expect(await failureOf(small.compose(1, { source: source() }))).toMatchObject({ code: 'payload-too-large', message: expect.stringContaining('4 MiB') });
    expect(filesBelow(small.path(1))).toEqual(logs);
    expect(readFileSync(small.path(1, 'pungi-stderr.log'), 'utf8')).toContain('[ERROR   ] Compose failed: the repositories need more memory');
  });

  it('that is stopped leaves nothing but its logs; the next attempt fetches only what is missing', async () => {
    await using fresh = await threaded();
    const stop = new AbortController();
    const waiting = server.hold(/spoon-1\.0-1\.noarch\.rpm$/);
    const stopped = failureOf(fresh.compose(1, { source: source(), packages: ['kettle', 'spoon'] }, { signal: stop.signal }));
    await waiting;
    stop.abort(new Error('cancelled by ada'));
    expect((await stopped).message).toBe('cancelled by ada');
    server.release();
    expect(filesBelow(fresh.path(1))).toEqual(logs);
    expect(readFileSync(fresh.path(1, 'pungi-stderr.log'), 'utf8')).toMatch(/\[ERROR {3}\] Compose stopped: cancelled by ada\n$/);
    expect(existsSync(path.join(fresh.settings.composes, '.staging/odcs-1'))).toBe(false);
    await fresh.compose(1, { source: source(), packages: ['kettle', 'spoon'] });
    expect(filesBelow(fresh.path(1, 'compose')).filter((file) => file.endsWith('.rpm'))).toHaveLength(7);
  });

  it('answers at once when the tree is there already, made of the same inputs', async () => {
    const first = await scratch.compose(3, { source: source(), packages: ['spoon'] });
    const inode = statSync(scratch.path(3, 'STATUS')).ino;
    expect(await scratch.compose(3, { source: source(), packages: ['spoon'] })).toEqual(first);
    expect(statSync(scratch.path(3, 'STATUS')).ino).toBe(inode);
  });

  it('by two attempts for one id leaves one whole tree, that of the later', async () => {
    await using fresh = await threaded();
    const waiting = server.hold(/spoon-1\.0-1\.src\.rpm$/);
    const slow = fresh.compose(1, { source: source(), packages: ['spoon'] }).then(() => 'done', (error: { code: string }) => error.code);
    await waiting;
    const quick = fresh.compose(1, { source: source(), packages: ['kettle'] });
    await quick;
    server.release();
    expect(await slow).toBe('resources-in-use');
    expect(filesBelow(fresh.path(1, 'compose')).filter((file) => file.endsWith('.rpm'))).toHaveLength(5);
    expect(existsSync(fresh.path(1, 'STATUS'))).toBe(true);
  });

  it('takes the tool of images with it when it is stopped', async () => {
    const tools = path.join(scratch.settings.home, 'tools');
    mkdirSync(tools);
    const pidFile = path.join(tools, 'pid');
    writeFileSync(path.join(tools, 'xorriso'), `#!/bin/sh\necho $$ > ${pidFile}\necho started\nexec /bin/sleep 1000\n`);
    chmodSync(path.join(tools, 'xorriso'), 0o755);
    await using slow = await threaded({ searchPath: tools });
    const stop = new AbortController();
    const onProgress = ({ step }: GenerationProgress): void => (step === 'image' ? stop.abort(new Error('enough')) : undefined);
    expect((await failureOf(slow.compose(1, { source: source(), packages: ['spoon'], results: ['repository', 'iso'] }, { signal: stop.signal, onProgress }))).message).toBe('enough');
    expect(isRunning(Number(readFileSync(pidFile, 'utf8')))).toBe(false);
    expect(filesBelow(slow.path(1))).toEqual(logs);
  });

  it('has lorax run for it, and ends all that lorax has started when it is stopped', async () => {
    const settings = path.join(scratch.settings.home, 'pungi.yaml');
    writeFileSync(settings, 'lorax: { environment: { FAKE_LORAX: family } }\n');
    await using slow = await scratchEngine({ searchPath: installFakePungi(path.join(scratch.settings.home, 'fakes')), environment: {}, change: { pungiFile: settings }, run: (task, how) => runInThread(task, { ...how, entry, heapMiB: 512 }) });
    const stop = new AbortController();
    const request = { source: source(), packages: ['spoon'], arches: [treeArch], results: ['repository', 'boot.iso'] as const };
    const stopped = failureOf(slow.compose(1, request, { signal: stop.signal }));
    const running = (): number[] => processesWith(`MILLRACE_TOOL=${slow.path(1)}`);
    while (running().length < 3) await new Promise((resolve) => setTimeout(resolve, 10));
    stop.abort(new Error('enough'));
    expect((await stopped).message).toBe('enough');
    expect([running(), filesBelow(slow.path(1))]).toEqual([[], logs]);
    writeFileSync(settings, 'lorax: { environment: { FAKE_LORAX: fail } }\n');
    expect(await failureOf(slow.compose(1, request))).toMatchObject({ code: 'unresolvable', message: expect.stringContaining('no package kernel') });
    writeFileSync(settings, '{}\n');
    await slow.compose(1, request);
    expect(existsSync(slow.path(1, `compose/Temporary/${treeArch}/os/images/boot.iso`))).toBe(true);
  });

  it('says that storage is full, and leaves nothing but its logs', async () => {
    await using fresh = await threaded();
    const task = JSON.stringify({ engine: engineModule, settings: fresh.settings, request: composeRequest({ source: source(), results: ['repository', 'iso'] }), id: 1 });
    // Blocks of 512 bytes: packages and metadata are smaller, the image is not.
    const child = spawn('/bin/sh', ['-c', 'ulimit -f 200; exec "$0" "$@"', process.execPath, path.join(fixtures, 'generate-once.mjs'), task], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await new Promise((resolve) => child.once('close', resolve));
    expect(said).toMatch(/code: 'storage-full'/);
    expect(filesBelow(fresh.path(1))).toEqual(logs);
    expect(readFileSync(fresh.path(1, 'pungi-stderr.log'), 'utf8')).toContain('Compose failed: cannot write to compose odcs-1');
    expect(existsSync(path.join(fresh.settings.composes, '.staging/odcs-1'))).toBe(false);
  });

  it('goes on after its process was killed in the middle, with what was fetched', async () => {
    await using fresh = await threaded();
    const waiting = server.hold(/kettle-devel-1\.0-1\.x86_64\.rpm$/);
    const task = JSON.stringify({ engine: engineModule, settings: fresh.settings, request: composeRequest({ source: source() }), id: 1 });
    const child = spawn(process.execPath, [path.join(fixtures, 'generate-once.mjs'), task], { stdio: 'ignore' });
    const ended = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
    await waiting;
    while (packagesIn(fresh) < 9) await new Promise((resolve) => setTimeout(resolve, 10));
    child.kill('SIGKILL');
    expect(await ended).toBe('SIGKILL');
    server.release();
    expect(filesBelow(fresh.path(1))).toEqual(logs);
    const before = server.asked.length;
    const { packages } = await fresh.compose(1, { source: source() });
    expect(packages).toBe(10);
    const again = server.asked.slice(before).filter((file) => file.endsWith('.rpm')).map((file) => path.basename(file));
    expect(again).toEqual(['kettle-devel-1.0-1.x86_64.rpm']);
    expect(existsSync(path.join(fresh.settings.composes, '.staging/odcs-1'))).toBe(false);
  });
});

/** How many of the source's package files are in the store. */
function packagesIn(engine: ScratchEngine): number {
  const files = readdirSync(kitchen.packages).map((name) => createHash('sha256').update(readFileSync(path.join(kitchen.packages, name))).digest('hex'));
  return files.filter((sha256) => existsSync(path.join(engine.settings.home, 'blobs/content', sha256.slice(0, 2), sha256))).length;
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
