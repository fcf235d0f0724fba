import { describe, expect, it } from '@jest/globals';
import { breakingAt } from './__fixtures__/breaking-parts.js';
import { directoryOf, draftOf, engineScene, nameOf, push, randomBlob, read, reference, write } from './__fixtures__/engine-scene.js';
import type { OpenArtifactCache } from './create-artifact-cache.js';
import type { SmallBlob } from './artifact-cache.js';

const scene = engineScene();
const evictAll = { reason: 'quota', toBytes: 0, dryRun: false, by: 'spec' } as const;

async function settled(cache: OpenArtifactCache, instance: string): Promise<void> {
  for (let more = true; more; ) ({ more } = await cache.collectGarbage(instance));
}

/** All that is there can be read; what is found is whole. */
async function expectWhole(instance: string, blobs: readonly SmallBlob[], key: string): Promise<void> {
  const cache = scene.cache();
  const missing = new Set((await cache.findMissing(instance, blobs.map(({ digest }) => digest))).map(({ hash }) => hash));
  for (const { digest, content } of blobs) if (!missing.has(digest.hash)) expect((await read(cache, instance, digest)).equals(content)).toBe(true);
  if ((await cache.findEntry(nameOf(instance, key))) !== undefined) expect(missing.size).toBe(0);
  expect((await cache.verify(instance, { bytes: Infinity })).lost).toEqual([]);
}

describe('a process that is killed', () => {
  it('at any step of a write, an eviction or a collection shows nothing that is half there, and leaks nothing', async () => {
    const file = await randomBlob(20_000);
    const large = await randomBlob(300_000);
    const root = await directoryOf([file, large]);
    const blobs = [file, large, root];
    const life = async (cache: OpenArtifactCache, instance: string): Promise<void> => {
      await cache.writeBlobs(instance, [file], push);
      await write(cache, instance, large);
      await write(cache, instance, root);
      await cache.putEntry(draftOf(instance, 'a', { target: reference(root, 'directory') }), push);
      await cache.findEntry(nameOf(instance, 'a'));
      scene.pass(10_000);
      await cache.evict(instance, evictAll);
      await cache.collectGarbage(instance);
    };
    const wholeLife = breakingAt(0, false);
    const first = scene.instance();
    await life(scene.cache({ record: wholeLife('record', scene.record()), store: wholeLife('store', scene.store()) }), first);
    expect(wholeLife.calls).toEqual(expect.arrayContaining(['record.announceObject', 'store.put', 'record.commitBlobs', 'record.expandBlob', 'record.evict', 'store.remove', 'record.forgetGarbage']));
    for (let at = 1; at <= wholeLife.calls.length; at += 1) {
      const instance = scene.instance();
      const breaking = breakingAt(at, at % 2 === 0);
      const broken = scene.cache({ record: breaking('record', scene.record()), store: breaking('store', scene.store()) });
      await expect(life(broken, instance)).rejects.toThrow('killed');
      await expectWhole(instance, blobs, 'a');
      // What was announced and never committed goes after a day.
      scene.pass(2 * 86_400);
      const next = scene.cache();
      await settled(next, instance);
      await expectWhole(instance, blobs, 'a');
      const kept = await next.findMissing(instance, [file.digest, large.digest]);
      expect(scene.objects(instance)).toHaveLength(2 - kept.length);
      for (const blob of blobs) await write(next, instance, blob);
      await next.putEntry(draftOf(instance, 'a', { target: reference(root, 'directory') }), push);
      expect(await next.findEntry(nameOf(instance, 'a'))).toBeDefined();
      await settled(next, instance);
      expect(scene.objects(instance)).toHaveLength(2);
    }
    expect(scene.spooled()).toEqual([]);
  });
});

describe('eviction', () => {
  it('takes the oldest use first, nothing that is leased, and tells before what it would take', async () => {
    const instance = scene.instance({ lease: 600 });
    const cache = scene.cache();
    const blobs: SmallBlob[] = [];
    for (let each = 0; each < 5; each += 1) {
      const blob = await randomBlob(10_000);
      blobs.push(blob);
      await write(cache, instance, blob);
      scene.pass(300);
    }
    const [oldest, ...others] = blobs;
    await read(cache, instance, oldest!.digest);
    const dry = await cache.evict(instance, { ...evictAll, toBytes: 30_000, dryRun: true });
    expect(dry).toMatchObject({ blobs: 2, bytes: 20_000 });
    expect((await cache.usage(instance)).bytes).toBe(50_000);
    expect(await cache.evict(instance, { ...evictAll, toBytes: 30_000 })).toMatchObject({ blobs: 2, bytes: 20_000 });
    expect(await cache.findMissing(instance, blobs.map(({ digest }) => digest))).toEqual([others[0]!.digest, others[1]!.digest]);
    await cache.evict(instance, evictAll);
    expect(await cache.findMissing(instance, [oldest!.digest])).toEqual([]);
  });

  it('by age takes only what was not used for so long', async () => {
    const instance = scene.instance({ lease: 60, maximumAge: 1000 });
    const cache = scene.cache();
    const [old, used] = [await randomBlob(5000), await randomBlob(5000)];
    for (const blob of [old, used]) await write(cache, instance, blob);
    scene.pass(900);
    await cache.findMissing(instance, [used.digest]);
    scene.pass(200);
    expect(await cache.evict(instance, { reason: 'age', dryRun: false, by: 'spec' })).toMatchObject({ blobs: 1 });
    expect(await cache.findMissing(instance, [old.digest, used.digest])).toEqual([old.digest]);
  });

  it('never takes what a FindMissingBlobs answer has promised, whatever else goes on', async () => {
    const lease = 80;
    const instance = scene.instance({ lease });
    const cache = scene.cache();
    const blobs = await Promise.all(Array.from({ length: 60 }, (_, index) => randomBlob(index % 2 === 0 ? 100 : 6000)));
    let kept = 0;
    let evicted = 0;
    // A busy machine takes longer until enough has come together.
    const soon = performance.now() + 2500;
    const going = (): boolean => performance.now() < soon || kept <= 10 || evicted <= 10;
    async function pushing(): Promise<void> {
      while (going()) await write(cache, instance, blobs[Math.floor(Math.random() * blobs.length)]!);
    }
    async function evicting(): Promise<void> {
      while (going()) {
        evicted += (await cache.evict(instance, evictAll)).blobs;
        await cache.collectGarbage(instance);
        scene.pass(lease / 3);
      }
    }
    async function promising(): Promise<void> {
      while (going()) {
        const asked = scene.now();
        const some = blobs.filter(() => Math.random() < 0.05);
        const missing = new Set((await cache.findMissing(instance, some.map(({ digest }) => digest))).map(({ hash }) => hash));
        for (const { digest, content } of some.filter(({ digest: { hash } }) => !missing.has(hash))) {
          const body = await read(cache, instance, digest).catch((error: unknown) => error as Error);
          if (scene.now() - asked >= lease * 1000) break;
          expect(body).toEqual(content);
          kept += 1;
        }
      }
    }
    await Promise.all([pushing(), pushing(), evicting(), promising(), promising()]);
    await settled(cache, instance);
    expect((await cache.verify(instance, { bytes: Infinity })).lost).toEqual([]);
  });
});
