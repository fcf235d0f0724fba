import { inflateSync, zstdDecompressSync } from 'node:zlib';
import type { ByteSource } from '../byte-source.js';
import { invalidFile } from '../invalid-haiku-file.js';

/** Where a heap lies in its file, as the header says. */
export interface HeapPlace {
  /** Of the file. */
  readonly offset: number;
  /** 0 none, 1 zlib, 2 zstd. */
  readonly compression: number;
  readonly compressedSize: number;
  readonly uncompressedSize: number;
}

export interface Heap {
  readonly size: number;
  /** Bytes of the uncompressed heap. Only the chunks that have some of them are read. */
  read(offset: number, length: number): Promise<Buffer>;
}

export const chunkSize = 65_536;
/** A heap of a tebibyte has a table of 32 MiB. */
const largestHeap = 2 ** 40;

/** Heap of chunks of 64 KiB, each compressed by itself, behind them the sizes of all but the last. Errors: `source-invalid`. */
export async function openHeap(source: ByteSource, { offset, compression, compressedSize, uncompressedSize }: HeapPlace): Promise<Heap> {
  if (![0, 1, 2].includes(compression)) throw invalidFile(`its heap is compressed in an unknown way, ${compression}`);
  if (uncompressedSize > largestHeap) throw invalidFile(`its heap claims to have ${uncompressedSize} bytes`);
  if (offset + compressedSize > source.size) throw invalidFile('its heap ends beyond the file');
  if (compression === 0 && compressedSize !== uncompressedSize) throw invalidFile('its heap is not compressed, and yet of another size');
  const chunks = Math.ceil(uncompressedSize / chunkSize);
  const starts = compression === 0 || chunks === 0 ? undefined : await readStarts(source, { offset, compressedSize, chunks });

  async function readChunk(index: number): Promise<Buffer> {
    const length = Math.min(chunkSize, uncompressedSize - index * chunkSize);
    if (starts === undefined) return source.read(offset + index * chunkSize, length);
    const start = starts[index] as number;
    const stored = await source.read(offset + start, (starts[index + 1] as number) - start);
    if (stored.length === length) return stored;
    const bytes = decompress(stored, compression, length);
    if (bytes.length !== length) throw invalidFile(`chunk ${index} of its heap has ${bytes.length} bytes in the place of ${length}`);
    return bytes;
  }

  return {
    size: uncompressedSize,
    async read(from, length) {
      if (from < 0 || length < 0 || from + length > uncompressedSize) throw invalidFile(`${length} bytes at ${from} of its heap are beyond its end, ${uncompressedSize}`);
      const parts: Buffer[] = [];
      for (let index = Math.floor(from / chunkSize); index * chunkSize < from + length; index += 1) {
        const begin = index * chunkSize;
        parts.push((await readChunk(index)).subarray(Math.max(0, from - begin), Math.min(chunkSize, from + length - begin)));
      }
      return Buffer.concat(parts, length);
    },
  };
}

/** Of every chunk, and the end of the last. */
async function readStarts(source: ByteSource, { offset, compressedSize, chunks }: { readonly offset: number; readonly compressedSize: number; readonly chunks: number }): Promise<Float64Array> {
  const tableSize = (chunks - 1) * 2;
  const end = compressedSize - tableSize;
  if (end <= 0) throw invalidFile('the table of the sizes of its chunks is larger than its heap');
  const table = await source.read(offset + end, tableSize);
  const starts = new Float64Array(chunks + 1);
  for (let index = 0; index < chunks - 1; index += 1) starts[index + 1] = (starts[index] as number) + table.readUInt16BE(index * 2) + 1;
  starts[chunks] = end;
  const last = end - (starts[chunks - 1] as number);
  if (last <= 0 || last > chunkSize) throw invalidFile('the chunks of its heap are not as large as its table says');
  return starts;
}

function decompress(stored: Buffer, compression: number, length: number): Buffer {
  try {
    const options = { maxOutputLength: length };
    return compression === 1 ? inflateSync(stored, options) : zstdDecompressSync(stored, options);
  } catch (cause) {
    throw invalidFile('a chunk of its heap cannot be decompressed', cause);
  }
}
