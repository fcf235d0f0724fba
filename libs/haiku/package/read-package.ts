import type { ByteSource } from '../byte-source.js';
import { readAttributes } from '../container/read-attributes.js';
import { openHeap } from '../container/read-heap.js';
import { numberAt, readHeader } from '../container/read-header.js';
import { invalidFile } from '../invalid-haiku-file.js';
import { infoFromAttributes } from './info-from-attributes.js';
import { licenceTexts, type LicenceText } from './licence-texts.js';
import { approveLicence, type PackageInfo } from './package-info.js';

export interface ReadPackage {
  readonly info: PackageInfo;
  /** Licences that a user has to approve before installing it: repositories show their texts. Of other packages none. */
  readonly licences: readonly LicenceText[];
  /** Bytes of its attributes, with strings shared. */
  readonly attributesSize: number;
}

/** Bytes that Haiku's own readers take in. */
const largestAttributes = 1024 * 1024;
/** Theirs is 64 MiB; packages whose licence has to be approved are small. */
const largestContents = 8 * 1024 * 1024;
/** Unpacked. */
const largestHeap = 64 * 1024 ** 3;

/** What an `.hpkg` file says of itself. Reads its head, and the end of its heap. Errors: `source-invalid`. */
export async function readPackage(source: ByteSource): Promise<PackageInfo> {
  return (await openPackage(source)).info;
}

/** The same, with licences that have to be approved, which lie anywhere in the file. Errors: `source-invalid`. */
export async function readPackageWithLicences(source: ByteSource): Promise<ReadPackage> {
  const { info, heap, bytes } = await openPackage(source);
  const attributesSize = bytes.readUInt32BE(40);
  if ((info.flags & approveLicence) === 0) return { info, licences: [], attributesSize };
  const place = { stringsLength: numberAt(bytes, 64), stringsCount: numberAt(bytes, 72), most: largestContents / 8 };
  const [length, end] = [numberAt(bytes, 56), heap.size - attributesSize];
  if (length > largestContents) throw invalidFile(`the list of its files has ${length} bytes, of which ${largestContents} are read for its licence`);
  if (length > end) throw invalidFile('the list of its files is larger than its heap');
  return { info, licences: await licenceTexts(readAttributes(await heap.read(end - length, length), place), heap), attributesSize };
}

async function openPackage(source: ByteSource) {
  const { bytes, heap: place } = await readHeader(source, { magic: 'hpkg', size: 80 });
  const [length, stringsLength, stringsCount] = [bytes.readUInt32BE(40), bytes.readUInt32BE(44), bytes.readUInt32BE(48)];
  if (length > largestAttributes) throw invalidFile(`its attributes have ${length} bytes; clients read ${largestAttributes}`);
  if (place.uncompressedSize > largestHeap) throw invalidFile(`its heap claims to have ${place.uncompressedSize} bytes`);
  const heap = await openHeap(source, place);
  if (length > heap.size) throw invalidFile('its attributes are larger than its heap');
  return { bytes, heap, info: infoFromAttributes(readAttributes(await heap.read(heap.size - length, length), { stringsLength, stringsCount })) };
}
