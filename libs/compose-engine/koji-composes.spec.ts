import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PinnedInputs, PlannedPackage } from '../compose/compose-plan.js';
import type { ComposeRequest } from '../compose/compose-request.js';
import { inputsDigest } from '../compose-record/inputs-digest.js';
import { startFakeKojiHub, type FakeKojiHub } from '../testing/fake-koji-hub.js';
import { failureOf } from './__fixtures__/read-tree.js';
import { buildPackages, createSigningKey, type SigningKey } from './__fixtures__/rpm-packages.js';
import { composeRequest } from '../testing/compose-request.js';
import { scratchEngine, type ScratchEngine } from './__fixtures__/scratch-engine.js';

const work = mkdtempSync(path.join(tmpdir(), 'millrace-koji-'));
const top = path.join(work, 'koji');
const options = { signal: new AbortController().signal };
let hub: FakeKojiHub;
let mounted: ScratchEngine;
let remote: ScratchEngine;
let key: SigningKey;

beforeAll(async () => {
  hub = await startFakeKojiHub(top);
  key = createSigningKey();
  hub.addTag('base');
  for (const tag of ['updates', 'quiet']) hub.addTag(tag, 'base');
  await build('lid', { epoch: 2, arch: 'noarch' });
  await build('kettle', { requires: ['lid >= 2:1.0', '/usr/share/millrace/spoon.txt'], subpackages: { debuginfo: [], devel: ['kettle'] } });
  await build('spoon', { arch: 'noarch' });
  await build('kettle', { version: '1.1', requires: ['lid'] });
  await build('kettle', { version: '1.2', arch: 'noarch' });
  for (const nvr of ['lid-1.0-1', 'kettle-1.0-1', 'spoon-1.0-1']) hub.tag('base', nvr);
  hub.tag('updates', 'kettle-1.1-1');
  const settings = { hub: hub.url };
  mounted = await scratchEngine({ change: { koji: { ...settings, top } } });
  remote = await scratchEngine({ change: { koji: { ...settings, top: hub.topUrl } } });
}, 60_000);
afterAll(async () => {
  key[Symbol.dispose]();
  await mounted[Symbol.asyncDispose]();
  await remote[Symbol.asyncDispose]();
  await hub[Symbol.asyncDispose]();
  rmSync(work, { recursive: true, force: true });
});

async function build(name: string, spec: Omit<Parameters<typeof buildPackages>[1][number], 'name'>): Promise<string> {
  const directory = mkdtempSync(path.join(work, 'build-'));
  buildPackages(directory, [{ name, ...spec }]);
  return hub.addBuild(...readdirSync(directory).map((file) => path.join(directory, file)));
}

const tagged = (change: Partial<ComposeRequest> = {}): Partial<ComposeRequest> => ({ sourceType: 'tag', source: ['updates'], ...change });
const tree = (scratch: ScratchEngine, id: number) => JSON.parse(readFileSync(scratch.path(id, 'work/global/plan.json'), 'utf8')).trees[0] as Record<'packages' | 'debuginfo' | 'sources', PlannedPackage[]>;
const names = (list: readonly PlannedPackage[]): string[] => list.map(({ name, version, release, arch }) => `${name}-${version}-${release}.${arch}`);
const logOf = (scratch: ScratchEngine, id: number): string => readFileSync(scratch.path(id, 'pungi-stderr.log'), 'utf8');
const keyOf = (): string => key.keyId.slice(-8).toLowerCase();
const generate = (scratch: ScratchEngine, id: number, inputs: PinnedInputs) => scratch.engine.generate({ id, targetDir: 'default', inputs, startedAt: '2026-11-21T10:00:00.000Z' }, options);
const pin = (scratch: ScratchEngine, change: Partial<ComposeRequest>): Promise<PinnedInputs> => scratch.engine.pin(composeRequest(change), options);

