import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { defaultsOf, openModuleScene, type ModuleScene } from './__fixtures__/module-scene.js';
import { runDnf } from './__fixtures__/run-dnf.js';
import { scratchEngine, type ScratchEngine } from './__fixtures__/scratch-engine.js';

let scene: ModuleScene;
let scratch: ScratchEngine;
let root: string;

/** Two streams of mill, of which the second needs a stream of race; a package of the first is filtered out of it. */
beforeAll(async () => {
  scene = await openModuleScene();
  root = mkdtempSync(path.join(tmpdir(), 'millrace-module-dnf-'));
  const old = await scene.build({ name: 'wheel', arch: 'noarch', subpackages: { devel: [] } });
  const fresh = await scene.build({ name: 'wheel', arch: 'noarch', version: '2.0', requires: ['sluice'] });
  const sluice = await scene.build({ name: 'sluice', arch: 'noarch' });
  const profiles = { default: ['wheel'] };
  scene.module({ name: 'mill', stream: '1', version: '20260101000000', context: 'aaaaaaaa', builds: [old], artifacts: { x86_64: ['wheel-0:1.0-1.noarch', 'wheel-0:1.0-1.src'] }, profiles });
  scene.module({ name: 'mill', stream: '2', version: '20260202000000', context: 'bbbbbbbb', requires: { race: ['2'] }, builds: [fresh], artifacts: { x86_64: ['wheel-0:2.0-1.noarch', 'wheel-0:2.0-1.src'] }, profiles });
  scene.module({ name: 'race', stream: '2', version: '20260202000000', context: 'cccccccc', builds: [sluice], artifacts: { x86_64: ['sluice-0:1.0-1.noarch', 'sluice-0:1.0-1.src'] } });
  const commit = scene.commitDefaults({ 'mill.yaml': defaultsOf('mill', '1') });
  scratch = await scratchEngine({ change: { koji: { hub: scene.hub.url, top: scene.top }, moduleBuildService: scene.mbs.url, composeSourcePaths: [path.dirname(scene.defaults)] } });
  await scratch.compose(1, { sourceType: 'module', source: ['mill:1', 'mill:2'], moduleDefaults: { url: scene.defaults, commit }, targetDir: 'private' }, { targetDir: 'private' });
}, 120_000);
afterAll(async () => {
  rmSync(root, { recursive: true, force: true });
  await scratch[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
});

const dnf = (machine: string, ...options: readonly string[]) => runDnf(path.join(root, machine), path.join(scratch.settings.home, 'private/odcs-1/compose/Temporary/odcs-1.repo'), '--setopt=module_platform_id=platform:el8', ...options);
const installed = (machine: string): string[] => execFileSync('rpm', ['--root', path.join(root, machine, 'root'), '-qa', '--queryformat', '%{NAME}-%{VERSION}\n'], { encoding: 'utf8' }).trim().split('\n').sort();

describe('dnf, with a compose of modules', () => {
  it('lists the streams with their profiles, and the default one', async () => {
    const { status, output } = await dnf('a', 'module', 'list');
    expect({ status, output }).toMatchObject({ status: 0, output: expect.stringMatching(/^mill +1 \[d\] +default \[d\] +Sample mill *$/m) });
    expect(output).toMatch(/^mill +2 +default +Sample mill *$/m);
    expect(output).toMatch(/^race +2 +Sample race *$/m);
    expect((await dnf('a', 'module', 'info', 'mill:2')).output).toMatch(/Requires +: platform:\[el8\]\n +: race:\[2\]/);
  });

  it('installs a package of the default stream, and not what it filters out', async () => {
    expect(await dnf('a', 'install', 'wheel')).toMatchObject({ status: 0 });
    expect(installed('a')).toEqual(['wheel-1.0']);
    expect((await dnf('a', 'install', 'wheel-devel')).status).toBe(1);
  });

  it('installs another stream, and with it the stream that it needs', async () => {
    expect(await dnf('b', 'module', 'install', 'mill:2/default')).toMatchObject({ status: 0 });
    expect((await dnf('b', 'module', 'list', '--enabled')).output).toMatch(/^mill +2 \[e\][^]*^race +2 \[e\]/m);
    expect(installed('b')).toEqual(['sluice-1.0', 'wheel-2.0']);
    expect(existsSync(path.join(root, 'b/root/usr/share/millrace/sluice.txt'))).toBe(true);
  });

  it('finds everything that the packages of the modules need', async () => {
    expect(await dnf('c', 'repoclosure')).toMatchObject({ status: 0 });
  });
});
