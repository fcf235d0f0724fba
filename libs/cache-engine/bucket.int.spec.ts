import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { parseBucketUrl } from '../object-storage/bucket-location.js';
import type { ObjectStore } from '../object-storage/object-store.js';
import { retryingStore } from '../object-storage/retrying-store.js';
import { openS3Store } from '../object-storage/s3/open-s3-store.js';
import { startFaultyS3, type FaultyS3 } from '../testing/start-faulty-s3.js';
import { s3Keys, startS3Server, type S3Server } from '../testing/start-s3-server.js';
import { engineScene, push, randomBlob, read, write } from './__fixtures__/engine-scene.js';
import type { OpenArtifactCache } from './create-artifact-cache.js';
import type { SmallBlob } from './artifact-cache.js';

jest.setTimeout(30_000);

const scene = engineScene();
const directory = mkdtempSync(path.join(os.tmpdir(), 'millrace-cache-bucket-'));
const large = 700_000;
let server: S3Server;
let proxy: FaultyS3;
let store: ObjectStore;

beforeAll(async () => {
  server = await startS3Server(path.join(directory, 's3'));
  server.makeBucket('farm');
  proxy = await startFaultyS3(server.endpoint);
  const bucket = openS3Store(parseBucketUrl(`s3://farm/cache?endpoint=${proxy.endpoint}`), { readKeys: s3Keys, stallTime: 300 });
  store = retryingStore(bucket, { deadline: 2000, firstPause: 10, longestPause: 50, random: () => 1 });
});
afterEach(() => proxy.heal());
afterAll(async () => {
  store.close();
  await proxy.close();
  await server.kill();
  rmSync(directory, { recursive: true, force: true });
});

