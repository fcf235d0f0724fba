import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { CacheDigest } from '../cache/cache-digest.js';
import { blobOf, engineScene, push, randomBlob, read, streamOf, write } from './__fixtures__/engine-scene.js';

const scene = engineScene();
const large = 300_000;

/** Fails when more is asked for. */
async function* unreadable(): AsyncGenerator<Buffer> {
  yield await Promise.reject<Buffer>(new Error('the content was read'));
}

describe('a blob', () => {
  it.each([0, 1, 4096, 4097, 128 * 1024 + 1, 1_000_000])('of %d bytes is there when it is whole, under each digest function', async (size) => {
    const instance = scene.instance();
    const cache = scene.cache();
    for (const digestFunction of ['sha256', 'blake3'] as const) {
      const blob = await randomBlob(size, digestFunction);
      expect(await cache.findMissing(instance, [blob.digest])).toEqual(size === 0 ? [] : [blob.digest]);
      await write(cache, instance, blob);
      expect(await cache.findMissing(instance, [blob.digest])).toEqual([]);
      expect((await read(cache, instance, blob.digest)).equals(blob.content)).toBe(true);
    }
    expect(scene.spooled()).toEqual([]);
  });

  it('lies in the record while it is small, and under a key of its own when it is not', async () => {
    const instance = scene.instance();
    const cache = scene.cache();
    await write(cache, instance, await randomBlob(4096));
    expect(scene.objects(instance)).toEqual([]);
    const { digest, content } = await randomBlob(4097);
    await write(cache, instance, { digest, content });
    const [file] = scene.objects(instance);
    expect(file).toMatch(new RegExp(`/${instance}/sha256/${digest.hash.slice(0, 2)}/${digest.hash}-[A-Za-z0-9_-]{12}$`));
    expect(readFileSync(file!).equals(content)).toBe(true);
  });

  it('of one instance is never seen in another, and the empty name means main', async () => {
    const [one, other] = [scene.instance(), scene.instance()];
    const cache = scene.cache({ instances: [{ ...scene.cache().instance(one), name: 'main' }, scene.cache().instance(other)] });
    expect(cache.instance('').name).toBe('main');
    const blob = await randomBlob(5000);
    await write(scene.cache(), one, blob);
    expect(await scene.cache().findMissing(other, [blob.digest])).toHaveLength(1);
    await expect(read(scene.cache(), other, blob.digest)).rejects.toMatchObject({ code: 'blob-not-found' });
    expect(() => cache.instance('nobody')).toThrow(/no cache instance "nobody"/);
  });

  it('is read in ranges', async () => {
    const instance = scene.instance();
    const cache = scene.cache();
    for (const size of [1000, 10_000, large]) {
      const { digest, content } = await randomBlob(size);
      await write(cache, instance, { digest, content });
      for (const range of [{ offset: 10 }, { limit: 17 }, { offset: size - 5, limit: 100 }, { offset: size }, { offset: 3, limit: 0 }]) {
        const end = range.limit === undefined ? size : (range.offset ?? 0) + range.limit;
        expect((await read(cache, instance, digest, range)).equals(content.subarray(range.offset ?? 0, end))).toBe(true);
      }
      await expect(cache.readBlob(instance, digest, { offset: size + 1 })).rejects.toMatchObject({ code: 'invalid-request' });
      await expect(cache.readBlob(instance, digest, { offset: -1 })).rejects.toMatchObject({ code: 'invalid-request' });
    }
  });

  it('that is there already is answered at once, without a look at the content', async () => {
    const instance = scene.instance();
    const cache = scene.cache();
    const blob = await randomBlob(large);
    await write(cache, instance, blob);
    await cache.writeBlob(instance, blob.digest, unreadable(), push);
    expect(scene.objects(instance)).toHaveLength(1);
  });

  it('that many write at once is there once, and what the others wrote is garbage', async () => {
    const instance = scene.instance();
    const cache = scene.cache();
    const blob = await randomBlob(large);
    await Promise.all(Array.from({ length: 8 }, () => write(cache, instance, blob)));
    await cache.collectGarbage(instance);
    expect(scene.objects(instance)).toHaveLength(1);
    expect((await read(cache, instance, blob.digest)).equals(blob.content)).toBe(true);
    expect(await cache.usage(instance)).toMatchObject({ blobs: 1, bytes: large });
  });
});

