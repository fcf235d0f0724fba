import { promisify } from 'node:util';
import { constants, createZstdCompress, createZstdDecompress, zstdCompress, zstdDecompress } from 'node:zlib';
import type { ZstdCompress, ZstdDecompress } from 'node:zlib';
import type { CacheDigest } from '../../../libs/cache/cache-digest.js';
import { digestText } from '../../../libs/cache/cache-digest.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';

/** 32 MiB: what any level but the "ultra" and "long" ones needs. The frame says how much memory its reader must take. */
const windowLog = 25;
const decompression = { params: { [constants.ZSTD_d_windowLogMax]: windowLog } };
/** What is compressed for an answer is compressed again for the next: speed before size. */
const compression = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
const compressBuffer = promisify(zstdCompress);
const decompressBuffer = promisify(zstdDecompress);

export function zstdCompressor(): ZstdCompress {
  return createZstdCompress(compression);
}

export function zstdDecompressor(): ZstdDecompress {
  return createZstdDecompress(decompression);
}

export async function compressBlob(content: Buffer): Promise<Buffer> {
  return compressBuffer(content, compression);
}

/** Errors: `digest-mismatch` when it is no zstd, or more than the digest says. */
export async function decompressBlob(content: Buffer, digest: CacheDigest): Promise<Buffer> {
  try {
    return await decompressBuffer(content, { ...decompression, maxOutputLength: Math.max(digest.size, 1) });
  } catch (cause) {
    throw new MillraceError('digest-mismatch', `${digestText(digest)}: what was sent is no zstd, or becomes more than ${digest.size} bytes`, { cause });
  }
}
