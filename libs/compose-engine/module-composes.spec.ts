import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { PinnedInputs, PlannedPackage } from '../compose/compose-plan.js';
import type { ComposeRequest } from '../compose/compose-request.js';
import { inputsDigest } from '../compose-record/inputs-digest.js';
import { composeRequest } from '../testing/compose-request.js';
import { defaultsOf, modulesOf, openModuleScene, type ModuleScene } from './__fixtures__/module-scene.js';
import { failureOf } from './__fixtures__/read-tree.js';
import { createSigningKey, type SigningKey } from './__fixtures__/rpm-packages.js';
import { scratchEngine, type ScratchEngine } from './__fixtures__/scratch-engine.js';

const options = { signal: new AbortController().signal };
let scene: ModuleScene;
let scratch: ScratchEngine;
let key: SigningKey;
let id = 0;

/** mill:1 needs race:2; mill:1 filters `wheel-devel` out; race is for x86_64 alone. */
beforeAll(async () => {
  scene = await openModuleScene();
  key = createSigningKey();
  const { hub } = scene;
  hub.addTag('modular-base');
  hub.addTag('modular', 'modular-base');
  hub.addTag('plain');
  const wheel = await scene.build({ name: 'wheel', requires: ['grease'], subpackages: { devel: ['wheel'] } }, { name: 'wheel', arch: 'i686' });
  const sluice = await scene.build({ name: 'sluice', arch: 'noarch' });
  for (const nvr of [await scene.build({ name: 'grease', arch: 'noarch' }), await scene.build({ name: 'sluice', arch: 'noarch', version: '9.0' }), await scene.build({ name: 'other', arch: 'noarch' })]) hub.tag('plain', nvr);
  const both = (...names: readonly string[]) => ({ x86_64: names, aarch64: names.filter((name) => /noarch|src/.test(name)) });
  scene.module({ name: 'race', stream: '2', version: '10', context: 'r1', builds: [sluice], artifacts: { x86_64: ['sluice-0:1.0-1.noarch', 'sluice-0:1.0-1.src'] }, profiles: { default: ['sluice'] }, tags: ['modular-base'] });
  scene.module({ name: 'mill', stream: 'rel-1', version: '9', context: 'm1', builds: [], artifacts: both(), tags: ['modular-base'] });
  scene.module({ name: 'mill', stream: 'rel-1', version: '10', context: 'm1', requires: { race: ['2'] }, builds: [wheel], artifacts: both('wheel-0:1.0-1.x86_64', 'wheel-0:1.0-1.i686', 'wheel-0:1.0-1.src'), profiles: { default: ['wheel'] }, tags: ['modular'] });
  scene.module({ name: 'mill-devel', stream: 'rel-1', version: '10', context: 'm1', requires: { race: ['2'], mill: ['rel-1'] }, builds: [wheel], artifacts: both('wheel-devel-0:1.0-1.x86_64'), inService: false });
  scene.commitDefaults({ 'mill.yaml': defaultsOf('mill', 'rel-1'), 'race.yaml': defaultsOf('race', '1'), 'overrides/race.yaml': defaultsOf('race', '2'), 'other.yaml': defaultsOf('other', '1'), 'README.md': 'text' });
  scratch = await scratchEngine({ change: { koji: { hub: hub.url, top: scene.top }, moduleBuildService: scene.mbs.url, composeSourcePaths: [path.dirname(scene.defaults)] } });
}, 120_000);
beforeEach(() => {
  id += 1;
  scene.mbs.instead = undefined;
  scene.hub.instead = undefined;
});
afterAll(async () => {
  key[Symbol.dispose]();
  await scratch[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
});

const modular = (change: Partial<ComposeRequest> = {}): Partial<ComposeRequest> => ({ sourceType: 'module', source: ['mill:rel-1'], ...change });
const tree = (which = id, index = 0, engine = scratch) => JSON.parse(readFileSync(engine.path(which, 'work/global/plan.json'), 'utf8')).trees[index] as Record<'packages' | 'debuginfo' | 'sources', PlannedPackage[]>;
const names = (list: readonly PlannedPackage[]): string[] => list.map(({ name, version, arch }) => `${name}-${version}.${arch}`);
const modulesYaml = (which = id, arch = 'x86_64'): string => modulesOf(scratch.path(which, `compose/Temporary/${arch}/os`));
const buildsIn = (text: string): string[] => [...text.matchAll(/name: (\S+)\n +stream: "(.+)"\n +version: (\S+)\n +context: "(.+)"\n +arch: (\S+)/g)].map((parts) => parts.slice(1).join(':'));
const pin = (change: Partial<ComposeRequest>, engine = scratch): Promise<PinnedInputs> => engine.engine.pin(composeRequest(change), options);
const generate = (inputs: PinnedInputs, engine = scratch, which = id) => engine.engine.generate({ id: which, targetDir: 'default', inputs, startedAt: '2026-11-21T10:00:00.000Z' }, options);
const log = (which = id): string => readFileSync(scratch.path(which, 'pungi-stderr.log'), 'utf8');

describe('a compose of modules', () => {
  it('has the packages that the modules name, with those they need, and their metadata', async () => {
    const inputs = await pin(modular());
    expect(inputs.request.source).toEqual(['mill:rel-1:10:m1', 'race:2:10:r1']);
    await generate(inputs);
    expect(names(tree().packages)).toEqual(['sluice-1.0.noarch', 'wheel-1.0.i686', 'wheel-1.0.x86_64']);
    expect(names(tree().sources)).toEqual(['sluice-1.0.src', 'wheel-1.0.src']);
    expect(buildsIn(modulesYaml())).toEqual(['mill:rel-1:10:m1:x86_64', 'race:2:10:r1:x86_64']);
  });

  it('without dependencies has what is named, in the very build that is named', async () => {
    await scratch.compose(id, modular({ source: ['mill:rel-1:9'], flags: ['no_deps'] }));
    expect([tree().packages, buildsIn(modulesYaml())]).toEqual([[], ['mill:rel-1:9:m1:x86_64']]);
    expect((await pin(modular({ flags: ['no_deps'] }))).request.source).toEqual(['mill:rel-1:10:m1']);
  });

  it('of a -devel module has what the module filters out, and the module', async () => {
    await scratch.compose(id, modular({ source: ['mill-devel:rel-1'] }));
    expect(names(tree().packages)).toEqual(['sluice-1.0.noarch', 'wheel-1.0.i686', 'wheel-1.0.x86_64', 'wheel-devel-1.0.x86_64']);
    expect(buildsIn(modulesYaml())).toEqual(['mill-devel:rel-1:10:m1:x86_64', 'mill:rel-1:10:m1:x86_64', 'race:2:10:r1:x86_64']);
  });

  it('has the defaults of its modules at a commit, overrides first', async () => {
    const moduleDefaults = { url: scene.defaults, commit: 'main' };
    const inputs = await pin(modular({ moduleDefaults }));
    expect(inputs.request.moduleDefaults).toEqual({ url: scene.defaults, commit: expect.stringMatching(/^[0-9a-f]{40}$/) });
    await generate(inputs);
    expect([...modulesYaml().matchAll(/module: (\S+)\n +stream: "(.+)"/g)].map((parts) => parts.slice(1).join(':'))).toEqual(['mill:rel-1', 'race:2']);
    expect(buildsIn(modulesYaml())).toHaveLength(2);
  });

  it('of several architectures has in each what is for it, and says what is missing where', async () => {
    await scratch.compose(id, modular({ arches: ['x86_64', 'aarch64'] }));
    expect([names(tree(id, 0).packages), names(tree(id, 1).packages)]).toEqual([[], ['sluice-1.0.noarch', 'wheel-1.0.i686', 'wheel-1.0.x86_64']]);
    expect(buildsIn(modulesYaml(id, 'aarch64'))).toEqual(['mill:rel-1:10:m1:aarch64']);
    expect(log()).toContain('the module race:2:10:r1 is not there for aarch64');
    expect(await failureOf(scratch.compose((id += 1), modular({ source: ['race:2'], arches: ['aarch64'] })))).toMatchObject({ code: 'unresolvable', message: 'the module race:2:10:r1 is not there for aarch64: it has x86_64' });
    await scratch.compose((id += 1), modular({ flags: ['use_only_compatible_arch', 'no_deps'] }));
    expect(names(tree().packages)).toEqual(['wheel-1.0.x86_64']);
  });

  it('of scratch builds has their packages, which Koji knows as no module', async () => {
    const nvr = await scene.build({ name: 'paddle', arch: 'noarch' });
    scene.module({ name: 'mill', stream: 'rel-1', version: '11', context: 'm1_x', scratch: true, state: 3, builds: [nvr], artifacts: { x86_64: ['paddle-0:1.0-1.noarch'] } });
    const inputs = await pin(modular({ source: [], scratchModules: ['mill:rel-1:11:m1_x'] }));
    expect(inputs.request).toMatchObject({ source: [], scratchModules: ['mill:rel-1:11:m1_x'] });
    await generate(inputs);
    expect([names(tree().packages), buildsIn(modulesYaml())]).toEqual([['paddle-1.0.noarch'], ['mill:rel-1:11:m1_x:x86_64']]);
    expect(await failureOf(pin(modular({ source: [], scratchModules: ['mill:rel-1:10:m1'] })))).toMatchObject({ code: 'unresolvable', message: expect.stringContaining('no scratch build of mill:rel-1:10:m1') });
  });

  it('that Koji has no build of comes with the metadata of the service', async () => {
    scene.module({ name: 'pond', stream: '1', version: '1', context: 'p1', inKoji: false, builds: [], artifacts: { x86_64: [] } });
    await scratch.compose(id, modular({ source: ['pond:1'] }));
    expect(buildsIn(modulesYaml())).toEqual(['pond:1:1:p1:x86_64']);
  });

  it('has signed copies where keys are asked for', async () => {
    expect(await failureOf(scratch.compose(id, modular({ sigkeys: [key.keyId] })))).toMatchObject({ code: 'unresolvable' });
    for (const nvr of ['wheel-1.0-1', 'sluice-1.0-1']) scene.hub.addSignatures(nvr, key.keyId, key.sign);
    await scratch.compose((id += 1), modular({ sigkeys: [key.keyId] }));
    expect(new Set(tree().packages.map(({ sigkey }) => sigkey))).toEqual(new Set([key.keyId]));
  });
});

describe('modular tags', () => {
  it('have the modules instead of the service: of a stream what the nearest tag has, newest first', async () => {
    const asked = scene.mbs.asked.length;
    const inputs = await pin(modular({ modularKojiTags: ['modular'] }));
    expect(inputs.request.source).toEqual(['mill:rel-1:10:m1', 'race:2:10:r1']);
    expect((await pin(modular({ source: ['mill:rel-1'], modularKojiTags: ['modular-base'] }))).request.source).toEqual(['mill:rel-1:9:m1']);
    expect((await pin(modular({ source: ['mill:rel-1:10:m1'], modularKojiTags: ['modular-base'] }))).request.source).toEqual(['mill:rel-1:10:m1', 'race:2:10:r1']);
    expect(scene.mbs.asked).toHaveLength(asked);
    expect(await failureOf(pin(modular({ source: ['dam:1'], modularKojiTags: ['modular'] })))).toMatchObject({ code: 'unresolvable', message: 'tags modular of Koji has no build of dam:1 that is ready' });
    expect(await failureOf(pin(modular({ modularKojiTags: ['nope'] })))).toMatchObject({ code: 'unresolvable', message: expect.stringContaining('no tag "nope"') });
  });

  it('add all their modules to a tag, besides the packages that are named and what these need', async () => {
    await scratch.compose(id, { sourceType: 'tag', source: ['plain'], packages: ['sluice'], modularKojiTags: ['modular'] });
    expect(names(tree().packages)).toEqual(['grease-1.0.noarch', 'sluice-1.0.noarch', 'sluice-9.0.noarch', 'wheel-1.0.i686', 'wheel-1.0.x86_64']);
    expect(buildsIn(modulesYaml())).toEqual(['mill:rel-1:10:m1:x86_64', 'race:2:10:r1:x86_64']);
    await scratch.compose((id += 1), { sourceType: 'tag', source: ['plain'], packages: ['other'], modularKojiTags: ['modular'], modules: ['race:2'] });
    expect([names(tree().packages), buildsIn(modulesYaml())]).toEqual([['other-1.0.noarch', 'sluice-1.0.noarch'], ['race:2:10:r1:x86_64']]);
    await scratch.compose((id += 1), { sourceType: 'tag', source: ['plain'], modularKojiTags: ['modular'], modules: ['mill:rel-1'], flags: ['no_deps'] });
    expect(names(tree().packages)).toEqual(['grease-1.0.noarch', 'other-1.0.noarch', 'sluice-9.0.noarch', 'wheel-1.0.i686', 'wheel-1.0.x86_64']);
    await scratch.compose((id += 1), { sourceType: 'tag', source: ['plain'] });
    expect(modulesYaml()).toBe('');
  });
});

describe('what modules are pinned to', () => {
  it('stays: newer builds and tags come to later composes only, here as on another machine', async () => {
    const request = modular({ source: ['well:1'], modularKojiTags: ['wells'], moduleDefaults: { url: scene.defaults, commit: 'main' } });
    scene.hub.addTag('wells');
    const bucket = await scene.build({ name: 'bucket', arch: 'noarch' });
    const content = scene.module({ name: 'well', stream: '1', version: '1', context: 'w1', builds: [bucket], artifacts: { x86_64: ['bucket-0:1.0-1.noarch'] }, tags: ['wells'] });
    const inputs = await pin(request);
    scene.commitDefaults({ 'well.yaml': defaultsOf('well', '2') });
    scene.module({ name: 'well', stream: '1', version: '2', context: 'w1', builds: [], artifacts: { x86_64: [] }, tags: ['wells'] });
    scene.hub.untag(content, bucket);
    await using elsewhere = await scratchEngine({ change: { koji: { hub: scene.hub.url, top: scene.hub.topUrl }, moduleBuildService: scene.mbs.url, composeSourcePaths: [path.dirname(scene.defaults)] } });
    const [here, there] = [await generate(inputs), await generate(inputs, elsewhere)];
    expect(names(tree().packages)).toEqual(['bucket-1.0.noarch']);
    expect(tree(id, 0, elsewhere).packages.map(({ sha256 }) => sha256)).toEqual(tree().packages.map(({ sha256 }) => sha256));
    expect([here.packages, modulesOf(elsewhere.path(id, 'compose/Temporary/x86_64/os'))]).toEqual([there.packages, modulesYaml()]);
    expect((await pin(request)).request.source).toEqual(['well:1:2:w1']);
  });

  it('makes equal composes of equal modules, and others of others', async () => {
    const digest = async (change: Partial<ComposeRequest>): Promise<string> => inputsDigest(1, await pin(modular(change)));
    const before = await digest({});
    expect(await digest({ source: ['race:2', 'mill:rel-1:10'] })).toBe(before);
    expect(await digest({ flags: ['no_deps'] })).not.toBe(before);
    const commit = scene.commitDefaults({ 'mill.yaml': defaultsOf('mill', 'rel-1') });
    const withDefaults = await digest({ moduleDefaults: { url: scene.defaults, commit } });
    expect(await digest({ moduleDefaults: { url: scene.defaults, commit: 'main' } })).toBe(withDefaults);
    scene.commitDefaults({ 'mill.yaml': defaultsOf('mill', 'rel-2') });
    expect(await digest({ moduleDefaults: { url: scene.defaults, commit: 'main' } })).not.toBe(withDefaults);
  });

  it('is the same however its modules are named and were tagged', async () => {
    const tagged = { sourceType: 'tag', source: ['plain'], modularKojiTags: ['modular'] } as const;
    const { modules, koji } = await pin(tagged);
    scene.hub.tag('modular', 'race-2-10.r1');
    expect(await pin(tagged)).toMatchObject({ modules, koji: { listing: koji?.listing } });
    expect(await pin({ ...tagged, modules: ['mill:rel-1'] })).toMatchObject({ modules, koji: { listing: koji?.listing } });
    expect((await pin(modular())).modules).toEqual(modules);
  });

  it('is there again in a renewal, whatever has become of the services', async () => {
    const { plan } = await scratch.compose(id, modular());
    const before = { packages: tree(), modules: modulesYaml() };
    scene.mbs.instead = (_, response) => void response.destroy();
    await generate({ request: composeRequest(modular({ pinnedPlan: plan })), sources: [], lookaside: [], kojiEvent: null }, scratch, (id += 1));
    expect({ packages: tree(), modules: modulesYaml() }).toEqual(before);
  });

  it('is not taken from another machine that has other metadata by now', async () => {
    scene.module({ name: 'loft', stream: '1', version: '1', context: 'l1', inKoji: false, builds: [], artifacts: { x86_64: [] } });
    const inputs = await pin(modular({ source: ['loft:1'] }));
    scene.module({ name: 'loft', stream: '1', version: '1', context: 'l1', inService: false, builds: [], artifacts: { x86_64: [] }, profiles: { default: ['x'] } });
    await using elsewhere = await scratchEngine({ change: { koji: { hub: scene.hub.url, top: scene.top }, moduleBuildService: scene.mbs.url } });
    expect(await failureOf(generate(inputs, elsewhere))).toMatchObject({ code: 'source-changed', message: expect.stringContaining('the modules have other packages, signatures or metadata') });
  });
});

describe('a compose of modules fails', () => {
  it('when a tag has not the packages that the metadata names', async () => {
    scene.module({ name: 'leak', stream: '1', version: '1', context: 'l1', builds: [], artifacts: { x86_64: ['drop-0:1.0-1.noarch'] } });
    expect(await failureOf(pin(modular({ source: ['leak:1'] })))).toMatchObject({ code: 'unresolvable', message: expect.stringContaining('leak:1:1:l1 names drop-0:1.0-1.noarch, which its tag module-leak-1-1-l1 has not') });
  });

  it('when its metadata is not what Koji has, is of another module, or is a trap', async () => {
    const documents = (text: string): Record<string, string> => ({ x86_64: text });
    const add = (name: string, text: string): void => {
      scene.module({ name, stream: '1', version: '1', context: 'c1', inKoji: false, builds: [], artifacts: { x86_64: [] } });
      scene.hub.addModule({ name, stream: '1', version: '1', context: 'c1' }, { content: `module-${name}-1-1-c1`, documents: documents(text) });
    };
    add('forged', 'document: modulemd\nversion: 2\ndata:\n  name: mill\n  stream: "1"\n  version: 1\n  context: c1\n');
    add('bomb', `document: modulemd\nversion: 2\ndata:\n  a: &a [x]\n  b: [*a, *a]\n`);
    expect(await failureOf(pin(modular({ source: ['forged:1'] })))).toMatchObject({ code: 'source-invalid', message: 'the metadata of forged:1:1:c1 for x86_64 is that of mill:1:1:c1 for no architecture' });
    expect(await failureOf(pin(modular({ source: ['bomb:1'] })))).toMatchObject({ code: 'source-invalid', message: expect.stringContaining('anchors and aliases are not allowed') });
    writeFileSync(path.join(scene.top, 'packages/bomb/1/1.c1/files/module/modulemd.x86_64.txt'), 'document: modulemd\n');
    expect(await failureOf(pin(modular({ source: ['bomb:1'] })))).toMatchObject({ code: 'source-changed', message: expect.stringContaining('is not the file that Koji has') });
  });

  it('when its defaults are more than anybody has', async () => {
    const text = `${defaultsOf('other', '1')}# ${'x'.repeat(1_000_000)}\n`;
    const files = Object.fromEntries(Array.from({ length: 5 }, (_, index) => [`${index}.yaml`, text]));
    const moduleDefaults = { url: scene.defaults, commit: scene.commitDefaults(files) };
    expect(await failureOf(pin(modular({ moduleDefaults })))).toMatchObject({ code: 'source-invalid', message: expect.stringContaining('have more than 4194304 bytes') });
  });

  it('when its defaults are no YAML, or are nowhere', async () => {
    const commit = scene.commitDefaults({ 'mill.yaml': 'document: modulemd-defaults\ndata: {module: *mill}\n' });
    expect(await failureOf(pin(modular({ moduleDefaults: { url: scene.defaults, commit } })))).toMatchObject({ code: 'source-invalid', message: expect.stringContaining('mill.yaml of the module defaults') });
    expect(await failureOf(pin(modular({ moduleDefaults: { url: scene.defaults, commit: 'nope' } })))).toMatchObject({ code: 'source-invalid', message: expect.stringContaining('no branch or tag "nope"') });
    expect(await failureOf(pin(modular({ moduleDefaults: { url: '/etc', commit } })))).toMatchObject({ code: 'forbidden' });
  });

  it('when the service is something else', async () => {
    scene.mbs.instead = (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>');
    expect(await failureOf(pin(modular()))).toMatchObject({ code: 'source-invalid', message: expect.stringContaining('answers something else than a module build service does') });
  });

  it('on a worker that knows no service', async () => {
    await using without = await scratchEngine({ change: { koji: { hub: scene.hub.url, top: scene.top } } });
    expect(await failureOf(pin(modular(), without))).toMatchObject({ code: 'invalid-setting', message: expect.stringContaining('this worker knows none') });
  });
});
