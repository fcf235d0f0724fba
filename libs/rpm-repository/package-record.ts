import type { PackageFragments } from '../rpm/metadata/package-fragments.js';
import type { PackageDescription } from './repository-writer.js';

/** A package's fragments as the cache keeps them, in UTF-8. */
export type FragmentBytes = Readonly<Record<keyof PackageFragments, Buffer>>;

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

export function decodeDescription(record: Buffer): PackageDescription {
  return JSON.parse(record.toString('utf8', prefixLength, prefixLength + record.readUInt32LE(0))) as PackageDescription;
}

export function decodeFragments(record: Buffer): FragmentBytes {
  let at = prefixLength + record.readUInt32LE(0);
  const take = (index: number): Buffer => {
    const start = at;
    at += record.readUInt32LE(4 * index);
    return record.subarray(start, at);
  };
  // The parts stand in the order in which they are taken.
  return { beforeTime: take(1), beforeHref: take(2), afterHref: take(3), filelists: take(4), other: take(5) };
}

/** Whether it is whole, as far as its lengths say, and of the package with this digest. */
export function isRecordOf(record: Buffer, sha256: string): boolean {
  if (record.length < prefixLength) return false;
  let length = prefixLength;
  for (let at = 0; at < prefixLength; at += 4) length += record.readUInt32LE(at);
  return length === record.length && decodeFragments(record).other.includes(`pkgid="${sha256}"`);
}