describe('a compose of a tag', () => {
  it('has the latest builds of the tag and of those it inherits from', async () => {
    await mounted.compose(1, tagged());
    expect(names(tree(mounted, 1).packages)).toEqual(['kettle-1.1-1.x86_64', 'lid-1.0-1.noarch', 'spoon-1.0-1.noarch']);
    expect(names(tree(mounted, 1).sources)).toEqual(['kettle-1.1-1.src', 'lid-1.0-1.src', 'spoon-1.0-1.src']);
    await mounted.compose(2, tagged({ source: ['quiet'] }));
    expect(names(tree(mounted, 2).packages)).toEqual(['kettle-1.0-1.x86_64', 'kettle-devel-1.0-1.x86_64', 'lid-1.0-1.noarch', 'spoon-1.0-1.noarch']);
    await mounted.compose(3, tagged({ flags: ['no_inheritance'] }));
    expect(names(tree(mounted, 3).packages)).toEqual(['kettle-1.1-1.x86_64']);
  });

  it('has what its packages need, files included, unless without dependencies', async () => {
    await remote.compose(4, tagged({ source: ['base'], packages: ['kettle'], flags: ['check_deps'] }));
    expect(names(tree(remote, 4).packages)).toEqual(['kettle-1.0-1.x86_64', 'lid-1.0-1.noarch', 'spoon-1.0-1.noarch']);
    expect(names(tree(remote, 4).debuginfo)).toEqual(['kettle-debuginfo-1.0-1.x86_64']);
    await remote.compose(5, tagged({ source: ['base'], packages: ['kettle'], flags: ['no_deps'] }));
    expect(names(tree(remote, 5).packages)).toEqual(['kettle-1.0-1.x86_64']);
    expect(tree(remote, 5).packages[0]?.from).toBe(`${hub.topUrl}/packages/kettle/1.0/1/x86_64/kettle-1.0-1.x86_64.rpm`);
  });

  it('is the same over the network and from the volume, and reads no file twice', async () => {
    const one = await mounted.compose(6, tagged());
    const before = hub.asked.length;
    await remote.compose(6, tagged());
    expect(hub.asked.slice(before).filter((place) => place.endsWith('.rpm'))).not.toEqual([]);
    const again = hub.asked.length;
    const other = await remote.compose(7, tagged());
    expect(hub.asked.slice(again).filter((place) => place.endsWith('.rpm'))).toEqual([]);
    expect([other.packages, other.bytes]).toEqual([one.packages, one.bytes]);
    expect(tree(remote, 7).packages.map(({ sha256 }) => sha256)).toEqual(tree(mounted, 6).packages.map(({ sha256 }) => sha256));
  });

  it('has builds on top instead of what the tag has of their packages', async () => {
    await mounted.compose(8, tagged({ builds: ['kettle-1.2-1'] }));
    expect(names(tree(mounted, 8).packages)).toEqual(['kettle-1.2-1.noarch', 'lid-1.0-1.noarch', 'spoon-1.0-1.noarch']);
    expect(names(tree(mounted, 8).sources)).toContain('kettle-1.2-1.src');
  });

  it('names packages, tags, builds and events that there are not', async () => {
    const cases: [Partial<ComposeRequest>, string][] = [
      [{ packages: ['kettle', 'napkin'] }, `no source has these packages for x86_64: napkin (looked in ${hub.url})`],
      [{ source: ['nope'] }, `the Koji hub ${hub.url} has no tag "nope" at event ${hub.lastEvent}`],
      [{ source: ['updates'], kojiEvent: 2 }, `the Koji hub ${hub.url} has no tag "updates" at event 2`],
      [{ kojiEvent: 99_999 }, `has had no event 99999 yet`],
      [{ builds: ['lid-1.0-1', 'napkin-1-1', 'fork-1-1'] }, `the Koji hub ${hub.url} does not know napkin-1-1, fork-1-1`],
    ];
    for (const [index, [change, message]] of cases.entries()) {
      expect(await failureOf(mounted.compose(20 + index, tagged(change)))).toMatchObject({ code: 'unresolvable', message: expect.stringContaining(message) });
    }
  });
});

