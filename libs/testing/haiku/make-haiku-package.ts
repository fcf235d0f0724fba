import { zstdCompressSync, deflateSync } from 'node:zlib';
import type { Attribute } from '../../haiku/container/attribute.js';
import { attributeIds } from '../../haiku/container/attribute-ids.js';
import { shareStrings } from '../../haiku/container/share-strings.js';
import { writeInlineAttributes } from '../../haiku/container/write-attributes.js';
import { attributesOfInfo } from '../../haiku/package/attributes-of-info.js';
import { approveLicence, operators, type PackageInfo, type Provided, type Requirement } from '../../haiku/package/package-info.js';
import { parseVersion } from '../../haiku/package/version.js';

export interface MadePackage {
  readonly name: string;
  /** `1.2.3~rc1-4` */
  readonly version: string;
  readonly architecture?: PackageInfo['architecture'];
  readonly vendor?: string;
  /** `cmd:foo = 1.2 (compatible >= 1)`; the package's own name is there. */
  readonly provides?: readonly string[];
  /** `haiku >= r1~beta5` */
  readonly requires?: readonly string[];
  readonly conflicts?: readonly string[];
  /** To be approved, by name; they lie in `data/licenses`. */
  readonly licences?: Readonly<Record<string, string>>;
  /** Of the package's one file: what makes two builds of a version differ. */
  readonly content?: Buffer;
  readonly compression?: 'none' | 'zlib' | 'zstd';
  readonly installPath?: string;
  /** Behind what it says of itself, whatever that makes of it. */
  readonly more?: readonly Attribute[];
}

const chunkSize = 65_536;
const compressions = ['none', 'zlib', 'zstd'] as const;

/** An HPKG file such as Haiku's `package create` makes, small. */
export function makeHaikuPackage(made: MadePackage): Buffer {
  const { content = Buffer.from(`${made.name} ${made.version}`), licences = {}, compression = 'zstd' } = made;
  const texts = Object.entries(licences).map(([name, text]) => ({ name, bytes: Buffer.from(text) }));
  const files = [{ name: made.name, bytes: content }, ...texts];
  let offset = 0;
  const data = new Map(files.map(({ name, bytes }) => [name, { offset: (offset += bytes.length) - bytes.length, size: bytes.length }]));
  const entry = (name: string, children: readonly Attribute[]): Attribute => ({ id: attributeIds.directoryEntry, value: name, children });
  const folder = (name: string, entries: readonly Attribute[]): Attribute => entry(name, [{ id: attributeIds.fileType, value: 1, children: [] }, ...entries]);
  const file = (name: string): Attribute => entry(name, [{ id: attributeIds.data, value: data.get(name) ?? Buffer.alloc(0), children: [] }]);
  const contents = shareStrings(writeInlineAttributes([folder('bin', [file(made.name)]), ...(texts.length === 0 ? [] : [folder('data', [folder('licenses', texts.map(({ name }) => file(name)))])])]));
  const attributes = shareStrings(writeInlineAttributes([...attributesOfInfo(madeInfo(made)), ...(made.more ?? [])]));
  const uncompressed = Buffer.concat([...files.map(({ bytes }) => bytes), contents.bytes, attributes.bytes]);
  const heap = heapOf(uncompressed, compression);
  const header = Buffer.alloc(80);
  header.write('hpkg', 0, 'latin1');
  header.writeUInt16BE(80, 4);
  header.writeUInt16BE(2, 6);
  header.writeBigUInt64BE(BigInt(80 + heap.length), 8);
  header.writeUInt16BE(1, 16);
  header.writeUInt16BE(compressions.indexOf(compression), 18);
  header.writeUInt32BE(chunkSize, 20);
  header.writeBigUInt64BE(BigInt(heap.length), 24);
  header.writeBigUInt64BE(BigInt(uncompressed.length), 32);
  header.writeUInt32BE(attributes.bytes.length, 40);
  header.writeUInt32BE(attributes.stringsLength, 44);
  header.writeUInt32BE(attributes.stringsCount, 48);
  header.writeBigUInt64BE(BigInt(contents.bytes.length), 56);
  header.writeBigUInt64BE(BigInt(contents.stringsLength), 64);
  header.writeBigUInt64BE(BigInt(contents.stringsCount), 72);
  return Buffer.concat([header, heap]);
}

/** What such a package says of itself. */
export function madeInfo({ name, version, architecture = 'x86_64', vendor = 'Example Farm', provides = [], requires = [], conflicts = [], licences = {}, installPath = '' }: MadePackage): PackageInfo {
  return {
    name,
    version: parseVersion(version),
    architecture,
    vendor,
    summary: `Test package ${name}`,
    description: `A package called ${name}, for specs`,
    packager: 'Builder <builder@farm.example>',
    basePackage: '',
    flags: Object.keys(licences).length > 0 ? approveLicence : 0,
    copyrights: ['2026 Somebody'],
    licenses: ['MIT', ...Object.keys(licences)],
    urls: [],
    sourceUrls: [],
    provides: [`${name} = ${version}`, ...provides].map(provided),
    requires: requires.map(required),
    supplements: [],
    conflicts: conflicts.map(required),
    freshens: [],
    replaces: [],
    globalWritableFiles: [],
    userSettingsFiles: [],
    users: [],
    groups: [],
    postInstallScripts: [],
    preUninstallScripts: [],
    installPath,
  };
}

/** `cmd:foo = 1.2 (compatible >= 1)` */
export function provided(text: string): Provided {
  const [, name = '', version, compatible] = /^(\S+)(?: = (\S+))?(?: \(compatible >= (\S+)\))?$/.exec(text) ?? [];
  return { name, version: version === undefined ? null : parseVersion(version), compatible: compatible === undefined ? null : parseVersion(compatible) };
}

/** `haiku >= r1~beta5` */
export function required(text: string): Requirement {
  const [name = '', operator, version = ''] = text.split(' ');
  const known = operators.find((each) => each === operator);
  return { name, version: known === undefined ? null : { operator: known, than: parseVersion(version) } };
}

function heapOf(bytes: Buffer, compression: MadePackage['compression']): Buffer {
  if (compression === 'none') return bytes;
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunkSize) }, (_, index) => bytes.subarray(index * chunkSize, (index + 1) * chunkSize));
  const stored = chunks.map((chunk) => {
    const compressed = compression === 'zlib' ? deflateSync(chunk) : zstdCompressSync(chunk);
    return compressed.length < chunk.length ? compressed : chunk;
  });
  const sizes = Buffer.alloc(Math.max(0, stored.length - 1) * 2);
  for (const [index, { length }] of stored.slice(0, -1).entries()) sizes.writeUInt16BE(length - 1, index * 2);
  return Buffer.concat([...stored, sizes]);
}
