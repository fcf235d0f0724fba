import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createStoreRecord } from '../cache-record/store-record.js';
import { openDirectoryStore } from '../object-storage/directory/open-directory-store.js';
import { describeWith } from '../testing/describe-with.js';
import { engineScene, push, randomBlob, read, write } from './__fixtures__/engine-scene.js';
import { guardedStore } from './guarded-store.js';
import { createStoreGuard } from './store-guard.js';

/** A file system in memory: `mount` needs the rights of root. */
describeWith('mount', 'a disk that is really full', () => {
  const scene = engineScene();
  const disk = mkdtempSync(path.join(os.tmpdir(), 'millrace-full-disk-'));
  const filler = path.join(disk, 'filler');
  beforeAll(() => void execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]));
  afterAll(() => {
    execFileSync('umount', [disk]);
    rmSync(disk, { recursive: true });
  });

  it('gives a clear answer, shows nothing of what did not fit, and takes it when there is room again', async () => {
    const instance = scene.instance();
    const opened = openDirectoryStore(path.join(disk, 'blobs'));
    const guard = createStoreGuard({ store: opened, record: createStoreRecord(scene.database(), { instances: [instance] }) });
    const spool = path.join(disk, 'blobs/.millrace-spool');
    mkdirSync(path.join(disk, 'blobs'));
    const cache = scene.cache({ store: guardedStore(opened, guard), guard, spool });
    const [first, second, third, inline] = await Promise.all([200_000, 200_000, 200_000, 100].map((size) => randomBlob(size)));
    await write(cache, instance, first!);
    expect(() => writeFileSync(filler, Buffer.alloc(2_000_000))).toThrow('ENOSPC');
    const full = { code: 'storage-full' };
    await expect(write(cache, instance, second!)).rejects.toMatchObject(full);
    expect(await cache.writeBlobs(instance, [third!, inline!], push)).toEqual([expect.objectContaining(full), undefined]);
    await expect(write(cache, instance, await randomBlob(700_000))).rejects.toMatchObject(full);
    const upload = await cache.uploads.open({ instance, name: 'upload', digest: second!.digest, offset: 0 }, push);
    await upload.append(second!.content);
    await expect(upload.finish()).rejects.toMatchObject(full);
    expect(await cache.findMissing(instance, [first!, second!, third!, inline!].map(({ digest }) => digest))).toEqual([second!.digest, third!.digest]);
    expect((await read(cache, instance, first!.digest)).equals(first!.content)).toBe(true);
    expect((await cache.usage(instance)).bytes).toBe(200_100);
    expect(execFileSync('find', [path.join(disk, 'blobs'), '-type', 'f', '-size', '+8'], { encoding: 'utf8' }).trim().split('\n')).toHaveLength(1);
    rmSync(filler);
    for (const blob of [second!, third!]) {
      await write(cache, instance, blob);
      expect((await read(cache, instance, blob.digest)).equals(blob.content)).toBe(true);
    }
  });
});
