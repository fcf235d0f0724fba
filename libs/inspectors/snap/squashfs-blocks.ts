import { Readable } from 'node:stream';
import { inflateSync, zstdDecompressSync } from 'node:zlib';
import { refusal } from '../../inspection/refusal.js';
import { decompress } from '../archives/decompress.js';
import type { RandomAccess } from './random-access.js';

/** Names of the compressors by their number in the superblock. */
export const squashfsCompressors = ['none', 'gzip', 'lzma', 'lzo', 'xz', 'lz4', 'zstd'] as const;
export type SquashfsCompressor = (typeof squashfsCompressors)[number];

/** Unpacked bytes of a metadata block. */
const metadataBlock = 8192;
const uncompressedMetadata = 0x8000;

/** A metadata block and where the next one is. */
export interface MetadataBlock {
  readonly content: Buffer;
  readonly next: number;
}

export async function readMetadataBlock(access: RandomAccess, compressor: SquashfsCompressor, offset: number): Promise<MetadataBlock> {
  const header = (await access.read(offset, 2)).readUInt16LE(0);
  const size = header & 0x7fff;
  if (size === 0 || size > metadataBlock) throw refusal('the squashfs image has a metadata block of an impossible size');
  const packed = await access.read(offset + 2, size);
  const content = (header & uncompressedMetadata) === 0 ? await unpackBlock(packed, compressor, metadataBlock) : packed;
  return { content, next: offset + 2 + size };
}

/** `length` bytes of a table that begins in the metadata block at `start`, `offset` bytes into it. */
export async function readMetadata(
  access: RandomAccess,
  compressor: SquashfsCompressor,
  place: { start: number; offset: number; length: number },
): Promise<Buffer> {
  const parts: Buffer[] = [];
  let { start, offset } = place;
  let missing = place.length;
  while (missing > 0) {
    const { content, next } = await readMetadataBlock(access, compressor, start);
    const part = content.subarray(offset, offset + missing);
    // A block that gives nothing would make this loop go on to the end of the file.
    if (part.length === 0) throw refusal('the squashfs image points outside of a metadata block');
    parts.push(part);
    missing -= part.length;
    offset = 0;
    start = next;
  }
  return Buffer.concat(parts, place.length);
}

type ReadableCompressor = Extract<SquashfsCompressor, 'gzip' | 'zstd' | 'xz' | 'lzma'>;

/** Whether images with this compressor can be read here: not lzo and lz4, which nothing at hand unpacks. */
export function isReadable(compressor: SquashfsCompressor): compressor is ReadableCompressor {
  return compressor === 'gzip' || compressor === 'zstd' || compressor === 'xz' || compressor === 'lzma';
}

/** Unpacks one block of at most `limit` bytes. Throws the reason for damaged data and for compressors that cannot be read here. */
export async function unpackBlock(packed: Buffer, compressor: SquashfsCompressor, limit: number): Promise<Buffer> {
  if (!isReadable(compressor)) throw refusal(`squashfs images with ${compressor} compression cannot be read`);
  try {
    switch (compressor) {
      case 'gzip':
        return inflateSync(packed, { maxOutputLength: limit });
      case 'zstd':
        return zstdDecompressSync(packed, { maxOutputLength: limit });
      case 'xz':
      case 'lzma':
        return await unpackLzma(packed, compressor, limit);
    }
  } catch (error) {
    throw refusal(`a ${compressor} block of the squashfs image is damaged`, error);
  }
}

async function unpackLzma(packed: Buffer, compression: 'xz' | 'lzma', limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const limits = { unpackedBytes: limit, ratio: Number.POSITIVE_INFINITY, ratioFrom: limit };
  for await (const chunk of decompress(Readable.from([packed], { objectMode: false }), { compression, packedSize: packed.length, limits })) chunks.push(chunk);
  return Buffer.concat(chunks);
}
