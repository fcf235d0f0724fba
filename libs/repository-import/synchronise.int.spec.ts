import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { generateKey, readKey } from 'openpgp';
import { sample } from '../haiku/__fixtures__/samples.js';
import { inspectHere, type PackageInspection } from '../repository-engine/package-inspection.js';
import { createSourceClient } from '../repository-source/repository-source.js';
import { sourceLimits } from '../repository-source/source-limits.js';
import { livingRepositories, sha256 } from '../repository-checks/__fixtures__/living-repositories.js';
import { startUpstream, type UpstreamServer } from './__fixtures__/upstream-server.js';
import { createExistingPlaces } from './existing-places.js';
import { existingRepositoryReaders } from './read-existing.js';
import { synchroniseRepository, type SynchroniseOptions, type SynchroniseResult } from './synchronise.js';

const living = livingRepositories();
const signal = new AbortController().signal;
const asked = { by: 'ann', dryRun: false, force: false, signal };
const pool = (name: string, version = '1.0-1'): string => `pool/main/${name[0]}/${name}/${name}_${version}_amd64.deb`;
const debs = (...names: readonly string[]): { name: string }[] => names.map((name) => ({ name }));
let server: UpstreamServer;
let number = 0;

/** An upstream that publishes, and a repository that is to follow it. */
async function pair(names: readonly string[], given: { readonly guard?: { packages: number; share: number } } = {}): Promise<{ upstream: string; mirror: string; url: string }> {
  number += 1;
  const [upstream, mirror] = [`up${number}`, `mirror${number}`];
  await living.create(upstream, 'deb', { graceSeconds: 0 });
  if (names.length > 0) await living.publishDebs(upstream, debs(...names));
  const url = `${server.url}/${upstream}`;
  await living.create(mirror, 'deb', { upstream: { url, everySeconds: null }, ...given });
  return { upstream, mirror, url };
}

async function synchronise(name: string, more: { dryRun?: boolean; force?: boolean } = {}): Promise<SynchroniseResult> {
  const result = await living.maintenance().synchronise(name, { ...asked, ...more });
  await living.settle(name);
  return result;
}

/** As a process with other limits does. */
async function synchroniseWith(name: string, { limits = {}, destinations = ['127.0.0.1'], inspection = inspectHere, ...more }: { limits?: Partial<typeof sourceLimits>; destinations?: string[]; packageBytes?: number; inspection?: PackageInspection } & Partial<SynchroniseOptions>): Promise<SynchroniseResult> {
  const allLimits = { ...sourceLimits, attempts: 2, retryDelay: 5, ...limits };
  const client = createSourceClient({ settings: living.settings(destinations), version: '1.2.3', limits: allLimits });
  const openPlace = createExistingPlaces({ client, sourcePaths: [living.directory], stores: living.parts().stores, limits: allLimits });
  const { upstream } = (await living.parts().reads.get(name)).settings;
  try {
    const parts = { ...living.parts(), inspection, openPlace, readers: existingRepositoryReaders, packageBytes: more.packageBytes ?? 1024 * 1024, workRoot: path.join(living.directory, 'work') };
    return await synchroniseRepository(parts, name, { from: { url: upstream?.url ?? '' }, mirror: true, runId: 'run', ...asked, ...more });
  } finally {
    await client.close();
  }
}

beforeAll(async () => {
  mkdirSync(path.join(living.directory, 'store'), { recursive: true });
  server = await startUpstream(path.join(living.directory, 'store'));
});
afterEach(() => {
  server.answers.clear();
  server.asked.length = 0;
});
afterAll(() => server.close());

