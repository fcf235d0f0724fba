import type { PackageFragments } from '../rpm/metadata/package-fragments.js';
import type { PackageDescription } from './repository-writer.js';

/** What the cache keeps of a package. Fragments are UTF-8. */
export interface PackageRecord {
  readonly description: PackageDescription;
  readonly fragments: Readonly<Record<keyof PackageFragments, Buffer>>;
}

const fragmentNames = ['beforeTime', 'beforeHref', 'afterHref', 'filelists', 'other'] as const satisfies readonly (keyof PackageFragments)[];
const prefixLength = 4 * (1 + fragmentNames.length);

/** Lengths of the parts as 32-bit numbers, then the parts: the description as JSON, the fragments. */
export function encodePackageRecord(description: PackageDescription, fragments: PackageFragments): Buffer {
  const texts = [JSON.stringify(description), ...fragmentNames.map((name) => fragments[name])];
  const lengths = texts.map((text) => Buffer.byteLength(text));
  const record = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + length, prefixLength));
  let at = prefixLength;
  for (const [index, text] of texts.entries()) {
    record.writeUInt32LE(lengths[index] as number, 4 * index);
    at += record.write(text, at);
  }
  return record;
}

export function decodePackageRecord(record: Buffer): PackageRecord {
  let at = prefixLength;
  const parts = Array.from({ length: 1 + fragmentNames.length }, (_, index) => {
    const start = at;
    at += record.readUInt32LE(4 * index);
    return record.subarray(start, at);
  });
  const [description, beforeTime, beforeHref, afterHref, filelists, other] = parts as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer];
  return { description: JSON.parse(description.toString()) as PackageDescription, fragments: { beforeTime, beforeHref, afterHref, filelists, other } };
}
