import { createHash } from 'node:crypto';
import { blake3, createBLAKE3 } from 'hash-wasm';
import type { DigestFunction } from '../cache/cache-digest.js';

export interface BlobHash {
  update(chunk: Buffer): void;
  /** Lower-case hex; once. */
  digest(): string;
}

export async function createBlobHash(digestFunction: DigestFunction): Promise<BlobHash> {
  if (digestFunction === 'blake3') {
    const hash = await createBLAKE3();
    hash.init();
    return { update: (chunk) => void hash.update(chunk), digest: () => hash.digest('hex') };
  }
  const hash = createHash('sha256');
  return { update: (chunk) => void hash.update(chunk), digest: () => hash.digest('hex') };
}

/** Of bytes that are in memory. */
export async function hashOf(digestFunction: DigestFunction, bytes: Buffer): Promise<string> {
  return digestFunction === 'blake3' ? blake3(bytes) : createHash('sha256').update(bytes).digest('hex');
}
