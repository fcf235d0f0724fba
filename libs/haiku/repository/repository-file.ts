import type { ByteSource } from '../byte-source.js';
import { attributeIds } from '../container/attribute-ids.js';
import type { Attribute } from '../container/attribute.js';
import { textsOf } from '../container/attribute.js';
import { eachAttribute, readAttributes } from '../container/read-attributes.js';
import { chunkSize, openHeap } from '../container/read-heap.js';
import { formatVersion, numberAt, readHeader } from '../container/read-header.js';
import { shareStrings } from '../container/share-strings.js';
import { writeInlineAttributes } from '../container/write-attributes.js';
import { writeHeap } from '../container/write-heap.js';
import { invalidFile } from '../invalid-haiku-file.js';
import { attributesOfInfo } from '../package/attributes-of-info.js';
import { infoFromAttributes } from '../package/info-from-attributes.js';
import type { PackageInfo } from '../package/package-info.js';
import { readRepositoryInfo, repositoryInfoBytes, type RepositoryInfo } from './repository-info.js';

/** A package as a repository lists it. */
export interface ListedPackage {
  readonly info: PackageInfo;
  /** Lower-case hex SHA-256 of its file. */
  readonly checksum: string;
}

export interface RepositoryFile {
  readonly info: RepositoryInfo;
  readonly packages: readonly ListedPackage[];
}

const headerSize = 72;
const minorVersion = 1;
const zlib = 1;
const noStrings = Buffer.of(0);
const endOfList = Buffer.of(0);

/** Bytes that Haiku's own readers take in. */
const largestInfo = 1024 * 1024;
const largestPackages = 64 * 1024 * 1024;
/** Bytes of one package, and of all, with every string where it is used: twice what clients read, and more, because strings are shared there. */
const [largestEntry, largestEntries] = [2 * 1024 * 1024, 512 * 1024 * 1024];
/** Attributes. */
const largestPackage = 500_000;

/** What a repository file says of one package, as an inline attribute (`writeInlineAttributes`) without the 0 behind it. Errors: `source-invalid` when it is larger than `most` bytes. */
export function packageEntry({ info, checksum, most = largestEntry }: ListedPackage & { readonly most?: number }): Buffer {
  return writeInlineAttributes([{ id: attributeIds.package, value: info.name, children: attributesOfInfo(info, checksum) }], Math.min(most, largestEntry)).subarray(0, -1);
}

/** Errors: `source-invalid`. */
export function readPackageEntry(entry: Buffer): ListedPackage {
  const [attribute, ...rest] = readAttributes(Buffer.concat([noStrings, entry, endOfList]), { stringsLength: 1, stringsCount: 0 });
  if (attribute?.id !== attributeIds.package || rest.length > 0) throw invalidFile('what is kept of a package is not one package');
  return listed(attribute);
}

/** The file `repo` (HPKR) out of `packageEntry` of each package: the same input gives the same bytes. Errors: `source-invalid` where clients would refuse the repository for its size. */
export async function writeRepositoryFile(info: RepositoryInfo, entries: readonly Buffer[]): Promise<Buffer> {
  const described = repositoryInfoBytes(info);
  if (described.length > largestInfo) throw invalidFile(`what describes the repository, licences included, has ${described.length} bytes; clients read ${largestInfo}`);
  const unshared = entries.reduce((sum, entry) => sum + entry.length, 0);
  if (unshared > largestEntries) throw invalidFile(`what it says of ${entries.length} packages has ${unshared} bytes before strings are shared; ${largestEntries} are the most`);
  const section = shareStrings(Buffer.concat([...entries, endOfList]));
  if (section.bytes.length > largestPackages) throw invalidFile(`what it says of ${entries.length} packages has ${section.bytes.length} bytes; clients read ${largestPackages}`);
  const heap = await writeHeap(Buffer.concat([described, section.bytes]));
  const header = Buffer.alloc(headerSize);
  header.write('hpkr', 0, 'latin1');
  header.writeUInt16BE(headerSize, 4);
  header.writeUInt16BE(formatVersion, 6);
  header.writeBigUInt64BE(BigInt(headerSize + heap.length), 8);
  header.writeUInt16BE(minorVersion, 16);
  header.writeUInt16BE(zlib, 18);
  header.writeUInt32BE(chunkSize, 20);
  header.writeBigUInt64BE(BigInt(heap.length), 24);
  header.writeBigUInt64BE(BigInt(described.length + section.bytes.length), 32);
  header.writeUInt32BE(described.length, 40);
  header.writeBigUInt64BE(BigInt(section.bytes.length), 48);
  header.writeBigUInt64BE(BigInt(section.stringsLength), 56);
  header.writeBigUInt64BE(BigInt(section.stringsCount), 64);
  return Buffer.concat([header, heap]);
}

/** A repository file whose packages are read one by one. */
export interface OpenRepositoryFile {
  readonly info: RepositoryInfo;
  /** Errors: `source-invalid`, as late as what is wrong stands in it. */
  readonly packages: () => Generator<ListedPackage, void>;
}

/** Unpacks it in memory, which takes 65 MiB at most. Errors: `source-invalid`. */
export async function openRepositoryFile(source: ByteSource): Promise<OpenRepositoryFile> {
  const { bytes, heap: place } = await readHeader(source, { magic: 'hpkr', size: headerSize });
  const infoLength = bytes.readUInt32BE(40);
  const [length, stringsLength, stringsCount] = [numberAt(bytes, 48), numberAt(bytes, 56), numberAt(bytes, 64)];
  if (infoLength > largestInfo || length > largestPackages) throw invalidFile(`its sections have ${infoLength} and ${length} bytes`);
  if (infoLength + length !== place.uncompressedSize) throw invalidFile('its sections are not as large as its heap');
  const heap = await openHeap(source, place);
  const info = readRepositoryInfo(await heap.read(0, infoLength));
  const section = await heap.read(infoLength, length);
  return {
    info,
    *packages() {
      for (const attribute of eachAttribute(section, { stringsLength, stringsCount, most: largestPackage })) if (attribute.id === attributeIds.package) yield listed(attribute);
    },
  };
}

/** Errors: `source-invalid`. */
export async function readRepositoryFile(source: ByteSource): Promise<RepositoryFile> {
  const { info, packages } = await openRepositoryFile(source);
  return { info, packages: [...packages()] };
}

function listed({ children }: Attribute): ListedPackage {
  const info = infoFromAttributes(children);
  const [checksum = '', ...others] = textsOf(children, attributeIds.checksum);
  if (others.length > 0) throw invalidFile(`${info.name} has ${others.length + 1} checksums`);
  if (!/^[0-9a-f]{64}$/i.test(checksum)) throw invalidFile(`${info.name} has no checksum`);
  return { info, checksum: checksum.toLowerCase() };
}
