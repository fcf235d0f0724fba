import { limitExceeded, refusal } from '../../inspection/refusal.js';
import type { RandomAccess } from './random-access.js';
import { readMetadata, readMetadataBlock, squashfsCompressors, unpackBlock, type SquashfsCompressor } from './squashfs-blocks.js';

/** The superblock of a squashfs 4.0 image (Linux, Documentation/filesystems/squashfs.rst): offsets in bytes from the image's start. */
export interface Superblock {
  readonly compressor: SquashfsCompressor;
  readonly blockSize: number;
  readonly fragments: number;
  readonly rootInode: bigint;
  readonly inodeTable: number;
  readonly directoryTable: number;
  readonly fragmentTable: number;
}

const magic = 0x73717368;
const superblockSize = 96;
const maxDirectory = 1024 * 1024;
const noFragment = 0xffffffff;

/** By the first bytes of a file. */
export function isSquashfs(head: Buffer): boolean {
  return head.length >= 4 && head.readUInt32LE(0) === magic;
}

/** Throws the reason for what is no squashfs 4.0 image, or is cut short. */
export async function readSuperblock(access: RandomAccess): Promise<Superblock> {
  if (access.size < superblockSize) throw refusal('the file is no squashfs image');
  const block = await access.read(0, superblockSize);
  if (!isSquashfs(block)) throw refusal('the file is no squashfs image');
  if (block.readUInt16LE(28) !== 4 || block.readUInt16LE(30) !== 0) throw refusal('the squashfs image is not of version 4.0');
  const compressor = squashfsCompressors[block.readUInt16LE(20)];
  const blockSize = block.readUInt32LE(12);
  const log = block.readUInt16LE(22);
  if (compressor === undefined || compressor === 'none') throw refusal('the squashfs image has an unknown compressor');
  if (log < 12 || log > 20 || blockSize !== 2 ** log) throw refusal('the squashfs image has an impossible block size');
  if (block.readBigUInt64LE(40) > BigInt(access.size)) throw refusal('the squashfs image is truncated');
  return {
    compressor,
    blockSize,
    fragments: block.readUInt32LE(16),
    rootInode: block.readBigUInt64LE(32),
    inodeTable: Number(block.readBigUInt64LE(64)),
    directoryTable: Number(block.readBigUInt64LE(72)),
    fragmentTable: Number(block.readBigUInt64LE(80)),
  };
}

/** A file of at most `limit` bytes by its path from the root, of plain directories only. Throws the reason when it is not there. */
export async function readSquashfsFile(
  access: RandomAccess,
  superblock: Superblock,
  { path, limit }: { path: readonly string[]; limit: number },
): Promise<Buffer> {
  let inode = await readInode(access, superblock, superblock.rootInode);
  for (const name of path) {
    if (inode.kind !== 'directory') throw refusal(`the squashfs image has no ${path.join('/')}`);
    const reference = await findEntry(access, superblock, { directory: inode, name });
    if (reference === undefined) throw refusal(`the squashfs image has no ${path.join('/')}`);
    inode = await readInode(access, superblock, reference);
  }
  if (inode.kind !== 'file') throw refusal(`${path.join('/')} of the squashfs image is no file`);
  if (inode.size > limit) throw limitExceeded(`${path.join('/')} of the squashfs image is larger than ${limit} bytes`);
  return readContent(access, superblock, inode);
}

interface DirectoryInode {
  readonly kind: 'directory';
  readonly start: number;
  readonly offset: number;
  readonly size: number;
}

interface FileInode {
  readonly kind: 'file';
  readonly start: number;
  readonly size: number;
  readonly fragment: number;
  readonly fragmentOffset: number;
  /** Where the sizes of its blocks are: in the inode table, this many bytes after the inode. */
  readonly sizesAt: InodePlace;
}

interface InodePlace {
  readonly start: number;
  readonly offset: number;
}

async function readInode(
  access: RandomAccess,
  { compressor, inodeTable }: Superblock,
  reference: bigint,
): Promise<DirectoryInode | FileInode | { kind: 'other' }> {
  const place = { start: inodeTable + Number(reference >> 16n), offset: Number(reference & 0xffffn) };
  const readAt = (length: number): Promise<Buffer> => readMetadata(access, compressor, { ...place, length });
  const type = (await readAt(16)).readUInt16LE(0);
  switch (type) {
    case 1: {
      const inode = await readAt(32);
      return { kind: 'directory', start: inode.readUInt32LE(16), size: inode.readUInt16LE(24), offset: inode.readUInt16LE(26) };
    }
    case 8: {
      const inode = await readAt(40);
      return { kind: 'directory', size: inode.readUInt32LE(20), start: inode.readUInt32LE(24), offset: inode.readUInt16LE(34) };
    }
    case 2: {
      const inode = await readAt(32);
      const sizesAt = { start: place.start, offset: place.offset + 32 };
      return {
        kind: 'file',
        start: inode.readUInt32LE(16),
        fragment: inode.readUInt32LE(20),
        fragmentOffset: inode.readUInt32LE(24),
        size: inode.readUInt32LE(28),
        sizesAt,
      };
    }
    case 9: {
      const inode = await readAt(56);
      const sizesAt = { start: place.start, offset: place.offset + 56 };
      const [start, size] = [Number(inode.readBigUInt64LE(16)), Number(inode.readBigUInt64LE(24))];
      return { kind: 'file', start, size, fragment: inode.readUInt32LE(44), fragmentOffset: inode.readUInt32LE(48), sizesAt };
    }
    default:
      return { kind: 'other' };
  }
}