const opened = (): { readonly instance: string; readonly cache: OpenArtifactCache } => ({ instance: scene.instance(), cache: scene.cache({ store }) });
const objects = (instance: string): string[] =>
  readdirSync(server.directoryOf('farm'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.parentPath.includes(`/${instance}/`))
    .map((entry) => path.join(entry.parentPath, entry.name));

async function written(cache: OpenArtifactCache, instance: string, size: number): Promise<SmallBlob> {
  const blob = await randomBlob(size);
  await write(cache, instance, blob);
  return blob;
}

describe('a cache in a bucket', () => {
  it('writes, finds, reads and evicts, and asks the bucket nothing about what is there', async () => {
    const { instance, cache } = opened();
    const blobs = await Promise.all([10, 5000, large].map((size) => written(cache, instance, size)));
    expect(objects(instance)).toHaveLength(2);
    const before = proxy.requests.length;
    expect(await cache.findMissing(instance, blobs.map(({ digest }) => digest))).toEqual([]);
    expect(proxy.requests.length).toBe(before);
    for (const { digest, content } of blobs) expect((await read(scene.cache({ store }), instance, digest)).equals(content)).toBe(true);
    expect((await read(cache, instance, blobs[2]!.digest, { offset: 600_000, limit: 10 })).equals(blobs[2]!.content.subarray(600_000, 600_010))).toBe(true);
    scene.pass(10_000);
    await cache.evict(instance, { reason: 'quota', toBytes: 0, dryRun: false, by: 'spec' });
    expect(await cache.collectGarbage(instance)).toEqual({ objects: 2, more: false });
    expect(objects(instance)).toEqual([]);
  });

  it('whose answers are lost or faults for a while loses and doubles nothing', async () => {
    const { instance, cache } = opened();
    proxy.inject({ lost: true }, { on: 'PutObject', times: 1 });
    proxy.inject({ answer: 500, code: 'InternalError' }, { on: 'PutObject', times: 1 });
    proxy.inject({ answer: 503, code: 'SlowDown' }, { on: 'GetObject', times: 2 });
    const blob = await written(cache, instance, large);
    expect((await read(cache, instance, blob.digest)).equals(blob.content)).toBe(true);
    expect(objects(instance)).toHaveLength(1);
  });

  it('that is away says so, shows nothing, and leaves nothing behind', async () => {
    const { instance, cache } = opened();
    const blob = await randomBlob(large);
    const small = await randomBlob(100);
    proxy.inject({ answer: 500, code: 'InternalError' });
    await expect(write(cache, instance, blob)).rejects.toMatchObject({ code: 'storage-unavailable' });
    expect(await cache.writeBlobs(instance, [small, blob], push)).toEqual([undefined, expect.objectContaining({ code: 'storage-unavailable' })]);
    expect(await cache.findMissing(instance, [blob.digest])).toEqual([blob.digest]);
    expect(scene.spooled()).toEqual([]);
    proxy.heal();
    await write(cache, instance, blob);
    scene.pass(2 * 86_400);
    await cache.collectGarbage(instance);
    expect(objects(instance)).toHaveLength(1);
  });

  it('that refuses says so, in HTML as well, and a read of what is there is no miss', async () => {
    const { instance, cache } = opened();
    const blob = await written(cache, instance, large);
    proxy.inject({ answer: 403, code: 'AccessDenied' });
    await expect(read(cache, instance, blob.digest)).rejects.toMatchObject({ code: 'storage-refused' });
    proxy.heal();
    proxy.inject({ answer: 502, body: '<html>Bad gateway</html>', headers: { 'content-type': 'text/html' } });
    await expect(read(cache, instance, blob.digest)).rejects.toMatchObject({ code: 'storage-unavailable' });
    proxy.heal();
    expect(await cache.findMissing(instance, [blob.digest])).toEqual([]);
    expect((await read(cache, instance, blob.digest)).equals(blob.content)).toBe(true);
  });

  it('that breaks off within an object is asked for the rest; one that gives none ends the stream with an error, and is no miss', async () => {
    const { instance, cache } = opened();
    const blob = await written(cache, instance, large);
    proxy.inject({ truncated: 10_000 }, { on: 'GetObject', times: 1 });
    expect((await read(cache, instance, blob.digest)).equals(blob.content)).toBe(true);
    for (const range of [{}, { offset: 1 }]) {
      proxy.inject({ truncated: 0 }, { on: 'GetObject' });
      await expect(read(cache, instance, blob.digest, range)).rejects.toMatchObject({ code: 'storage-unavailable' });
      proxy.heal();
    }
    expect(await cache.findMissing(instance, [blob.digest])).toEqual([]);
  });

  it('that gives other bytes never gives them to a reader as a whole blob', async () => {
    const { instance, cache } = opened();
    for (const size of [20_000, large]) {
      const blob = await written(cache, instance, size);
      proxy.inject({ corrupted: 'answer' }, { on: 'GetObject' });
      await expect(read(cache, instance, blob.digest)).rejects.toThrow();
      proxy.heal();
    }
  });

  it('that loses an object behind our back gives a miss, and it can be pushed again', async () => {
    const { instance, cache } = opened();
    const blob = await written(cache, instance, large);
    rmSync(objects(instance)[0]!);
    await expect(read(cache, instance, blob.digest)).rejects.toMatchObject({ code: 'blob-not-found' });
    expect(await cache.findMissing(instance, [blob.digest])).toHaveLength(1);
    await write(cache, instance, blob);
    expect((await read(cache, instance, blob.digest)).equals(blob.content)).toBe(true);
  });

  it('that is away keeps the names of its garbage until it is back', async () => {
    const { instance, cache } = opened();
    await written(cache, instance, large);
    scene.pass(10_000);
    await cache.evict(instance, { reason: 'quota', toBytes: 0, dryRun: false, by: 'spec' });
    proxy.inject({ answer: 500, code: 'InternalError' });
    await expect(cache.collectGarbage(instance)).rejects.toMatchObject({ code: 'storage-unavailable' });
    proxy.heal();
    await cache.collectGarbage(instance);
    expect(objects(instance)).toEqual([]);
  });
});
