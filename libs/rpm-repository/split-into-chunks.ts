import { hash } from 'node:crypto';
import type { RepositoryPackage, WriteOptions } from './repository-writer.js';

/** A run of packages whose metadata is compressed together. */
export interface PackageChunk {
  readonly packages: readonly RepositoryPackage[];
  /** Digest of everything that its documents are made of. */
  readonly key: string;
}

// Another number whenever the same packages give other bytes.
const format = 'millrace-chunk-1';
const least = 16;
const most = 256;
/** One package in so many ends a chunk. */
const usual = 64;

/**
 * Splits where the packages' own digests say, so that one package more, less or changed moves no boundary but its own: all other chunks stay what they
 * were, and are not compressed again.
 */
export function splitIntoChunks({ packages, compression }: Pick<WriteOptions, 'packages' | 'compression'>): readonly PackageChunk[] {
  const chunks: PackageChunk[] = [];
  let [start, inputs] = [0, `${format} ${compression}\n`];
  for (const [index, { sha256, href, fileTime }] of packages.entries()) {
    inputs += `${sha256} ${fileTime} ${href}\0`;
    const length = index + 1 - start;
    const ends = (length >= least && Number.parseInt(sha256.slice(0, 8), 16) % usual === 0) || length === most || index === packages.length - 1;
    if (!ends) continue;
    chunks.push({ packages: packages.slice(start, index + 1), key: hash('sha256', inputs) });
    [start, inputs] = [index + 1, `${format} ${compression}\n`];
  }
  return chunks;
}
