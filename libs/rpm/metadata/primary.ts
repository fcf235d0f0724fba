import { refusal } from '../../inspection/refusal.js';
import { dependencyKinds, type Comparison, type Dependency, type DependencyKind } from '../dependency.js';
import type { PackageIdentity } from '../package/package-details.js';
import { parseChecksum, type Checksum } from './checksum.js';
import { withoutElement } from './without-element.js';
import { attribute, childText, onlyChild, parseXmlRecords, readXmlRecords, wholeNumber, type XmlRecord } from './xml-records.js';

/** One package as `primary.xml` lists it. */
export interface ListedPackage extends PackageIdentity {
  /** Of the package file; names the package in the other metadata. */
  readonly checksum: Checksum;
  /** Relative to the repository (or to `base`). */
  readonly href: string;
  /** `xml:base`: another place than the repository. */
  readonly base?: string;
  /** Bytes of the package file. */
  readonly size?: number;
}

/** What stands in `<format>` and beside it. */
export interface PackageDetails {
  readonly summary: string;
  readonly description: string;
  readonly packager: string;
  readonly url: string;
  readonly license: string;
  readonly vendor: string;
  readonly group: string;
  readonly buildHost: string;
  readonly sourceRpm: string;
  /** Seconds since 1970. */
  readonly fileTime?: number;
  readonly buildTime?: number;
  /** Bytes. */
  readonly installedSize?: number;
  readonly archiveSize?: number;
  /** Bytes from the start of the package file. */
  readonly headerRange?: { readonly start: number; readonly end: number };
  readonly dependencies: Readonly<Record<DependencyKind, readonly Dependency[]>>;
  /** Only those that other packages are likely to depend on. */
  readonly files: readonly { readonly path: string; readonly type: 'file' | 'dir' | 'ghost' }[];
}

export interface PrimaryOptions {
  /** How many packages the document says that it has, before the first. */
  readonly onCount?: (packages: number | undefined) => void;
  readonly signal?: AbortSignal | undefined;
}

const detailElements: ReadonlySet<string> = new Set(['format', 'summary', 'description', 'packager', 'url', 'time']);
const comparisons: readonly Comparison[] = ['LT', 'LE', 'EQ', 'GE', 'GT'];

/** Streams what is needed to find and check packages: fast, details passed over. Throws a reason for whatever is no sound `primary.xml`. */
export async function* readPackageList(chunks: AsyncIterable<Buffer>, options: PrimaryOptions = {}): AsyncGenerator<ListedPackage, void> {
  for await (const record of records(withoutElement(chunks, 'format'), options, detailElements)) yield parsePackage(record);
}

/** Streams whole packages. */
export async function* readPrimary(chunks: AsyncIterable<Buffer>, options: PrimaryOptions = {}): AsyncGenerator<ListedPackage & PackageDetails, void> {
  for await (const record of records(chunks, options)) yield { ...parsePackage(record), ...parseDetails(record) };
}

/** One `<package>` element that is at hand as a whole. Throws a reason for whatever is none. */
export function parsePrimary(element: Buffer): ListedPackage & PackageDetails {
  const record = parseOnePackage(element, 'metadata');
  return { ...parsePackage(record), ...parseDetails(record) };
}

/** The `<package>` element as the child of that root. */
export function parseOnePackage(element: Buffer, root: string): XmlRecord {
  const [record, ...others] = parseXmlRecords(Buffer.concat([Buffer.from(`<${root}>`), element, Buffer.from(`</${root}>`)]), { root });
  if (record?.name !== 'package' || others.length > 0) throw refusal('the metadata of a package are not one <package> element');
  return record;
}

async function* records(chunks: AsyncIterable<Buffer>, { onCount, signal }: PrimaryOptions, skip?: ReadonlySet<string>): AsyncGenerator<XmlRecord, void> {
  const onRoot = (attributes: Readonly<Record<string, string>>): void => onCount?.(wholeNumber(attributes['packages']));
  for await (const record of readXmlRecords(chunks, { root: 'metadata', onRoot, signal, ...(skip === undefined ? {} : { skip }) })) {
    if (record.name === 'package' && attribute(record, 'type') === 'rpm') yield record;
  }
}

