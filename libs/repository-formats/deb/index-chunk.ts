import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { ListedPackage } from '../../repository/listed-package.js';

/** What an index says of a package besides the package's own paragraph. */
export type IndexedPackage = Pick<ListedPackage, 'key' | 'sha256' | 'size' | 'path'>;

/** A run of packages of one index, compressed together. */
export interface IndexChunk {
  readonly packages: readonly IndexedPackage[];
  /** Digest of everything that its text is made of. */
  readonly id: string;
}

/** A part of `Packages`. */
export interface ChunkText {
  readonly open: Buffer;
  /** A gzip member of its own. */
  readonly packed: Buffer;
}

// Another number whenever the same packages give other bytes.
const format = 'millrace-packages-1';
const least = 32;
const most = 512;
/** One package in so many ends a chunk. */
const usual = 128;

/** Cuts a run of packages where their own digests say, so that one package more or less moves no boundary but its own, and the other chunks need not be made again. */
export function createChunkCutter(): { readonly add: (indexed: IndexedPackage) => IndexChunk | undefined; readonly end: () => IndexChunk | undefined } {
  let waiting: IndexedPackage[] = [];
  const end = (): IndexChunk | undefined => {
    if (waiting.length === 0) return undefined;
    const packages = waiting;
    waiting = [];
    return { packages, id: hash('sha256', `${format}\n${packages.map(({ sha256, size, path }) => `${sha256} ${size} ${path}\0`).join('')}`) };
  };
  return {
    add({ key, sha256, size, path }) {
      waiting.push({ key, sha256, size, path });
      const ends = (waiting.length >= least && Number.parseInt(sha256.slice(0, 8), 16) % usual === 0) || waiting.length === most;
      return ends ? end() : undefined;
    },
    end,
  };
}

const magic = Buffer.from('MRDEB001');
/** Magic, CRC-32 of all that follows it, length of the open text. */
const prefixLength = magic.length + 8;

/** As a file of the cache. */
export function encodeChunk({ open, packed }: ChunkText): readonly Buffer[] {
  const prefix = Buffer.allocUnsafe(prefixLength);
  magic.copy(prefix);
  prefix.writeUInt32LE(open.length, magic.length + 4);
  prefix.writeUInt32LE(crc32(packed, crc32(open, crc32(prefix.subarray(magic.length + 4)))), magic.length);
  return [prefix, open, packed];
}

/** Undefined when it is truncated, damaged, or of another version. */
export function decodeChunk(file: Buffer): ChunkText | undefined {
  if (file.length < prefixLength || !file.subarray(0, magic.length).equals(magic)) return undefined;
  if (crc32(file.subarray(magic.length + 4)) !== file.readUInt32LE(magic.length)) return undefined;
  const end = prefixLength + file.readUInt32LE(magic.length + 4);
  return { open: file.subarray(prefixLength, end), packed: file.subarray(end) };
}
