import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { unfinishedFile } from '../object-storage/directory/unfinished-files.js';
import { engineScene, push, randomBlob, read, write } from './__fixtures__/engine-scene.js';
import type { OpenArtifactCache } from './create-artifact-cache.js';
import type { CacheDigest } from '../cache/cache-digest.js';

const scene = engineScene();
const open = (cache: OpenArtifactCache, instance: string, { name = 'one', digest, offset = 0 }: { readonly name?: string; readonly digest: CacheDigest; readonly offset?: number }) => cache.uploads.open({ instance, name, digest, offset }, push);

describe('an upload', () => {
  it.each([10, 1_000_000])('of %d bytes that broke off is taken up where it was', async (size) => {
    const instance = scene.instance();
    const cache = scene.cache();
    const { digest, content } = await randomBlob(size, 'blake3');
    const half = Math.floor(size / 2);
    const first = await open(cache, instance, { digest });
    expect(await cache.uploads.status(instance, 'one')).toEqual({ committed: 0, complete: false });
    await first.append(content.subarray(0, half));
    await first.suspend();
    expect(await cache.uploads.status(instance, 'one')).toEqual({ committed: half, complete: false });
    expect(await cache.findMissing(instance, [digest])).toHaveLength(1);
    const second = await open(cache, instance, { digest, offset: half });
    expect([second.present, second.committed]).toEqual([false, half]);
    await second.append(content.subarray(half));
    await second.finish();
    expect(await cache.uploads.status(instance, 'one')).toEqual({ committed: size, complete: true });
    expect((await read(cache, instance, digest)).equals(content)).toBe(true);
    expect(scene.spooled()).toEqual([]);
  });

  it('begins anew at 0, and nowhere else but where it ended', async () => {
    const instance = scene.instance();
    const cache = scene.cache();
    const { digest, content } = await randomBlob(500_000);
    const first = await open(cache, instance, { digest });
    await first.append(Buffer.alloc(300_000));
    await first.suspend();
    await expect(open(cache, instance, { digest, offset: 100 })).rejects.toMatchObject({ code: 'invalid-request', message: expect.stringContaining('300000') });
    await expect(open(cache, instance, { digest, offset: 5, name: 'other' })).rejects.toMatchObject({ code: 'invalid-request' });
    await expect(open(cache, instance, { digest: { ...digest, size: 600_000 }, offset: 300_000 })).rejects.toMatchObject({ code: 'invalid-request' });
    const again = await open(cache, instance, { digest });
    await again.append(content);
    await again.finish();
    expect((await read(cache, instance, digest)).equals(content)).toBe(true);
    expect(scene.spooled()).toEqual([]);
  });

  it('has one writer: a second one ends the first, with nothing of it lost or mixed', async () => {
    const instance = scene.instance();
    const cache = scene.cache();
    const { digest, content } = await randomBlob(800_000);
    const first = await open(cache, instance, { digest });
    await first.append(content.subarray(0, 400_000));
    const second = await open(cache, instance, { digest, offset: 400_000 });
    await expect(first.append(Buffer.alloc(100))).rejects.toMatchObject({ code: 'invalid-request' });
    await expect(first.finish()).rejects.toMatchObject({ code: 'invalid-request' });
    await first.suspend();
    await second.append(content.subarray(400_000));
    await second.finish();
    expect((await read(cache, instance, digest)).equals(content)).toBe(true);
  });

  it('of what is there already needs nothing to be sent', async () => {
    const instance = scene.instance();
    const cache = scene.cache();
    const blob = await randomBlob(10_000);
    await write(cache, instance, blob);
    const upload = await open(cache, instance, { digest: blob.digest });
    expect([upload.present, upload.committed]).toEqual([true, 10_000]);
    await upload.append(blob.content);
    await upload.finish();
  });

  it('of wrong bytes, of too many or too few is given up, and leaves nothing', async () => {
    const instance = scene.instance();
    const cache = scene.cache();
    const { digest, content } = await randomBlob(400_000);
    const attempts = [Buffer.alloc(400_000), Buffer.concat([content, Buffer.alloc(1)]), content.subarray(1)];
    for (const bytes of attempts) {
      const upload = await open(cache, instance, { digest });
      await expect(upload.append(bytes).then(() => upload.finish())).rejects.toMatchObject({ code: 'digest-mismatch' });
      expect(await cache.uploads.status(instance, 'one')).toEqual({ committed: 0, complete: false });
    }
    expect([scene.spooled(), scene.objects(instance)]).toEqual([[], []]);
  });

  it('that nobody takes up is given up: the oldest first when they are many or large, all after some minutes', async () => {
    const instance = scene.instance();
    const cache = scene.cache({ uploads: { suspended: 3, suspendedBytes: 1_000_000, suspendedFor: 60_000 } });
    const suspended = async (name: string, size: number): Promise<void> => {
      const { digest } = await randomBlob(size + 1);
      const upload = await open(cache, instance, { digest, name });
      await upload.append(Buffer.alloc(size));
      scene.pass(1);
      await upload.suspend();
    };
    const left = async (...names: readonly string[]): Promise<number[]> => Promise.all(names.map(async (name) => (await cache.uploads.status(instance, name)).committed));
    for (const name of ['a', 'b', 'c', 'd']) await suspended(name, 100);
    expect(await left('a', 'b', 'c', 'd')).toEqual([0, 100, 100, 100]);
    await suspended('e', 999_900);
    expect(await left('b', 'c', 'd', 'e')).toEqual([0, 0, 100, 999_900]);
    scene.pass(100);
    await suspended('f', 10);
    expect(await left('d', 'e', 'f')).toEqual([0, 0, 10]);
    await cache.close();
    expect(scene.spooled()).toEqual([]);
  });

  it('of a process that died is swept by the next one', async () => {
    const spool = path.join(scene.root(), 'another-spool');
    mkdirSync(spool);
    const own = unfinishedFile(spool);
    const pid = execFileSync(process.execPath, ['-e', 'console.log(process.pid)'], { encoding: 'utf8' }).trim();
    const dead = own.replace(`.${process.pid}.`, `.${pid}.`);
    for (const file of [own, dead]) writeFileSync(file, 'part');
    const instance = scene.instance();
    await write(scene.cache({ spool }), instance, await randomBlob(300_000));
    expect(() => execFileSync('test', ['-e', own])).not.toThrow();
    expect(() => execFileSync('test', ['-e', dead])).toThrow();
  });
});
