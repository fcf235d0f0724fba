import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createStoreRecord, type StoreRecord } from '../cache-record/store-record.js';
import { query } from '../database/sql.js';
import { parseBucketUrl } from '../object-storage/bucket-location.js';
import { openDirectoryStore } from '../object-storage/directory/open-directory-store.js';
import type { ObjectStore } from '../object-storage/object-store.js';
import { openS3Store } from '../object-storage/s3/open-s3-store.js';
import { startFaultyS3, type FaultyS3 } from '../testing/start-faulty-s3.js';
import { s3Keys, startS3Server, type S3Server } from '../testing/start-s3-server.js';
import { engineScene, push, randomBlob, read, write } from './__fixtures__/engine-scene.js';
import type { OpenArtifactCache } from './create-artifact-cache.js';
import type { SmallBlob } from './artifact-cache.js';
import { guardedStore } from './guarded-store.js';
import { createStoreGuard, markerKey, type StoreGuard } from './store-guard.js';

jest.setTimeout(30_000);

const scene = engineScene();
const folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-store-guard-'));
const mount = path.join(folder, 'mounted');
const unmounted = path.join(folder, 'unmounted');
const away = expect.objectContaining({ code: 'storage-unavailable' });
const large = 700_000;
let told: (string | undefined)[] = [];
let time = 0;

interface Guarded {
  readonly instance: string;
  readonly cache: OpenArtifactCache;
  readonly guard: StoreGuard;
}

const recordOf = (...instances: readonly string[]): StoreRecord => createStoreRecord(scene.database(), { instances });

function guarded(store: ObjectStore = openDirectoryStore(mount)): Guarded {
  const instance = scene.instance();
  const guard = createStoreGuard({ store, record: recordOf(instance), onChange: (problem) => void told.push(problem), now: () => time });
  return { instance, guard, cache: scene.cache({ store: guardedStore(store, guard), guard, spool: path.join(mount, '.millrace-spool') }) };
}

/** Past the time for which an answer counts. */
const later = (): void => void (time += 5000);

function unmount(): void {
  later();
  renameSync(mount, unmounted);
  mkdirSync(mount);
}

function mountAgain(): void {
  later();
  rmSync(mount, { recursive: true });
  renameSync(unmounted, mount);
}

async function filled({ cache, instance }: Guarded): Promise<readonly SmallBlob[]> {
  const blobs = await Promise.all([large, 20_000, 10].map((size) => randomBlob(size)));
  for (const blob of blobs) await write(cache, instance, blob);
  return blobs;
}

beforeEach(async () => {
  rmSync(mount, { recursive: true, force: true });
  rmSync(unmounted, { recursive: true, force: true });
  mkdirSync(mount);
  await query(scene.database(), 'delete from cache_stores');
  await query(scene.database(), 'delete from cache_blobs');
  told = [];
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a store that is not mounted', () => {
  it('loses no blob: whoever reads hears that it is away, and reads again when it is back', async () => {
    const scenery = guarded();
    const { cache, instance } = scenery;
    const blobs = await filled(scenery);
    const [first, second, inline] = blobs.map(({ digest }) => digest);
    unmount();
    const other = scene.cache({ store: guardedStore(openDirectoryStore(mount), scenery.guard), guard: scenery.guard });
    await expect(read(other, instance, first!)).rejects.toEqual(away);
    await expect(read(other, instance, first!, { offset: 5 })).rejects.toEqual(away);
    await expect(read(other, instance, second!)).rejects.toEqual(away);
    await expect(other.readBlobs(instance, [second!])).rejects.toEqual(away);
    expect((await read(other, instance, inline!)).length).toBe(10);
    expect(await cache.findMissing(instance, [first!, second!])).toEqual([]);
    mountAgain();
    for (const { digest, content } of blobs) expect((await read(other, instance, digest)).equals(content)).toBe(true);
    later();
    await scenery.guard.demand();
    const events = await scene.events(instance);
    expect(events).toEqual([{ type: 'CacheStoreAlarm', data: { state: 'raised', problem: expect.stringContaining('neither its marker nor any blob') } }, { type: 'CacheStoreAlarm', data: { state: 'cleared', problem: expect.any(String) } }]);
    expect(told).toEqual([expect.stringContaining('neither its marker'), undefined]);
  });

  it('is not written to, neither blobs nor uploads, and takes them when it is back', async () => {
    const scenery = guarded();
    const { cache, instance } = scenery;
    await filled(scenery);
    unmount();
    const [blob, small] = [await randomBlob(large), await randomBlob(100)];
    await expect(write(cache, instance, blob)).rejects.toEqual(away);
    await expect(cache.uploads.open({ instance, name: 'upload', digest: blob.digest, offset: 0 }, push)).rejects.toEqual(away);
    expect(await cache.writeBlobs(instance, [blob, small], push)).toEqual([away, undefined]);
    expect(readdirSync(mount)).toEqual([]);
    mountAgain();
    await write(cache, instance, blob);
    expect((await read(cache, instance, blob.digest)).equals(blob.content)).toBe(true);
  });

  it('is neither evicted from nor verified nor swept, and what was to be deleted is deleted later', async () => {
    const scenery = guarded();
    const { cache, instance } = scenery;
    await filled(scenery);
    const kept = await randomBlob(large);
    scene.pass(10_000);
    await write(cache, instance, kept);
    await cache.evict(instance, { reason: 'quota', toBytes: large, dryRun: false, by: 'spec' });
    unmount();
    await expect(cache.collectGarbage(instance)).rejects.toEqual(away);
    await expect(cache.evict(instance, { reason: 'quota', toBytes: 0, dryRun: false, by: 'spec' })).rejects.toEqual(away);
    await expect(cache.verify(instance, { bytes: 10_000_000 })).rejects.toEqual(away);
    mountAgain();
    expect(await cache.collectGarbage(instance)).toEqual({ objects: 2, more: false });
    expect(await cache.verify(instance, { bytes: 10_000_000 })).toMatchObject({ checked: 1, lost: [] });
  });

  it('is taken for ours, with all that is lost, when an operator has put the marker there', async () => {
    const scenery = guarded();
    const { cache, instance, guard } = scenery;
    const [blob] = await filled(scenery);
    unmount();
    const refusal = await guard.demand().catch((error: unknown) => error as { readonly suggestion: string });
    const [, text = ''] = /with the text "([^"]+)"/.exec((refusal as { readonly suggestion: string }).suggestion) ?? [];
    writeFileSync(path.join(mount, markerKey), text);
    later();
    await expect(read(cache, instance, blob!.digest)).rejects.toMatchObject({ code: 'blob-not-found' });
    expect(await cache.findMissing(instance, [blob!.digest])).toHaveLength(1);
  });
});