describe('a mirror', () => {
  it('takes over what its upstream has, then only what is new, and drops what is gone', async () => {
    const { upstream, mirror } = await pair(['aa', 'bb', 'cc', 'dd', 'ee']);
    const first = await synchronise(mirror);
    expect(first).toMatchObject({ listed: 5, wanted: 5, taken: 5, removed: [], refusals: 0 });
    expect(await living.keysOf(mirror)).toEqual(await living.keysOf(upstream));
    expect(readFileSync(living.file(mirror, pool('aa'))).equals(readFileSync(living.file(upstream, pool('aa'))))).toBe(true);
    expect((await living.parts().reads.package(mirror, 'aa_1.0-1_amd64.deb')).origin).toMatchObject({ url: `${server.url}/${upstream}` });

    await living.publishDebs(upstream, debs('ff'));
    await living.change(upstream, { kind: 'remove', keys: ['bb_1.0-1_amd64.deb'] });
    server.asked.length = 0;
    const second = await synchronise(mirror);
    expect(second).toMatchObject({ listed: 5, wanted: 1, taken: 1, removed: ['bb_1.0-1_amd64.deb'] });
    expect(server.asked.filter((name) => name.endsWith('.deb'))).toEqual([`/${upstream}/${pool('ff')}`]);
    expect(await living.keysOf(mirror)).toEqual(await living.keysOf(upstream));

    expect(await synchronise(mirror)).toMatchObject({ wanted: 0, taken: 0, removed: [], changes: [] });
    expect((await living.maintenance().check(mirror, { deep: true, signal })).findings).toEqual([]);
  });

  it('says what it would do, and does nothing', async () => {
    const { mirror } = await pair(['aa', 'bb']);
    expect(await synchronise(mirror, { dryRun: true })).toMatchObject({ listed: 2, wanted: 2, taken: 0, changes: [] });
    expect(server.asked.filter((name) => name.endsWith('.deb'))).toEqual([]);
    expect(await living.keysOf(mirror)).toEqual([]);
  });

  it('is not emptied by an upstream that has lost its packages', async () => {
    const { upstream, mirror } = await pair(['aa', 'bb', 'cc'], { guard: { packages: 1, share: 0.1 } });
    await synchronise(mirror);
    await living.change(upstream, { kind: 'remove', keys: ['aa_1.0-1_amd64.deb', 'bb_1.0-1_amd64.deb'] }, { force: true });
    await expect(synchronise(mirror)).rejects.toMatchObject({ code: 'change-guarded', message: expect.stringContaining('would drop 2 of 3') });
    await living.change(upstream, { kind: 'remove', keys: ['cc_1.0-1_amd64.deb'] }, { force: true });
    await expect(synchronise(mirror)).rejects.toMatchObject({ code: 'change-guarded', message: expect.stringContaining('lists no packages at all') });
    expect(await living.keysOf(mirror)).toHaveLength(3);
    await synchronise(mirror, { force: true });
    expect(await living.keysOf(mirror)).toEqual([]);
  });

  it.each([
    ['an index that was cut off', '/binary-amd64/', (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length - 5)],
    ['an empty index', '/binary-amd64/', (): Buffer => Buffer.alloc(0)],
    ['an index of other bytes', '/binary-amd64/', (bytes: Buffer): Buffer => Buffer.from(bytes).fill(0, 20, 22)],
    ['a page in the place of its release', 'Release', (): Buffer => Buffer.from('<html>maintenance</html>')],
  ])('believes no upstream with %s', async (_what, part, change) => {
    const { upstream, mirror } = await pair(['aa', 'bb']);
    await synchronise(mirror);
    await living.publishDebs(upstream, debs('cc'));
    server.answers.set(part, (request, response) => void response.end(change(readFileSync(path.join(living.directory, 'store', request.url ?? '')))));
    await expect(synchroniseWith(mirror, {})).rejects.toMatchObject({ code: expect.stringMatching(/^source-(changed|invalid|unavailable)$/) });
    expect(await living.keysOf(mirror)).toHaveLength(2);
  });

  it('takes what is sound of an upstream that lies about a package, and drops nothing on its word', async () => {
    const { upstream, mirror } = await pair(['aa', 'bb', 'cc']);
    await synchronise(mirror);
    await living.publishDebs(upstream, debs('dd', 'ee', 'ff', 'gg'));
    await living.change(upstream, { kind: 'remove', keys: ['aa_1.0-1_amd64.deb'] });
    const dd = readFileSync(living.file(upstream, pool('dd')));
    server.answers.set('dd_1.0-1_amd64.deb', (_request, response) => void response.end(Buffer.from(dd).fill(0, 200, 210)));
    server.answers.set('ee_1.0-1_amd64.deb', (_request, response) => void response.writeHead(404).end());
    server.answers.set('ff_1.0-1_amd64.deb', (_request, response) => void response.end(Buffer.concat([dd, dd])));
    const result = await synchronise(mirror);
    expect(result).toMatchObject({ wanted: 4, taken: 1, refusals: 3, removed: [] });
    expect(result.refused.map(({ path: at, code }) => [at, code]).sort()).toEqual([[pool('dd'), 'digest-mismatch'], [pool('ee'), 'source-invalid'], [pool('ff'), 'source-changed']]);
    expect(await living.keysOf(mirror)).toEqual(['aa', 'bb', 'cc', 'gg'].map((name) => `${name}_1.0-1_amd64.deb`));
    server.answers.clear();
    expect(await synchronise(mirror)).toMatchObject({ wanted: 3, taken: 3, refusals: 0, removed: ['aa_1.0-1_amd64.deb'] });
    expect(await living.keysOf(mirror)).toEqual(await living.keysOf(upstream));
  });

  it('never takes other bytes under a name that it has published', async () => {
    const { mirror, upstream } = await pair([]);
    await living.publishDebs(mirror, [{ name: 'aa', content: 'built here\n' }]);
    await living.publishDebs(upstream, [{ name: 'aa', content: 'built there\n' }, { name: 'bb' }]);
    const result = await synchroniseWith(mirror, { mirror: false });
    await living.settle(mirror);
    expect(result).toMatchObject({ taken: 1, refused: [{ code: 'package-conflict', reason: expect.stringContaining('never overwritten') }] });
    expect(await living.keysOf(mirror)).toEqual(['aa_1.0-1_amd64.deb', 'bb_1.0-1_amd64.deb']);
  });

  it('goes on where it was broken off, and fetches nothing twice', async () => {
    const { mirror, upstream } = await pair(['aa', 'bb', 'cc', 'dd', 'ee', 'ff', 'gg', 'hh']);
    const stop = new AbortController();
    server.answers.set('hh_1.0-1_amd64.deb', (request) => {
      stop.abort(new Error('the worker was killed'));
      request.destroy();
    });
    await expect(synchroniseWith(mirror, { signal: stop.signal })).rejects.toThrow('the worker was killed');
    const got = new Set(server.asked.filter((name) => name.endsWith('.deb')));
    const kept: string[] = [];
    for await (const { key } of living.storeOf(mirror).list('.incoming/')) kept.push(key);
    expect(kept.length).toBeGreaterThan(0);
    server.answers.clear();
    server.asked.length = 0;
    expect(await synchronise(mirror)).toMatchObject({ wanted: 8, taken: 8 });
    const again = server.asked.filter((name) => name.endsWith('.deb'));
    expect(again.length).toBeLessThanOrEqual(8 - kept.length);
    expect(new Set([...got, ...again]).size).toBe(8);
    expect(await living.keysOf(mirror)).toEqual(await living.keysOf(upstream));
  });

  it('keeps what has arrived when its upstream goes away', async () => {
    const { mirror } = await pair(['aa', 'bb', 'cc', 'dd', 'ee']);
    server.answers.set('ee_1.0-1_amd64.deb', (request) => request.destroy());
    await expect(synchroniseWith(mirror, {})).rejects.toMatchObject({ code: 'source-unavailable' });
    await living.settle(mirror);
    expect(await living.keysOf(mirror)).toEqual(['aa', 'bb', 'cc', 'dd'].map((name) => `${name}_1.0-1_amd64.deb`));
  });

  it('is led nowhere else, waits for nobody, and takes no more than it may', async () => {
    const { mirror } = await pair(['aa', 'bb', 'cc']);
    server.answers.set('aa_1.0-1_amd64.deb', (_request, response) => void response.writeHead(302, { location: `http://127.0.0.2:${server.port}/x.deb` }).end());
    expect(await synchroniseWith(mirror, {})).toMatchObject({ taken: 2, refused: [{ path: pool('aa'), code: 'forbidden' }] });
    expect((await synchroniseWith(mirror, { packageBytes: 100 })).refused.map(({ code }) => code)).toContain('payload-too-large');
    const { mirror: slow } = await pair(['dd']);
    server.answers.set('dd_1.0-1_amd64.deb', (_request, response) => void response.writeHead(200).write('!<arch>'));
    await expect(synchroniseWith(slow, { limits: { progressTime: 150, attempts: 1 } })).rejects.toMatchObject({ code: 'source-unavailable', message: expect.stringContaining('nothing worth mentioning') });
    await expect(synchroniseWith(slow, { destinations: [] })).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('believes only the keys that it was given', async () => {
    const { upstream, url } = await pair(['aa']);
    const other = await generateKey({ type: 'ecc', curve: 'ed25519Legacy', userIDs: [{ name: 'another' }] });
    const made = readFileSync(path.join(living.directory, 'keys/default.asc'), 'utf8');
    const publicKey = (await readKey({ armoredKey: made })).toPublic().armor();
    await living.create(`${upstream}-believed`, 'deb', { upstream: { url, everySeconds: null, keys: [publicKey] } });
    await living.create(`${upstream}-unbelieved`, 'deb', { upstream: { url, everySeconds: null, keys: [other.publicKey] } });
    expect(await synchronise(`${upstream}-believed`)).toMatchObject({ taken: 1 });
    await expect(synchronise(`${upstream}-unbelieved`)).rejects.toMatchObject({ code: 'source-invalid' });
  });

  it('of a package that brings a mistake of its reader to light takes the others', async () => {
    const { mirror } = await pair(['aa', 'bb']);
    const inspection: PackageInspection = {
      ...inspectHere,
      inspect: (format, bytes, given) =>
        inspectHere.inspect({ ...format, inspect: (...read) => format.inspect(...read).then((found) => (found.name === 'aa' ? Promise.reject(new TypeError('undefined is no field')) : found)) }, bytes, given),
    };
    expect(await synchroniseWith(mirror, { inspection })).toMatchObject({ taken: 1, refused: [{ path: pool('aa'), code: 'package-invalid', reason: 'undefined is no field' }] });
    await living.settle(mirror);
    expect(await living.keysOf(mirror)).toEqual(['bb_1.0-1_amd64.deb']);
  });

  it('of nothing is refused', async () => {
    await living.create('alone', 'deb');
    await expect(synchronise('alone')).rejects.toMatchObject({ code: 'invalid-request', message: expect.stringContaining('is no mirror') });
  });
});

describe('an existing repository is taken over', () => {
  it('that createrepo_c made in a directory', async () => {
    const directory = mkdtempSync(path.join(living.directory, 'rpm-'));
    mkdirSync(path.join(directory, 'noarch'));
    cpSync(fileURLToPath(new URL('../rpm/__fixtures__/millrace-sample-gzip.rpm', import.meta.url)), path.join(directory, 'noarch/millrace-sample.rpm'));
    execFileSync('createrepo_c', ['--quiet', '--checksum', 'sha512', directory]);
    await living.create('rpms', 'rpm');
    const take = (): Promise<SynchroniseResult> => living.maintenance().takeOver('rpms', { url: `file://${directory}` }, asked);
    expect(await take()).toMatchObject({ listed: 1, taken: 1, refused: [] });
    await living.settle('rpms');
    const [key] = await living.keysOf('rpms');
    expect(key).toMatch(/^millrace-sample-.*\.rpm$/);
    expect((await living.maintenance().check('rpms', { deep: true, signal })).counts).toMatchObject({ 'missing-object': 0, 'wrong-digest': 0, 'missing-index-file': 0 });
  });

  it('that the tools of Haiku made, as far as its packages are there, and have an end', async () => {
    const directory = path.join(living.directory, 'store/of-haiku');
    mkdirSync(path.join(directory, 'packages'), { recursive: true });
    writeFileSync(path.join(directory, 'repo'), sample('repo'));
    writeFileSync(path.join(directory, 'repo.sha256'), sha256(sample('repo')));
    writeFileSync(path.join(directory, 'packages/foo-1.2.3-1-x86_64.hpkg'), sample('foo-1.2.3-1-x86_64.hpkg'));
    server.answers.set('/bar-', (_request, response) => {
      response.writeHead(200);
      const more = (): void => void (response.destroyed || response.write(Buffer.alloc(1024 * 1024), () => setImmediate(more)));
      more();
    });
    await living.create('haiku', 'haiku', { haiku: { name: 'Farm', identifier: 'tag:farm.example,2026:farm', baseUrl: 'https://farm.example/haiku', vendor: 'Haiku Project', summary: 'Farm', priority: 1, architecture: 'x86_64' } });
    const result = await living.maintenance().takeOver('haiku', { url: `${server.url}/of-haiku` }, asked);
    await living.settle('haiku');
    expect(result).toMatchObject({ listed: 3, taken: 1, refusals: 2 });
    expect(result.refused.map(({ path: at, code, reason }) => [at, code, reason]).sort()).toEqual([
      ['packages/bar-2.0-2-x86_64.hpkg', 'source-invalid', expect.stringContaining('has more than 52428800 bytes')],
      ['packages/baz-0.9~rc1-3-x86_64.hpkg', 'source-invalid', expect.stringContaining('does not exist')],
    ]);
    expect(await living.keysOf('haiku')).toEqual(['foo-1.2.3-1-x86_64.hpkg']);
  });

  it('where it lies, without a byte being copied', async () => {
    const { upstream } = await pair(['aa', 'bb']);
    // What another program has written there, of which the record knows nothing.
    cpSync(path.join(living.directory, 'store', upstream), path.join(living.directory, 'store/adopted'), { recursive: true });
    rmSync(living.file('adopted', '.states'), { recursive: true, force: true });
    await living.create('adopted', 'deb');
    const before = await living.storeOf('adopted').head(pool('aa'));
    const result = await living.maintenance().takeOver('adopted', { url: 'store:default/adopted' }, asked);
    const spooled: string[] = [];
    for await (const { key } of living.storeOf('adopted').list('.incoming/')) spooled.push(key);
    expect(spooled).toEqual([]);
    expect(result).toMatchObject({ listed: 2, taken: 2, refused: [] });
    await living.settle('adopted');
    expect(await living.keysOf('adopted')).toEqual(await living.keysOf(upstream));
    expect(await living.storeOf('adopted').head(pool('aa'))).toEqual(before);
    expect((await living.maintenance().check('adopted', { deep: true, signal })).findings).toEqual([]);
  });

  it('where it lies, and what is damaged there is not taken', async () => {
    const { upstream } = await pair(['aa', 'bb']);
    cpSync(path.join(living.directory, 'store', upstream), path.join(living.directory, 'store/damaged'), { recursive: true });
    const file = living.file('damaged', pool('aa'));
    const bytes = readFileSync(file);
    rmSync(file);
    writeFileSync(file, bytes.fill(0, 100, 110));
    await living.create('damaged', 'deb');
    const result = await living.maintenance().takeOver('damaged', { url: 'store:default/damaged' }, asked);
    await living.settle('damaged');
    expect(result).toMatchObject({ taken: 1, refused: [{ path: pool('aa'), code: 'digest-mismatch' }] });
    expect(await living.keysOf('damaged')).toEqual(['bb_1.0-1_amd64.deb']);
  });
});
