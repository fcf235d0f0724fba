import { expect, it } from '@jest/globals';
import type { CacheDigest } from '../cache/cache-digest.js';
import { Directory } from '../remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { blobOf, directoryOf } from './__fixtures__/engine-scene.js';
import type { SmallBlob } from './artifact-cache.js';
import { walkDirectories } from './walk-directories.js';

/** A directory of many bytes: a link that leads far. */
const largeDirectory = (name: string): Promise<SmallBlob> => blobOf(Buffer.from(Directory.encode(Directory.fromPartial({ symlinks: [{ name, target: 'far/'.repeat(1_500_000) }] })).finish()));

it('large directories are read a few at a time', async () => {
  const large = await Promise.all(Array.from({ length: 10 }, (_, index) => largeDirectory(String(index))));
  const root = await directoryOf([], large);
  const contents = new Map([root, ...large].map(({ digest, content }) => [digest.hash, content]));
  const read: number[] = [];
  const walk = walkDirectories(root.digest, (digests: readonly CacheDigest[]) => {
    read.push(digests.reduce((sum, { size }) => sum + size, 0));
    return Promise.resolve(digests.map(({ hash }) => contents.get(hash)));
  });
  let walked = 0;
  for await (const { content } of walk) walked += content.length;
  expect(walked).toBeGreaterThan(60_000_000);
  expect(Math.max(...read)).toBeLessThan(17_000_000);
});
