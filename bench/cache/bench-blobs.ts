import { createHash, hash, randomBytes } from 'node:crypto';
import type { Digest } from '../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';

/** A blob in two pieces: what all of its size share, and an end of its own. */
export interface BenchBlob {
  readonly digest: Digest;
  readonly pieces: readonly Buffer[];
}

const ownBytes = 32;

/** Makes blobs of one size, all different; hashing one costs its end only, however large it is. */
export function blobMaker(size: number): () => BenchBlob {
  const shared = randomBytes(size - ownBytes);
  const begun = createHash('sha256').update(shared);
  return () => {
    const own = randomBytes(ownBytes);
    return { digest: { hash: begun.copy().update(own).digest('hex'), sizeBytes: size }, pieces: [shared, own] };
  };
}

/** The small blob of this number, the same in every run. */
export function numberedBlob(number: number): { readonly digest: Digest; readonly data: Buffer } {
  const data = Buffer.from(`blob ${number} of the benchmark of caches`.padEnd(100, '.'));
  return { digest: { hash: hash('sha256', data, 'hex'), sizeBytes: data.length }, data };
}
