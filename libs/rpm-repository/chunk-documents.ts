import { crc32 } from 'node:zlib';
import { escapeAttribute } from '../rpm/metadata/escape-xml.js';
import { packageDocuments, type PackageDocument } from '../rpm/metadata/repository-documents.js';
import type { FragmentBytes } from './package-record.js';
import type { RepositoryPackage } from './repository-writer.js';

/** A part of each document, as text and compressed. */
export type ChunkDocuments = Readonly<Record<PackageDocument, DocumentPart>>;

export interface DocumentPart {
  /** UTF-8. */
  readonly open: Buffer;
  /** A gzip member or zstd frame of its own. */
  readonly packed: Buffer;
}

const magic = Buffer.from('MRCHNK01');
const lengths = 2 * packageDocuments.length;
/** Magic, CRC-32 of all that follows it, lengths of the parts. */
const prefixLength = magic.length + 4 + 4 * lengths;

/** Joins what packages say with what the repository says of time and place. */
export function joinFragments(packages: readonly RepositoryPackage[], fragments: readonly FragmentBytes[]): Readonly<Record<PackageDocument, Buffer>> {
  const primary = fragments.flatMap(({ beforeTime, beforeHref, afterHref }, index) => {
    const { fileTime, href } = packages[index] as RepositoryPackage;
    return [beforeTime, Buffer.from(String(fileTime)), beforeHref, Buffer.from(escapeAttribute(href)), afterHref];
  });
  return { primary: Buffer.concat(primary), filelists: Buffer.concat(fragments.map(({ filelists }) => filelists)), other: Buffer.concat(fragments.map(({ other }) => other)) };
}

/** As a file of the cache. */
export function encodeChunk(documents: ChunkDocuments): readonly Buffer[] {
  const parts = packageDocuments.flatMap((document) => [documents[document].open, documents[document].packed]);
  const prefix = Buffer.allocUnsafe(prefixLength);
  magic.copy(prefix);
  for (const [index, { length }] of parts.entries()) prefix.writeUInt32LE(length, magic.length + 4 + 4 * index);
  prefix.writeUInt32LE(checksumOf([prefix.subarray(magic.length + 4), ...parts]), magic.length);
  return [prefix, ...parts];
}

/** Undefined when it is truncated, damaged, or of another version. */
export function decodeChunk(file: Buffer): ChunkDocuments | undefined {
  if (file.length < prefixLength || !file.subarray(0, magic.length).equals(magic)) return undefined;
  if (crc32(file.subarray(magic.length + 4)) !== file.readUInt32LE(magic.length)) return undefined;
  let at = prefixLength;
  const take = (index: number): Buffer => {
    const start = at;
    at += file.readUInt32LE(magic.length + 4 + 4 * index);
    return file.subarray(start, at);
  };
  // The parts stand in the order in which they are taken.
  const part = (index: number): DocumentPart => ({ open: take(2 * index), packed: take(2 * index + 1) });
  return { primary: part(0), filelists: part(1), other: part(2) };
}

function checksumOf(parts: readonly Buffer[]): number {
  return parts.reduce((value, part) => crc32(part, value), 0);
}