describe('content that is not what was promised', () => {
  const wrong: [string, (digest: CacheDigest) => CacheDigest][] = [
    ['another hash', (digest) => ({ ...digest, hash: 'ab'.repeat(32) })],
    ['a shorter one', (digest) => ({ ...digest, size: digest.size + 1 })],
    ['a longer one', (digest) => ({ ...digest, size: digest.size - 1 })],
  ];
  it.each(wrong)('is refused, and nothing of it is left: %s', async (_what, change) => {
    const instance = scene.instance();
    const cache = scene.cache();
    for (const size of [100, 5000, large]) {
      const blob = await randomBlob(size);
      const digest = change(blob.digest);
      await expect(cache.writeBlob(instance, digest, streamOf(blob.content), push)).rejects.toMatchObject({ code: 'digest-mismatch' });
      expect(await cache.findMissing(instance, [digest, blob.digest])).toHaveLength(2);
      expect(await cache.writeBlobs(instance, [{ digest, content: blob.content }], push)).toEqual([expect.objectContaining({ code: 'digest-mismatch' })]);
    }
    expect([scene.objects(instance), scene.spooled(), (await cache.usage(instance)).bytes]).toEqual([[], [], 0]);
  });

  it('is not read on once it is too long', async () => {
    const instance = scene.instance();
    let pieces = 0;
    let ended = false;
    async function* endless(): AsyncGenerator<Buffer> {
      try {
        for (;;) {
          pieces += 1;
          yield Buffer.alloc(1000);
        }
      } finally {
        ended = true;
      }
    }
    const { digest } = await randomBlob(10_000);
    await expect(scene.cache().writeBlob(instance, digest, endless(), push)).rejects.toMatchObject({ code: 'digest-mismatch' });
    expect([pieces, ended]).toEqual([11, true]);
  });

  it('and a stream that breaks off, or is cancelled, leave nothing', async () => {
    const instance = scene.instance();
    const cache = scene.cache();
    const { digest, content } = await randomBlob(1_000_000);
    async function* broken(): AsyncGenerator<Buffer> {
      yield content.subarray(0, 900_000);
      throw new Error('the connection broke');
    }
    await expect(cache.writeBlob(instance, digest, broken(), push)).rejects.toThrow('the connection broke');
    const cancelled = new AbortController();
    async function* cancelling(): AsyncGenerator<Buffer> {
      yield content.subarray(0, 900_000);
      cancelled.abort();
      yield content.subarray(900_000);
    }
    await expect(cache.writeBlob(instance, digest, cancelling(), { ...push, signal: cancelled.signal })).rejects.toThrow(/abort/i);
    expect([scene.objects(instance), scene.spooled()]).toEqual([[], []]);
  });

  it('of absurd digests is refused before anything is done', async () => {
    const instance = scene.instance({ blobBytes: 1000 });
    const cache = scene.cache();
    const { digest, content } = await randomBlob(1001);
    await expect(write(cache, instance, { digest, content })).rejects.toMatchObject({ code: 'payload-too-large' });
    for (const bad of [{ ...digest, hash: 'x' }, { ...digest, hash: digest.hash.toUpperCase() }, { ...digest, size: -1 }, { ...digest, size: 1.5 }, { ...digest, function: 'md5' as 'sha256' }]) {
      await expect(cache.findMissing(instance, [bad])).rejects.toMatchObject({ code: 'invalid-request' });
      await expect(cache.readBlob(instance, bad)).rejects.toMatchObject({ code: 'invalid-request' });
      await expect(cache.writeBlob(instance, bad, unreadable(), push)).rejects.toMatchObject({ code: 'invalid-request' });
    }
  });
});

describe('a batch', () => {
  it('of 10,000 small blobs is written and found in one step each, every one with an outcome of its own', async () => {
    const instance = scene.instance();
    const cache = scene.cache();
    const blobs = await Promise.all(Array.from({ length: 10_000 }, (_, index) => blobOf(`blob ${index} of ${instance}`)));
    const outcomes = await cache.writeBlobs(instance, blobs, push);
    expect(outcomes.every((outcome) => outcome === undefined)).toBe(true);
    expect(await cache.findMissing(instance, blobs.map(({ digest }) => digest))).toEqual([]);
    const contents = await cache.readBlobs(instance, blobs.slice(0, 1000).map(({ digest }) => digest));
    expect(contents.every((content, index) => content?.equals(blobs[index]!.content))).toBe(true);
  });

  it('has small and large, good and bad, new and old ones, and the same twice', async () => {
    const instance = scene.instance();
    const cache = scene.cache();
    const [small, big, old, absent] = await Promise.all([randomBlob(10), randomBlob(50_000), randomBlob(20_000), randomBlob(10)]);
    await write(cache, instance, old);
    const bad = { digest: small.digest, content: Buffer.from('other') };
    expect(await cache.writeBlobs(instance, [small, big, bad, old, small], push)).toEqual([undefined, undefined, expect.objectContaining({ code: 'digest-mismatch' }), undefined, undefined]);
    expect(await cache.findMissing(instance, [absent.digest, small.digest, absent.digest, big.digest])).toEqual([absent.digest]);
    const empty = await blobOf('');
    expect(await cache.readBlobs(instance, [big.digest, absent.digest, empty.digest, small.digest])).toEqual([big.content, undefined, Buffer.alloc(0), small.content]);
  });
});