function parsePackage(record: XmlRecord): ListedPackage {
  const checksum = onlyChild(record, 'checksum');
  const location = onlyChild(record, 'location');
  const href = attribute(location, 'href');
  const name = childText(record, 'name');
  if (checksum === undefined || href === undefined || href === '' || href.length > 4096) throw refusal(`the primary metadata does not say where ${JSON.stringify(name.slice(0, 120))} is and what its checksum is`);
  const base = attribute(location, 'xml:base');
  const size = wholeNumber(attribute(onlyChild(record, 'size'), 'package'));
  return {
    ...parseIdentity(record),
    checksum: parseChecksum(checksum),
    href,
    ...(base === undefined ? {} : { base: base.slice(0, 4096) }),
    ...(size === undefined ? {} : { size }),
  };
}

function parseIdentity(record: XmlRecord): PackageIdentity {
  const identity = { name: childText(record, 'name'), arch: childText(record, 'arch'), ...parseVersionElement(onlyChild(record, 'version')) };
  if (![identity.name, identity.version, identity.release, identity.arch].every((part) => part !== '' && part.length <= 1024)) throw refusal('the metadata has a package without name, version, release and architecture');
  return identity;
}

/** `<version epoch="0" ver="1.0" rel="1"/>`. */
export function parseVersionElement(record: XmlRecord | undefined): { epoch: number; version: string; release: string } {
  return { epoch: wholeNumber(attribute(record, 'epoch')) ?? 0, version: attribute(record, 'ver') ?? '', release: attribute(record, 'rel') ?? '' };
}

function parseDetails(record: XmlRecord): PackageDetails {
  const format = onlyChild(record, 'format') ?? { name: 'format', attributes: {}, text: '', children: [] };
  const [time, size, range] = [onlyChild(record, 'time'), onlyChild(record, 'size'), onlyChild(format, 'rpm:header-range')];
  const [start, end] = [wholeNumber(attribute(range, 'start')), wholeNumber(attribute(range, 'end'))];
  const numbers = {
    fileTime: wholeNumber(attribute(time, 'file')),
    buildTime: wholeNumber(attribute(time, 'build')),
    installedSize: wholeNumber(attribute(size, 'installed')),
    archiveSize: wholeNumber(attribute(size, 'archive')),
  };
  return {
    summary: childText(record, 'summary'),
    description: childText(record, 'description'),
    packager: childText(record, 'packager'),
    url: childText(record, 'url'),
    license: childText(format, 'rpm:license'),
    vendor: childText(format, 'rpm:vendor'),
    group: childText(format, 'rpm:group'),
    buildHost: childText(format, 'rpm:buildhost'),
    sourceRpm: childText(format, 'rpm:sourcerpm'),
    ...Object.fromEntries(Object.entries(numbers).filter(([, number]) => number !== undefined)),
    ...(start === undefined || end === undefined ? {} : { headerRange: { start, end } }),
    dependencies: Object.fromEntries(dependencyKinds.map((kind) => [kind, parseDependencies(onlyChild(format, `rpm:${kind}`))])) as Record<DependencyKind, readonly Dependency[]>,
    files: parseFiles(format),
  };
}

function parseDependencies(record: XmlRecord | undefined): readonly Dependency[] {
  return (record?.children ?? []).filter(({ name }) => name === 'rpm:entry').map(parseDependency);
}

function parseDependency(record: XmlRecord): Dependency {
  const comparison = comparisons.find((known) => known === attribute(record, 'flags'));
  const { epoch, version, release } = parseVersionElement(record);
  return {
    name: attribute(record, 'name') ?? '',
    ...(comparison === undefined ? {} : { comparison, version: { epoch, version, ...(release === '' ? {} : { release }) } }),
    ...(attribute(record, 'pre') === '1' ? { before: true as const } : {}),
  };
}

/** `<file type="dir">/path</file>`, here and in filelists. */
export function parseFiles(record: XmlRecord): { path: string; type: 'file' | 'dir' | 'ghost' }[] {
  return record.children
    .filter(({ name }) => name === 'file')
    .map((file) => {
      const type = attribute(file, 'type');
      return { path: file.text, type: type === 'dir' || type === 'ghost' ? type : 'file' };
    });
}
