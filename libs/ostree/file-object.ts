import { invalidOstree } from './invalid-ostree.js';
import { readVariant } from './gvariant/read-variant.js';
import { writeVariant } from './gvariant/write-variant.js';
import { readXattrs, swap32, swap64, xattrsValue, type Xattr } from './metadata-objects.js';

/** What an object of a file says besides its content. Symbolic links have no content. */
export interface FileHeader {
  readonly uid: number;
  readonly gid: number;
  /** With the type of file: `0o100644`, `0o120777`. */
  readonly mode: number;
  /** Where a symbolic link leads; empty for files. */
  readonly target: string;
  readonly xattrs: readonly Xattr[];
}

const plainType = '(uuuusa(ayay))';
const archiveType = '(tuuuusa(ayay))';
/** Length, and zeros up to where the header is aligned. */
const prefixSize = 8;
/** Most is extended attributes. */
export const largestHeader = 1024 * 1024;

/** What stands before the content where a file's checksum is made: the checksum is the SHA-256 of both. */
export function checksumHeader(header: FileHeader): Buffer {
  return prefixed(writeVariant(plainType, members(header)));
}

/** What stands before the content, as raw DEFLATE, in a `.filez`. `size`: bytes of the content before it was compressed. */
export function archiveHeader(header: FileHeader, size: bigint): Buffer {
  return prefixed(writeVariant(archiveType, [swap64(size), ...members(header)]));
}

/** Bytes that the header of a `.filez` takes with its prefix, from the first 8 of it. Errors: `source-invalid`. */
export function archiveHeaderSize(prefix: Buffer): number {
  if (prefix.length < prefixSize) throw invalidOstree('a file that ends within its header');
  const size = prefix.readUInt32BE();
  if (size > largestHeader || prefix.readUInt32BE(4) !== 0) throw invalidOstree('a file with a broken header');
  return prefixSize + size;
}

/** Reads a header with its prefix. Errors: `source-invalid`, also for what is neither a plain file nor a symbolic link. */
export function readArchiveHeader(bytes: Buffer): { readonly header: FileHeader; readonly size: bigint } {
  if (archiveHeaderSize(bytes) !== bytes.length) throw invalidOstree('a file with a broken header');
  const [size, uid, gid, mode, device, target, xattrs] = readVariant(archiveType, bytes.subarray(prefixSize)) as [bigint, number, number, number, number, string, [Buffer, Buffer][]];
  const header = { uid: swap32(uid), gid: swap32(gid), mode: swap32(mode), target, xattrs: readXattrs(xattrs) };
  const type = header.mode & 0o170000;
  const link = type === 0o120000;
  if ((!link && type !== 0o100000) || (header.mode & ~0o177777) !== 0 || device !== 0) throw invalidOstree(`a file of mode ${header.mode.toString(8)}`);
  if (link !== (target !== '') || (link && size !== 0n)) throw invalidOstree('a symbolic link that is none');
  return { header, size: swap64(size) };
}

function members({ uid, gid, mode, target, xattrs }: FileHeader): (number | string | ReturnType<typeof xattrsValue>)[] {
  return [swap32(uid), swap32(gid), swap32(mode), 0, target, xattrsValue(xattrs)];
}

function prefixed(header: Buffer): Buffer {
  const prefix = Buffer.alloc(prefixSize);
  prefix.writeUInt32BE(header.length);
  return Buffer.concat([prefix, header]);
}
