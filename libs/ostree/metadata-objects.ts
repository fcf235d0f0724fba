import { createHash } from 'node:crypto';
import { invalidOstree } from './invalid-ostree.js';
import { readVariant } from './gvariant/read-variant.js';
import { writeVariant } from './gvariant/write-variant.js';
import type { TypedValue, VariantValue } from './gvariant/variant.js';
import { checksumText } from './object-name.js';

const commitType = '(a{sv}aya(say)sstayay)';
const dirtreeType = '(a(say)a(sayay))';
const dirmetaType = '(uuua(ayay))';

/** OSTree's own limit of a metadata object. */
export const largestMetadata = 128 * 1024 * 1024;

export interface Commit {
  readonly metadata: readonly (readonly [key: string, value: TypedValue])[];
  /** Hex checksum of the commit before; undefined: the first of its branch. */
  readonly parent: string | undefined;
  readonly subject: string;
  readonly body: string;
  /** Seconds since 1970. */
  readonly timestamp: bigint;
  /** Hex checksums of the root directory. */
  readonly dirtree: string;
  readonly dirmeta: string;
}

export interface Dirtree {
  readonly files: readonly { readonly name: string; readonly checksum: string }[];
  readonly directories: readonly { readonly name: string; readonly dirtree: string; readonly dirmeta: string }[];
}

export interface Dirmeta {
  readonly uid: number;
  readonly gid: number;
  /** With the type of file: `0o040755`. */
  readonly mode: number;
  readonly xattrs: readonly Xattr[];
}

export interface Xattr {
  /** As the kernel names it; without the zero that OSTree keeps behind it. */
  readonly name: string;
  readonly value: Buffer;
}

/** Lower-case hex. */
export function metadataChecksum(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function writeCommit(commit: Commit): Buffer {
  const { metadata, parent, subject, body, timestamp, dirtree, dirmeta } = commit;
  return writeVariant(commitType, [metadata.map(([key, value]) => [key, value]), bytesOf(parent ?? ''), [], subject, body, swap64(timestamp), bytesOf(dirtree), bytesOf(dirmeta)]);
}

/** Errors: `source-invalid`. */
export function readCommit(bytes: Buffer): Commit {
  demandSize(bytes);
  const [metadata, parent, , subject, body, timestamp, dirtree, dirmeta] = readVariant(commitType, bytes) as [[string, TypedValue][], Buffer, VariantValue, string, string, bigint, Buffer, Buffer];
  return {
    metadata,
    parent: parent.length === 0 ? undefined : checksumText(parent),
    subject,
    body,
    timestamp: swap64(timestamp),
    dirtree: checksumText(dirtree),
    dirmeta: checksumText(dirmeta),
  };
}

/** Names in the order of their UTF-8 bytes, as OSTree demands; the given order does not matter. */
export function writeDirtree({ files, directories }: Dirtree): Buffer {
  return writeVariant(dirtreeType, [
    byName(files).map(({ name, checksum }) => [name, bytesOf(checksum)]),
    byName(directories).map(({ name, dirtree, dirmeta }) => [name, bytesOf(dirtree), bytesOf(dirmeta)]),
  ]);
}

/** Errors: `source-invalid`, also for names that no directory has, twice the same, or out of order. */
export function readDirtree(bytes: Buffer): Dirtree {
  demandSize(bytes);
  const [files, directories] = readVariant(dirtreeType, bytes) as [[string, Buffer][], [string, Buffer, Buffer][]];
  demandNames(files.map(([name]) => name));
  demandNames(directories.map(([name]) => name));
  const fileNames = new Set(files.map(([name]) => name));
  const both = directories.find(([name]) => fileNames.has(name));
  if (both !== undefined) throw invalidOstree(`${JSON.stringify(both[0].slice(0, 100))} is both a file and a directory`);
  return {
    files: files.map(([name, checksum]) => ({ name, checksum: checksumText(checksum) })),
    directories: directories.map(([name, dirtree, dirmeta]) => ({ name, dirtree: checksumText(dirtree), dirmeta: checksumText(dirmeta) })),
  };
}

export function writeDirmeta({ uid, gid, mode, xattrs }: Dirmeta): Buffer {
  return writeVariant(dirmetaType, [swap32(uid), swap32(gid), swap32(mode), xattrsValue(xattrs)]);
}

/** Errors: `source-invalid`, also for a mode that no directory has. */
export function readDirmeta(bytes: Buffer): Dirmeta {
  demandSize(bytes);
  const [uid, gid, mode, xattrs] = readVariant(dirmetaType, bytes) as [number, number, number, [Buffer, Buffer][]];
  const swapped = swap32(mode);
  if ((swapped & 0o170000) !== 0o040000 || (swapped & ~0o047777) !== 0) throw invalidOstree(`a directory of mode ${swapped.toString(8)}`);
  return { uid: swap32(uid), gid: swap32(gid), mode: swapped, xattrs: readXattrs(xattrs) };
}

/** As objects keep them, sorted by name. */
export function xattrsValue(xattrs: readonly Xattr[]): VariantValue {
  return byName(xattrs).map(({ name, value }) => [Buffer.from(`${name}\0`), value]);
}

/** Errors: `source-invalid`. */
export function readXattrs(xattrs: readonly (readonly [Buffer, Buffer])[]): readonly Xattr[] {
  return xattrs.map(([name, value]) => {
    if (name.length < 2 || name.indexOf(0) !== name.length - 1) throw invalidOstree('an extended attribute without a name');
    return { name: name.toString('utf8', 0, name.length - 1), value };
  });
}

/** OSTree keeps these numbers with their highest byte first in variants that are written lowest byte first. */
export function swap32(value: number): number {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes.readUInt32BE();
}

export function swap64(value: bigint): bigint {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes.readBigUInt64BE();
}

function bytesOf(checksum: string): Buffer {
  return Buffer.from(checksum, 'hex');
}

function byName<T extends { readonly name: string }>(named: readonly T[]): readonly T[] {
  return named.toSorted((one, other) => Buffer.compare(Buffer.from(one.name), Buffer.from(other.name)));
}

function demandSize(bytes: Buffer): void {
  if (bytes.length > largestMetadata) throw invalidOstree(`a metadata object of ${bytes.length} bytes`);
}

function demandNames(names: readonly string[]): void {
  let before: Buffer | undefined;
  for (const name of names) {
    if (name === '' || name === '.' || name === '..' || name.includes('/')) throw invalidOstree(`a file named ${JSON.stringify(name.slice(0, 100))}`);
    const bytes = Buffer.from(name);
    if (before !== undefined && Buffer.compare(before, bytes) >= 0) throw invalidOstree(`names that are not in order at ${JSON.stringify(name.slice(0, 100))}`);
    before = bytes;
  }
}
