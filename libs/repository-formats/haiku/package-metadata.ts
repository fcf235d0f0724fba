import { z } from 'zod';
import { invalidFile } from '../../haiku/invalid-haiku-file.js';
import type { LicenceText } from '../../haiku/package/licence-texts.js';
import { packageEntry, readPackageEntry, type ListedPackage } from '../../haiku/repository/repository-file.js';

/** What is kept of a package for ever: what `repo` says of it, checksum included, as bytes that an index takes in as they are. */
export interface PackageMetadata {
  /** See `packageEntry`. */
  readonly entry: Buffer;
  /** To be approved by users. */
  readonly licences: readonly LicenceText[];
}

/** Of the layout: a byte; the length of the entry, 4 bytes; the entry; licences as JSON, nothing where there are none. */
const layout = 1;
const headSize = 5;

/** Errors: `source-invalid` when what `repo` would say is larger than its `most` bytes. */
export function writeMetadata(listed: Parameters<typeof packageEntry>[0], licences: readonly LicenceText[]): Buffer {
  const entry = packageEntry(listed);
  const head = Buffer.alloc(headSize);
  head.writeUInt8(layout, 0);
  head.writeUInt32BE(entry.length, 1);
  return Buffer.concat([head, entry, Buffer.from(licences.length === 0 ? '' : JSON.stringify(licences))]);
}

/** Errors: `source-invalid`. */
export function readMetadata(metadata: Buffer): PackageMetadata {
  if (metadata.length < headSize || metadata[0] !== layout) throw invalidFile('what is kept of a package is of an unknown layout: a newer Millrace wrote it, or it is damaged');
  const end = headSize + metadata.readUInt32BE(1);
  if (end > metadata.length) throw invalidFile('what is kept of a package is cut off');
  return { entry: metadata.subarray(headSize, end), licences: metadata.length === end ? [] : readLicences(metadata.toString('utf8', end)) };
}

const licenceList = z.array(z.strictObject({ name: z.string(), text: z.string() }));

function readLicences(text: string): readonly LicenceText[] {
  try {
    return licenceList.parse(JSON.parse(text));
  } catch (cause) {
    throw invalidFile('what is kept of the licences of a package is damaged', cause);
  }
}

/** Errors: `source-invalid`. */
export function describedBy(metadata: Buffer): ListedPackage {
  return readPackageEntry(readMetadata(metadata).entry);
}
