import { createHash } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { asStorageError } from '../../errors/system-error.js';
import { writeAll } from '../../rpm-repository/cache-files.js';
import type { ChunkText } from './index-chunk.js';

/** Which index: `main/binary-amd64/Packages`. */
export interface IndexPlace {
  readonly component: string;
  readonly architecture: string;
}

/** An index that is written. */
export interface PackagesIndex extends IndexPlace {
  readonly open: FileFacts;
  readonly packed: FileFacts & { readonly file: string };
}

export interface FileFacts {
  readonly sha256: string;
  readonly size: number;
}

/** `Packages.gz` while it is written. */
export interface PackagesFile {
  append(text: ChunkText): void;
  finish(): PackagesIndex;
  /** Closes it, whether or not it is finished. */
  close(): void;
}

/** Not empty bytes: no program takes those for gzip. */
const nothing: ChunkText = { open: Buffer.alloc(0), packed: gzipSync('') };

/** A file of its own in the directory. Errors: `storage-full`. */
export function createPackagesFile(directory: string, place: IndexPlace): PackagesFile {
  const file = path.join(directory, `Packages-${place.component}-${place.architecture}.gz`);
  const [openHash, packedHash] = [createHash('sha256'), createHash('sha256')];
  let [openSize, packedSize] = [0, 0];
  let descriptor: number | undefined = openSync(file, 'w', 0o644);

  function append({ open, packed }: ChunkText): void {
    try {
      writeAll(descriptor as number, [packed]);
    } catch (error) {
      throw asStorageError(error, directory);
    }
    openHash.update(open);
    packedHash.update(packed);
    openSize += open.length;
    packedSize += packed.length;
  }

  function close(): void {
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
  }

  return {
    append,
    finish() {
      if (packedSize === 0) append(nothing);
      close();
      return { ...place, open: { sha256: openHash.digest('hex'), size: openSize }, packed: { file, sha256: packedHash.digest('hex'), size: packedSize } };
    },
    close,
  };
}
