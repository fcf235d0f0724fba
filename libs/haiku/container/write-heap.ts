import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import { chunkSize } from './read-heap.js';

const compress = promisify(deflate);
/** Smaller chunks are not worth it. */
const smallest = 64;
/** Chunks compressed at once: zlib's threads are few. */
const atOnce = 8;

/** All chunks of 64 KiB, compressed by zlib where that makes them smaller, and behind them the sizes of all but the last. */
export async function writeHeap(content: Buffer): Promise<Buffer> {
  const chunks = Array.from({ length: Math.ceil(content.length / chunkSize) }, (_, index) => content.subarray(index * chunkSize, (index + 1) * chunkSize));
  const stored: Buffer[] = [];
  for (let index = 0; index < chunks.length; index += atOnce) stored.push(...(await Promise.all(chunks.slice(index, index + atOnce).map(smaller))));
  const sizes = Buffer.alloc(Math.max(0, stored.length - 1) * 2);
  for (const [index, { length }] of stored.slice(0, -1).entries()) sizes.writeUInt16BE(length - 1, index * 2);
  return Buffer.concat([...stored, sizes]);
}

async function smaller(chunk: Buffer): Promise<Buffer> {
  if (chunk.length < smallest) return chunk;
  const compressed = await compress(chunk, { level: 9 });
  return compressed.length < chunk.length ? compressed : chunk;
}
