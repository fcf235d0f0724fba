import type { ByteSource } from '../byte-source.js';
import { invalidFile } from '../invalid-haiku-file.js';
import { chunkSize, type HeapPlace } from './read-heap.js';

/** Of the format; minor versions only add attributes. */
export const formatVersion = 2;

/** What package files and repository files begin with alike. Errors: `source-invalid`. */
export async function readHeader(source: ByteSource, { magic, size }: { readonly magic: 'hpkg' | 'hpkr'; readonly size: number }): Promise<{ readonly bytes: Buffer; readonly heap: HeapPlace }> {
  if (source.size < size) throw invalidFile(`it has ${source.size} bytes only`);
  const bytes = await source.read(0, size);
  if (bytes.toString('latin1', 0, 4) !== magic) throw invalidFile(`it does not begin with ${magic}`);
  if (bytes.readUInt16BE(6) !== formatVersion) throw invalidFile(`it has version ${bytes.readUInt16BE(6)} of the format; this reads version ${formatVersion}`);
  const headerSize = bytes.readUInt16BE(4);
  const totalSize = numberAt(bytes, 8);
  if (headerSize < size) throw invalidFile(`its header has ${headerSize} bytes`);
  if (totalSize !== source.size) throw invalidFile(`it has ${source.size} bytes, and says ${totalSize}`);
  if (bytes.readUInt32BE(20) !== chunkSize) throw invalidFile(`its heap is divided into chunks of ${bytes.readUInt32BE(20)} bytes`);
  const heap = { offset: headerSize, compression: bytes.readUInt16BE(18), compressedSize: numberAt(bytes, 24), uncompressedSize: numberAt(bytes, 32) };
  if (heap.offset + heap.compressedSize !== totalSize) throw invalidFile('its heap is not as large as the file says');
  return { bytes, heap };
}

export function numberAt(bytes: Buffer, offset: number): number {
  const value = bytes.readBigUInt64BE(offset);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw invalidFile(`a size of ${value} bytes`);
  return Number(value);
}
