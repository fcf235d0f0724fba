import { createHash } from 'node:crypto';
import type { TreeHead } from './tree-head.js';

/** Hashes (32 bytes each) of a tile of height 8, or undefined when it was not seen. */
export type ReadTile = (level: number, index: number) => Promise<Buffer | undefined>;

/** `missing`: tiles that the proof needs were not seen. */
export type ProofResult = 'proved' | 'missing' | 'wrong';

class MissingTile extends Error {}

/** Whether a record is in the tree: the root is computed anew from the record and the tiles beside its path. */
export async function proveRecord(record: { readonly id: number; readonly text: string }, head: TreeHead, readTile: ReadTile): Promise<ProofResult> {
  if (record.id >= head.size) return 'missing';
  const leaf = createHash('sha256').update('\0').update(record.text).digest();
  try {
    const root = await rootThrough({ id: record.id, leaf }, { start: 0, end: head.size }, readTile);
    return root.toString('base64') === head.root ? 'proved' : 'wrong';
  } catch (error) {
    if (error instanceof MissingTile) return 'missing';
    throw error;
  }
}

interface Range {
  readonly start: number;
  /** After the last. */
  readonly end: number;
}

/** Hash of the records in the range, in which one leaf is the given one. */
async function rootThrough(record: { id: number; leaf: Buffer }, range: Range, readTile: ReadTile): Promise<Buffer> {
  if (range.end - range.start === 1) return record.leaf;
  const [left, right] = split(range);
  if (record.id < left.end) return node(await rootThrough(record, left, readTile), await rangeHash(right, readTile));
  return node(await rangeHash(left, readTile), await rootThrough(record, right, readTile));
}

async function rangeHash(range: Range, readTile: ReadTile): Promise<Buffer> {
  const size = range.end - range.start;
  const height = Math.round(Math.log2(size));
  if (2 ** height === size) return subtreeHash(range.start, height, readTile);
  const [left, right] = split(range);
  return node(await rangeHash(left, readTile), await rangeHash(right, readTile));
}

/** Hash of the complete subtree of 2^height records: in tiles of height 8 every eighth level stands, the ones between are computed. */
async function subtreeHash(start: number, height: number, readTile: ReadTile): Promise<Buffer> {
  const level = Math.floor(height / 8);
  const first = start / 256 ** level;
  const tile = await readTile(level, Math.floor(first / 256));
  const width = 2 ** (height % 8);
  const offset = (first % 256) * 32;
  if (tile === undefined || tile.length < offset + width * 32) throw new MissingTile();
  let hashes = Array.from({ length: width }, (_item, index) => tile.subarray(offset + index * 32, offset + (index + 1) * 32));
  while (hashes.length > 1) hashes = Array.from({ length: hashes.length / 2 }, (_item, index) => node(hashes[2 * index] as Buffer, hashes[2 * index + 1] as Buffer));
  return hashes[0] as Buffer;
}

/** At the largest power of two that leaves something on the right. */
function split({ start, end }: Range): [Range, Range] {
  let half = 1;
  while (half * 2 < end - start) half *= 2;
  return [
    { start, end: start + half },
    { start: start + half, end },
  ];
}

function node(left: Buffer, right: Buffer): Buffer {
  return createHash('sha256').update('\x01').update(left).update(right).digest();
}