/** Reference to the inode of an entry; undefined when the directory does not have it. */
async function findEntry(
  access: RandomAccess,
  superblock: Superblock,
  { directory, name }: { directory: DirectoryInode; name: string },
): Promise<bigint | undefined> {
  if (directory.size > maxDirectory) throw limitExceeded('a directory of the squashfs image is too large');
  // The size counts three bytes for "." and "..", which are not stored.
  const length = Math.max(0, directory.size - 3);
  const listing = await readMetadata(access, superblock.compressor, { start: superblock.directoryTable + directory.start, offset: directory.offset, length });
  let offset = 0;
  while (offset + 12 <= length) {
    const count = listing.readUInt32LE(offset) + 1;
    const start = BigInt(listing.readUInt32LE(offset + 4));
    offset += 12;
    if (count > 256) throw refusal('a directory of the squashfs image is damaged');
    for (let index = 0; index < count; index += 1) {
      if (offset + 8 > length) throw refusal('a directory of the squashfs image is damaged');
      const nameEnd = offset + 8 + listing.readUInt16LE(offset + 6) + 1;
      if (nameEnd > length) throw refusal('a directory of the squashfs image is damaged');
      if (listing.toString('latin1', offset + 8, nameEnd) === name) return (start << 16n) | BigInt(listing.readUInt16LE(offset));
      offset = nameEnd;
    }
  }
  return undefined;
}

async function readContent(access: RandomAccess, superblock: Superblock, inode: FileInode): Promise<Buffer> {
  const { blockSize, compressor } = superblock;
  const hasFragment = inode.fragment !== noFragment;
  const blocks = hasFragment ? Math.floor(inode.size / blockSize) : Math.ceil(inode.size / blockSize);
  const sizes = await readSizes(access, superblock, inode, blocks);
  const parts: Buffer[] = [];
  let start = inode.start;
  for (const size of sizes) {
    const part = await readDataBlock(access, { start, size, blockSize, compressor });
    parts.push(part);
    start += size & 0xffffff;
  }
  const rest = inode.size - blocks * blockSize;
  if (hasFragment && rest > 0) parts.push(await readFragment(access, superblock, { ...inode, rest }));
  const content = Buffer.concat(parts).subarray(0, inode.size);
  if (content.length !== inode.size) throw refusal('a file of the squashfs image is shorter than its size');
  return content;
}

/** The sizes come after the inode, which may lie across two metadata blocks. */
async function readSizes(access: RandomAccess, { compressor }: Superblock, { sizesAt }: FileInode, blocks: number): Promise<readonly number[]> {
  if (blocks === 0) return [];
  const head = sizesAt.offset;
  const table = await readMetadata(access, compressor, { start: sizesAt.start, offset: 0, length: head + blocks * 4 });
  return Array.from({ length: blocks }, (_, index) => table.readUInt32LE(head + index * 4));
}

interface DataBlock {
  readonly start: number;
  /** With a flag in bit 24 for blocks that are not compressed; 0 for a hole. */
  readonly size: number;
  readonly blockSize: number;
  readonly compressor: SquashfsCompressor;
}

async function readDataBlock(access: RandomAccess, { start, size, blockSize, compressor }: DataBlock): Promise<Buffer> {
  if (size === 0) return Buffer.alloc(blockSize);
  const length = size & 0xffffff;
  if (length > blockSize) throw refusal('the squashfs image has a data block of an impossible size');
  const packed = await access.read(start, length);
  return (size & 0x1000000) === 0 ? unpackBlock(packed, compressor, blockSize) : packed;
}

async function readFragment(access: RandomAccess, superblock: Superblock, inode: { fragment: number; fragmentOffset: number; rest: number }): Promise<Buffer> {
  if (inode.fragment >= superblock.fragments) throw refusal('the squashfs image names a fragment that it does not have');
  const pointer = await access.read(superblock.fragmentTable + Math.floor(inode.fragment / 512) * 8, 8);
  const { content } = await readMetadataBlock(access, superblock.compressor, Number(pointer.readBigUInt64LE(0)));
  const at = (inode.fragment % 512) * 16;
  if (at + 16 > content.length) throw refusal('the squashfs image names a fragment that it does not have');
  const [start, size] = [Number(content.readBigUInt64LE(at)), content.readUInt32LE(at + 8)];
  const block = await readDataBlock(access, { start, size, blockSize: superblock.blockSize, compressor: superblock.compressor });
  return block.subarray(inode.fragmentOffset, inode.fragmentOffset + inode.rest);
}