describe('a store that is there', () => {
  it('has a marker, the same for all who used it first at once, and gets it again when only that is gone', async () => {
    const [one, other] = [guarded(), guarded()];
    await Promise.all([filled(one), filled(other)]);
    const marker = readFileSync(path.join(mount, markerKey), 'utf8');
    expect(marker.trim()).toBe(await recordOf().marker());
    rmSync(path.join(mount, markerKey));
    later();
    await one.guard.demand();
    expect(readFileSync(path.join(mount, markerKey), 'utf8')).toBe(marker);
    expect(told).toEqual([]);
  });

  it('and does not have an object has lost it indeed', async () => {
    const scenery = guarded();
    const { cache, instance } = scenery;
    const [blob, other] = await filled(scenery);
    const [object] = await query<{ object: string }>(scene.database(), 'select object from cache_blobs where size = $1', [large]);
    rmSync(path.join(mount, object!.object));
    await expect(read(cache, instance, blob!.digest)).rejects.toMatchObject({ code: 'blob-not-found' });
    expect(await cache.findMissing(instance, [blob!.digest, other!.digest])).toEqual([blob!.digest]);
    expect((await scene.events(instance)).map(({ type }) => type)).toEqual(['CacheBlobLost']);
  });

  it('of another cache is not used', async () => {
    const scenery = guarded();
    await filled(scenery);
    writeFileSync(path.join(mount, markerKey), 'millrace-cache another');
    later();
    await expect(write(scenery.cache, scenery.instance, await randomBlob(large))).rejects.toMatchObject({ code: 'storage-unavailable', message: expect.stringContaining('belongs to another cache') });
  });

  it('in which nothing is known to be may be mounted after its first use', async () => {
    const { guard } = guarded();
    await guard.demand();
    rmSync(path.join(mount, markerKey));
    later();
    await guard.demandNow();
    expect(existsSync(path.join(mount, markerKey))).toBe(true);
  });
});

describe('a bucket', () => {
  let server: S3Server;
  let proxy: FaultyS3;
  let bucket: ObjectStore;
  beforeAll(async () => {
    server = await startS3Server(path.join(folder, 's3'));
    server.makeBucket('farm');
    proxy = await startFaultyS3(server.endpoint);
    bucket = openS3Store(parseBucketUrl(`s3://farm/cache?endpoint=${proxy.endpoint}`), { readKeys: s3Keys, stallTime: 300 });
  });
  afterEach(() => proxy.heal());
  afterAll(async () => {
    bucket.close();
    await proxy.close();
    await server.kill();
  });

  it('that refuses, is away, is gone or was emptied loses no blob and takes none', async () => {
    const scenery = guarded(bucket);
    const { cache, instance } = scenery;
    const [blob] = await filled(scenery);
    const { digest, content } = blob!;
    const refusal = async (): Promise<void> => {
      await expect(read(cache, instance, digest)).rejects.toEqual(away);
      await expect(write(cache, instance, await randomBlob(large))).rejects.toEqual(away);
      later();
    };
    later();
    proxy.inject({ answer: 403, code: 'InvalidAccessKeyId' });
    await refusal();
    proxy.heal();
    proxy.inject({ answer: 404, code: 'NoSuchBucket' });
    await refusal();
    proxy.heal();
    proxy.inject({ answer: 500, code: 'InternalError' });
    await refusal();
    proxy.heal();
    proxy.inject({ answer: 404, code: 'NoSuchKey' }, { on: ({ method }) => method !== 'PUT' });
    await refusal();
    proxy.heal();
    expect((await read(cache, instance, digest)).equals(content)).toBe(true);
    expect((await scene.events(instance)).filter(({ type }) => type === 'CacheBlobLost')).toEqual([]);
  });
});
