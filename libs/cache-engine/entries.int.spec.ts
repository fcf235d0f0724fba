import { rmSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { CacheDigest } from '../cache/cache-digest.js';
import { blobOf, directoryOf, draftOf, engineScene, nameOf, push, randomBlob, reference, treeOf, write } from './__fixtures__/engine-scene.js';
import type { SmallBlob } from './artifact-cache.js';
import type { OpenArtifactCache } from './create-artifact-cache.js';

const scene = engineScene();
const keyOf = async (cache: OpenArtifactCache, instance: string, key: string): Promise<string | undefined> => (await cache.findEntry(nameOf(instance, key)))?.key;

async function walked(cache: OpenArtifactCache, instance: string, root: CacheDigest): Promise<string[]> {
  const found: string[] = [];
  for await (const { digest } of cache.walkDirectories(instance, root)) found.push(digest.hash);
  return found;
}

/** A file, a directory of it, and a root that has both directories below it. */
async function nested(): Promise<{ readonly file: SmallBlob; readonly leaf: SmallBlob; readonly root: SmallBlob }> {
  const file = await randomBlob(10_000);
  const leaf = await directoryOf([file, await blobOf('')]);
  return { file, leaf, root: await directoryOf([], [leaf]) };
}

describe('an entry', () => {
  it('is found with all that was put, and is gone when it is removed', async () => {
    const instance = scene.instance();
    const cache = scene.cache();
    const draft = draftOf(instance, 'a', { properties: { 'content-type': 'text/plain' }, origin: { session: 's1', build: 'b1' } });
    await cache.putEntry(draft, push);
    expect(await cache.findEntry(nameOf(instance, 'a'))).toMatchObject({ ...draft, pushedBy: 'ann' });
    expect(await cache.removeEntry(nameOf(instance, 'a'), push)).toBe(true);
    expect([await keyOf(cache, instance, 'a'), await cache.removeEntry(nameOf(instance, 'a'), push)]).toEqual([undefined, false]);
  });

  it('is found only while all is there that it names, directly, through directories or in a tree', async () => {
    const { file, leaf, root } = await nested();
    const other = await randomBlob(5000);
    const tree = await treeOf([other], [[file]]);
    const needs = [reference(other), reference(root, 'directory'), reference(tree, 'tree')];
    const blobs = [file, leaf, root, other, tree];
    for (const absent of blobs) {
      const instance = scene.instance();
      const cache = scene.cache();
      await cache.putEntry(draftOf(instance, 'a', { references: needs }), push);
      for (const blob of blobs) if (blob !== absent) await write(cache, instance, blob);
      expect(await keyOf(cache, instance, 'a')).toBeUndefined();
      await write(cache, instance, absent);
      expect(await keyOf(cache, instance, 'a')).toBe('a');
    }
  });

  it('keeps all that it needs while it is used, and goes whole when it is not', async () => {
    const instance = scene.instance({ lease: 600 });
    const cache = scene.cache();
    const { file, leaf, root } = await nested();
    for (const blob of [file, leaf, root]) await write(cache, instance, blob);
    await cache.putEntry(draftOf(instance, 'a', { target: reference(root, 'directory') }), push);
    for (let round = 0; round < 4; round += 1) {
      expect(await keyOf(cache, instance, 'a')).toBe('a');
      scene.pass(500);
      await cache.evict(instance, { reason: 'quota', toBytes: 0, dryRun: false, by: 'spec' });
      await cache.collectGarbage(instance);
      expect(await cache.readBlobs(instance, [file.digest])).toEqual([file.content]);
    }
    scene.pass(2000);
    const step = await cache.evict(instance, { reason: 'quota', toBytes: 0, dryRun: false, by: 'spec' });
    expect(step).toMatchObject({ entries: 1, blobs: 3 });
    await cache.collectGarbage(instance);
    expect([await keyOf(cache, instance, 'a'), scene.objects(instance)]).toEqual([undefined, []]);
  });

  it('keeps what lies in its directories from its push on, also when nobody asks for it within the lease', async () => {
    const { file, leaf, root } = await nested();
    const instance = scene.instance({ lease: 60 });
    const cache = scene.cache();
    for (const blob of [file, leaf, root]) await write(cache, instance, blob);
    const draft = draftOf(instance, 'a', { target: reference(root, 'directory') });
    await cache.putEntry(draft, push);
    scene.pass(100);
    await cache.putEntry(draft, push);
    await cache.evict(instance, { reason: 'quota', toBytes: 0, dryRun: false, by: 'ann' });
    expect(await keyOf(cache, instance, 'a')).toBe('a');
    expect(await cache.findMissing(instance, [file.digest, leaf.digest])).toEqual([]);
  });

  it('that lost a blob behind our back is a miss, and found again when it is pushed again', async () => {
    const instance = scene.instance();
    const cache = scene.cache();
    const { file, leaf, root } = await nested();
    for (const blob of [file, leaf, root]) await write(cache, instance, blob);
    await cache.putEntry(draftOf(instance, 'a', { target: reference(root, 'directory') }), push);
    expect(await keyOf(cache, instance, 'a')).toBe('a');
    rmSync(scene.objects(instance)[0]!);
    expect(await scene.cache().readBlobs(instance, [file.digest])).toEqual([undefined]);
    expect(await keyOf(cache, instance, 'a')).toBeUndefined();
    await write(cache, instance, file);
    expect(await keyOf(cache, instance, 'a')).toBe('a');
  });

  it('is a miss once it has expired', async () => {
    const instance = scene.instance();
    const cache = scene.cache();
    await cache.putEntry(draftOf(instance, 'a', { expiresAt: new Date(scene.now() + 5000).toISOString() }), push);
    expect(await keyOf(cache, instance, 'a')).toBe('a');
    scene.pass(6);
    expect(await keyOf(cache, instance, 'a')).toBeUndefined();
  });

  it('that names a directory which is none is never found, and nothing breaks', async () => {
    const instance = scene.instance();
    const cache = scene.cache();
    const noise = await randomBlob(3000);
    await write(cache, instance, noise);
    for (const shape of ['directory', 'tree'] as const) {
      await cache.putEntry(draftOf(instance, shape, { references: [reference(noise, shape)] }), push);
      expect([await keyOf(cache, instance, shape), await keyOf(cache, instance, shape)]).toEqual([undefined, undefined]);
    }
  });

  it('of a tree that is as deep as it is long, or names the same again and again, is decided', async () => {
    const instance = scene.instance();
    const cache = scene.cache();
    let root = await directoryOf([await blobOf('a file')]);
    const all = [root, await blobOf('a file')];
    for (let depth = 0; depth < 40; depth += 1) {
      root = await directoryOf([], [root, root, root]);
      all.push(root);
    }
    await cache.writeBlobs(instance, all, push);
    await cache.putEntry(draftOf(instance, 'deep', { target: reference(root, 'directory') }), push);
    expect(await keyOf(cache, instance, 'deep')).toBe('deep');
    expect(await walked(cache, instance, root.digest)).toHaveLength(41);
  });
});

describe('directories', () => {
  it('come parents first, each once', async () => {
    const instance = scene.instance();
    const cache = scene.cache();
    const { file, leaf, root } = await nested();
    const top = await directoryOf([file], [root, leaf]);
    await cache.writeBlobs(instance, [top, root, leaf], push);
    expect(await walked(cache, instance, top.digest)).toEqual([top, root, leaf].map(({ digest }) => digest.hash));
  });

  it('that are not there, or are none, are told', async () => {
    const instance = scene.instance();
    const cache = scene.cache();
    const { leaf, root } = await nested();
    const noise = await randomBlob(3000);
    await cache.writeBlobs(instance, [root, noise], push);
    await expect(walked(cache, instance, root.digest)).rejects.toMatchObject({ code: 'blob-not-found', message: expect.stringContaining(leaf.digest.hash) });
    await expect(walked(cache, instance, noise.digest)).rejects.toMatchObject({ code: 'source-invalid' });
    await expect(walked(cache, instance, { ...noise.digest, size: 100 * 1024 * 1024 })).rejects.toMatchObject({ code: 'payload-too-large' });
  });
});