describe('the event of a tag', () => {
  it('is pinned: the tag may change while the compose is made, and is made again', async () => {
    const event = hub.lastEvent;
    const inputs = await pin(mounted, tagged());
    expect(inputs).toMatchObject({ kojiEvent: event, sources: [], koji: { hub: hub.url, event } });
    const nvr = await build('lid', { version: '3.0', arch: 'noarch' });
    hub.tag('updates', nvr);
    hub.untag('updates', 'kettle-1.1-1');
    await generate(mounted, 30, inputs);
    expect(names(tree(mounted, 30).packages)).toEqual(['kettle-1.1-1.x86_64', 'lid-1.0-1.noarch', 'spoon-1.0-1.noarch']);
    // Elsewhere, where nothing is known of what was pinned.
    await using other = await scratchEngine({ change: { koji: { hub: hub.url, top: hub.topUrl } } });
    await generate(other, 30, inputs);
    expect(tree(other, 30).packages.map(({ sha256 }) => sha256)).toEqual(tree(mounted, 30).packages.map(({ sha256 }) => sha256));
    await mounted.compose(31, tagged({ kojiEvent: event }));
    expect(tree(mounted, 31)).toEqual(tree(mounted, 30));
    await mounted.compose(32, tagged());
    expect(names(tree(mounted, 32).packages)).toEqual(['kettle-1.0-1.x86_64', 'kettle-devel-1.0-1.x86_64', 'lid-3.0-1.noarch', 'spoon-1.0-1.noarch']);
  });

  it('does not keep equal composes apart, and what is not equal is', async () => {
    const digest = async (change: Partial<ComposeRequest>): Promise<string> => inputsDigest(1, await pin(mounted, tagged({ source: ['quiet'], ...change })));
    const before = await digest({});
    hub.addTag(`unrelated-${hub.lastEvent}`);
    expect(await digest({})).toBe(before);
    const signed = await digest({ sigkeys: [keyOf(), ''] });
    hub.addSignatures('spoon-1.0-1', '0123456789ABCDEF');
    expect(await digest({ sigkeys: [keyOf(), ''] })).toBe(signed);
    expect(await digest({ builds: ['kettle-1.2-1'] })).not.toBe(before);
    hub.tag('quiet', 'kettle-1.2-1');
    expect(await digest({})).not.toBe(before);
  });

  it('cannot bring back signatures that came later, where the list was lost', async () => {
    const inputs = await pin(mounted, tagged({ source: ['base'], sigkeys: [keyOf(), ''] }));
    const later = await build('spoon', { version: '2.0', arch: 'noarch' });
    hub.tag('base', later);
    hub.addSignatures('spoon-1.0-1', keyOf());
    await using other = await scratchEngine({ change: { koji: { hub: hub.url, top } } });
    expect(await failureOf(generate(other, 33, inputs))).toMatchObject({ code: 'source-changed', message: expect.stringContaining('has other packages or signatures than when they were pinned') });
    await generate(mounted, 33, inputs);
    hub.untag('base', later);
  });

  it('lets a deleted build go that is not kept, and a renewal keeps it', async () => {
    const nvr = await build('cup', { arch: 'noarch' });
    hub.tag('base', nvr);
    const { plan } = await mounted.compose(34, tagged({ source: ['base'], packages: ['cup'] }));
    hub.deleteBuild(nvr);
    await generate(mounted, 35, { request: composeRequest(tagged({ pinnedPlan: plan })), sources: [], lookaside: [], kojiEvent: null });
    expect(tree(mounted, 35)).toEqual(tree(mounted, 34));
    expect(await failureOf(mounted.compose(36, { sourceType: 'build', builds: [nvr] }))).toMatchObject({ code: 'unresolvable', message: `the Koji hub ${hub.url} has no complete build of cup-1.0-1 (deleted)` });
  });
});

describe('a compose of builds', () => {
  it('has all that was built, for the architectures asked for', async () => {
    const generated = await mounted.compose(40, { sourceType: 'build', builds: ['kettle-1.0-1', 'lid-1.0-1'] });
    expect(generated.packages).toBe(6);
    expect(names(tree(mounted, 40).packages)).toEqual(['kettle-1.0-1.x86_64', 'kettle-devel-1.0-1.x86_64', 'lid-1.0-1.noarch']);
    await mounted.compose(41, { sourceType: 'build', builds: ['kettle-1.0-1', 'lid-1.0-1'], arches: ['aarch64'] });
    expect(names(tree(mounted, 41).packages)).toEqual(['lid-1.0-1.noarch']);
  });
});

describe('a build on another volume', () => {
  it('is found there, with its signed copies', async () => {
    const nvr = await build('tray', { arch: 'noarch', version: '2~rc1+git^3' });
    hub.addSignatures(nvr, key.keyId, key.sign);
    hub.moveBuild(nvr, 'ARCHIVE');
    for (const [id, scratch, place] of [[45, mounted, top], [46, remote, hub.topUrl]] as const) {
      await scratch.compose(id, { sourceType: 'build', builds: [nvr], sigkeys: [keyOf()] });
      const version = scratch === remote ? '2~rc1+git%5E3' : '2~rc1+git^3';
      expect(tree(scratch, id).packages.map(({ from }) => from)).toEqual([`${place}/vol/ARCHIVE/packages/tray/${version}/1/data/signed/${keyOf()}/noarch/tray-${version}-1.noarch.rpm`]);
    }
  });
});