describe('an object that the store has lost', () => {
  const damages: [string, (file: string) => void][] = [
    ['missing', (file) => rmSync(file)],
    ['corrupt', (file) => writeFileSync(file, readFileSync(file).fill(1, 10, 20))],
    ['corrupt', (file) => truncateSync(file, 4000)],
  ];
  it.each(damages)('is a miss from then on, recorded, and can be pushed again: %s', async (problem, damage) => {
    for (const size of [10_000, large]) {
      const instance = scene.instance();
      const cache = scene.cache();
      const blob = await randomBlob(size);
      await write(cache, instance, blob);
      damage(scene.objects(instance)[0]!);
      await expect(read(cache, instance, blob.digest)).rejects.toMatchObject({ code: 'blob-not-found' });
      expect(await cache.findMissing(instance, [blob.digest])).toHaveLength(1);
      expect((await scene.events(instance)).find(({ type }) => type === 'CacheBlobLost')?.data).toMatchObject({ problem, digest: `sha256:${blob.digest.hash}/${size}` });
      await write(cache, instance, blob);
      await cache.collectGarbage(instance);
      expect((await read(cache, instance, blob.digest)).equals(blob.content)).toBe(true);
    }
  });

  it('never gives the last of its bytes when they are not the right ones', async () => {
    const instance = scene.instance();
    const cache = scene.cache();
    const blob = await randomBlob(1_000_000);
    await write(cache, instance, blob);
    const [file] = scene.objects(instance);
    writeFileSync(file!, readFileSync(file!).fill(1, 10, 20));
    let given = 0;
    const { content } = await cache.readBlob(instance, blob.digest);
    await expect((async () => {
      for await (const chunk of content) given += chunk.length;
    })()).rejects.toMatchObject({ code: 'blob-not-found' });
    expect(given).toBeLessThan(1_000_000);
  });

  it('is found by verification, which goes on where it was', async () => {
    const instance = scene.instance();
    const cache = scene.cache();
    const blobs = await Promise.all([5000, 6000, 7000].map((size) => randomBlob(size)));
    for (const blob of blobs) await write(cache, instance, blob);
    const [first, second, third] = blobs.toSorted((one, other) => (one.digest.hash < other.digest.hash ? -1 : 1));
    const fileOf = ({ digest }: { digest: CacheDigest }): string => scene.objects(instance).find((file) => file.includes(digest.hash))!;
    rmSync(fileOf(second!));
    writeFileSync(fileOf(third!), 'x');
    const begun = await cache.verify(instance, { bytes: 1 });
    expect(begun).toMatchObject({ checked: 1, lost: [], bytes: first!.digest.size });
    const rest = await cache.verify(instance, { bytes: 1_000_000, after: begun.after! });
    expect(rest).toMatchObject({ checked: 2, after: undefined });
    expect(rest.lost).toHaveLength(2);
    expect(await cache.findMissing(instance, blobs.map(({ digest }) => digest))).toHaveLength(2);
  });
});

describe('room', () => {
  it('is refused to pushes beyond the limit, and there again when something has gone', async () => {
    const instance = scene.instance({ limit: 100_000, lease: 60 });
    const cache = scene.cache();
    await write(cache, instance, await randomBlob(90_000));
    const next = await randomBlob(20_000);
    await expect(write(cache, instance, next)).rejects.toMatchObject({ code: 'cache-full' });
    expect(await cache.writeBlobs(instance, [next, await randomBlob(100)], push)).toEqual([expect.objectContaining({ code: 'cache-full' }), undefined]);
    scene.pass(100);
    await cache.evict(instance, { reason: 'quota', toBytes: 0, dryRun: false, by: 'spec' });
    await write(cache, instance, next);
    expect(await cache.findMissing(instance, [next.digest])).toEqual([]);
  });
});
