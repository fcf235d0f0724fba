import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { defaultsOf, openModuleScene, type ModuleScene } from '../../libs/compose-engine/__fixtures__/module-scene.js';
import { startGitServer, type GitServer } from '../../libs/testing/start-git-server.js';
import { startComposeService, type ComposeService } from '../composes/compose-service.js';
import { odcsClientPython } from '../composes/odcs-client.js';
import path from 'node:path';

let scene: ModuleScene;
let repositories: GitServer;
let python: string;
let service: ComposeService;

beforeAll(async () => {
  python = await odcsClientPython();
  scene = await openModuleScene();
  repositories = await startGitServer(path.dirname(scene.defaults));
  scene.hub.addTag('modular');
  scene.hub.addTag('plain');
  scene.hub.tag('plain', await scene.build({ name: 'lid', arch: 'noarch' }));
  const wheel = await scene.build({ name: 'wheel', arch: 'noarch', requires: ['sluice'] });
  const sluice = await scene.build({ name: 'sluice', arch: 'noarch' });
  scene.module({ name: 'race', stream: '2', version: '1', context: 'r1', builds: [sluice], artifacts: { x86_64: ['sluice-0:1.0-1.noarch', 'sluice-0:1.0-1.src'] }, tags: ['modular'] });
  scene.module({ name: 'mill', stream: '1', version: '1', context: 'm1', requires: { race: ['2'] }, builds: [wheel], artifacts: { x86_64: ['wheel-0:1.0-1.noarch', 'wheel-0:1.0-1.src'] }, platform: ['el8.4.0', 80400], tags: ['modular'] });
  scene.module({ name: 'mill', stream: '1', version: '2', context: 'm1', scratch: true, state: 3, builds: [wheel], artifacts: { x86_64: ['wheel-0:1.0-1.noarch'] } });
  scene.commitDefaults({ 'mill.yaml': defaultsOf('mill', '1') });
  service = await startComposeService({ MILLRACE_KOJI_HUB: scene.hub.url, MILLRACE_KOJI_TOPURL: scene.hub.topUrl, MILLRACE_MBS_URL: scene.mbs.url, MILLRACE_COMPOSE_ALLOW_DESTINATIONS: '127.0.0.1/32' });
}, 600_000);
afterAll(async () => {
  await service.stop();
  await repositories[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
});

/** What the command prints at last; it waits until the compose is made, and ends with 1 when that fails. */
async function odcs(...args: readonly string[]): Promise<Record<string, unknown>> {
  const run = promisify(execFile)(python, ['-c', 'import sys; from odcs.client.cli import main; sys.argv[0] = "odcs"; main()', '--server', `${service.url}/`, '-q', ...args], { env: { ...process.env, OTEL_SDK_DISABLED: 'true' } });
  const stdout = await run.then((output) => output.stdout, (error: unknown) => (error as { stdout: string }).stdout);
  return JSON.parse(stdout.slice(stdout.indexOf('{'))) as Record<string, unknown>;
}

async function modulesIn({ result_repo: repository }: Record<string, unknown>): Promise<string> {
  const base = `${String(repository)}/x86_64/os/`;
  const repomd = await (await fetch(`${base}repodata/repomd.xml`)).text();
  const place = /href="(repodata\/[^"]*modules[^"]*)"/.exec(repomd)?.[1] ?? '';
  return gunzipSync(await (await fetch(`${base}${place}`)).arrayBuffer()).toString();
}

describe('the command line of ODCS, on a service with a module build service', () => {
  it('makes a compose of modules with what they need and their defaults, tells their builds, and makes it again after newer ones came', async () => {
    const first = await odcs('create-module', 'mill:1', '--module-defaults-url', `${repositories.url}/defaults.git`, '--module-defaults-commit', 'main');
    expect(first).toMatchObject({ state_name: 'done', source: 'mill:1:1:m1 race:2:1:r1', module_defaults_url: expect.stringMatching(/defaults\.git [0-9a-f]{40}$/) });
    const text = await modulesIn(first);
    expect([...text.matchAll(/document: (\S+)/g)].map((match) => match[1])).toEqual(['modulemd', 'modulemd', 'modulemd-defaults']);
    scene.module({ name: 'mill', stream: '1', version: '3', context: 'm1', builds: [], artifacts: { x86_64: [] } });
    const renewed = await odcs('renew', String(first['id']), '--label', 'RC-1.0');
    expect(renewed).toMatchObject({ state_name: 'done', source: first['source'] });
    expect(await modulesIn(renewed)).toBe(text);
    expect(await odcs('create-module', 'mill:1', '--flag', 'no_deps')).toMatchObject({ state_name: 'done', source: 'mill:1:3:m1' });
  }, 120_000);

  it('makes composes for a base module, of scratch builds, and of a tag with modules besides', async () => {
    expect(await odcs('create-module', 'mill:1', '--flag', 'no_deps', '--base-module-br-name', 'platform', '--base-module-br-stream', 'el8.4.0')).toMatchObject({ state_name: 'done', source: 'mill:1:1:m1' });
    expect(await odcs('create-module', 'race:2', '--scratch-module', 'mill:1:2:m1')).toMatchObject({ state_name: 'done', source: 'race:2:1:r1', scratch_modules: 'mill:1:2:m1' });
    const hybrid = await odcs('create-tag', 'plain', 'lid', '--modular-tag', 'modular');
    expect(hybrid).toMatchObject({ state_name: 'done', source: 'plain', modular_koji_tags: 'modular' });
    expect(await modulesIn(hybrid)).toMatch(/name: mill[^]*name: race/);
  }, 120_000);

  it('is told at once what no compose of modules can have', async () => {
    const answer = await fetch(`${service.url}/api/1/composes/`, { method: 'POST', body: JSON.stringify({ source: { type: 'module', source: 'mill:1 platform:el8', packages: ['wheel'] } }) });
    expect([answer.status, await answer.json()]).toEqual([400, expect.objectContaining({ message: expect.stringMatching(/platform is a base module.*; packages cannot be named with source type module/) })]);
  });

  it('fails with what there is not', async () => {
    expect(await odcs('create-module', 'dam:1')).toMatchObject({ state_name: 'failed', state_reason: expect.stringContaining('has no build of dam:1 that is ready') });
  }, 60_000);
});