describe('sigkeys of Koji packages', () => {
  it('choose signed copies; what has none is named', async () => {
    const sigkeys = [keyOf()];
    const request = { sourceType: 'build', builds: ['lid-1.0-1', 'kettle-1.2-1'], sigkeys } as const;
    hub.addSignatures('lid-1.0-1', key.keyId, key.sign);
    const unsigned = await failureOf(remote.compose(50, request));
    expect(unsigned).toMatchObject({ code: 'unresolvable', message: expect.stringContaining('kettle-1.2-1.noarch.rpm (unsigned)') });
    expect(unsigned.message).not.toContain('lid');
    await remote.compose(51, { ...request, sigkeys: [keyOf(), ''] });
    expect(tree(remote, 51).packages.map(({ name, sigkey, from }) => [name, sigkey, from])).toEqual([
      ['kettle', '', `${hub.topUrl}/packages/kettle/1.2/1/noarch/kettle-1.2-1.noarch.rpm`],
      ['lid', key.keyId, `${hub.topUrl}/packages/lid/1.0/1/data/signed/${keyOf()}/noarch/lid-1.0-1.noarch.rpm`],
    ]);
    await remote.compose(52, { ...request, sigkeys: ['', keyOf()] });
    expect(tree(remote, 52).packages.map(({ sigkey }) => sigkey)).toEqual(['', '']);
  });

  it('say which signed copies Koji has not written', async () => {
    const request = { sourceType: 'build', builds: ['kettle-1.2-1'], sigkeys: [keyOf()] } as const;
    hub.addSignatures('kettle-1.2-1', key.keyId);
    expect(await failureOf(mounted.compose(53, request))).toMatchObject({ code: 'unresolvable' });
    expect(logOf(mounted, 53)).toContain(`no file that is signed with it: ${top}/packages/kettle/1.2/1/noarch/kettle-1.2-1.noarch.rpm is taken instead`);
    hub.addSignatures('kettle-1.2-1', key.keyId, key.sign);
    await mounted.compose(54, request);
    expect(tree(mounted, 54).packages.map(({ sigkey }) => sigkey)).toEqual([key.keyId]);
  });

  it('are found in packages that were signed before they were imported', async () => {
    const directory = mkdtempSync(path.join(work, 'build-'));
    buildPackages(directory, [{ name: 'saucer', arch: 'noarch' }]);
    const files = readdirSync(directory).map((file) => path.join(directory, file));
    key.sign(...files);
    const nvr = await hub.addBuild(...files);
    hub.addSignatures(nvr, key.keyId);
    await mounted.compose(55, { sourceType: 'build', builds: [nvr], sigkeys: [keyOf()] });
    expect(tree(mounted, 55).packages.map(({ sigkey }) => sigkey)).toEqual([key.keyId]);
  });
});

describe('a file of Koji', () => {
  it('that is another one, or is damaged, or is gone, is not taken', async () => {
    const nvr = await build('plate', { arch: 'noarch' });
    const place = path.join(top, 'packages/plate/1.0/1/noarch/plate-1.0-1.noarch.rpm');
    const request = { sourceType: 'build', builds: [nvr] } as const;
    const sound = readFileSync(place);
    const damaged = Buffer.from(sound);
    damaged.writeUInt8(damaged.readUInt8(damaged.length - 20) ^ 1, damaged.length - 20);
    writeFileSync(place, damaged);
    expect(await failureOf(mounted.compose(60, request))).toMatchObject({ code: 'source-changed', message: expect.stringContaining(`${place} is damaged`) });
    rmSync(place);
    expect(await failureOf(remote.compose(61, request))).toMatchObject({ code: 'source-invalid', message: expect.stringContaining(`does not exist, although the Koji hub ${hub.url} has that package`) });
    writeFileSync(place, readFileSync(path.join(top, 'packages/spoon/1.0/1/noarch/spoon-1.0-1.noarch.rpm')));
    expect(await failureOf(remote.compose(62, request))).toMatchObject({ code: 'source-invalid', message: expect.stringContaining('is not the package that the Koji hub has of that name') });
    writeFileSync(place, sound);
    await mounted.compose(63, request);
    expect(existsSync(mounted.path(63, 'compose/Temporary/x86_64/os/Packages/p/plate-1.0-1.noarch.rpm'))).toBe(true);
  });
});

it('without a hub, a pinned compose says what its worker lacks', async () => {
  const inputs = await pin(mounted, tagged());
  await using without = await scratchEngine();
  expect(await failureOf(pin(without, tagged()))).toMatchObject({ code: 'invalid-setting' });
  expect(await failureOf(generate(without, 70, inputs))).toMatchObject({ code: 'invalid-setting', message: expect.stringContaining('this worker knows no hub') });
});
