import { refusal } from '../../inspection/refusal.js';
import type { Changelog, PackageIdentity } from '../package/package-details.js';
import { parseFiles, parseOnePackage, parseVersionElement } from './primary.js';
import { attribute, onlyChild, readXmlRecords, wholeNumber, type XmlRecord } from './xml-records.js';

/** A package as `filelists.xml` and `other.xml` name it. */
export interface NamedPackage extends PackageIdentity {
  /** Checksum of the package file, by the algorithm that `primary.xml` says. */
  readonly pkgid: string;
}

/** Streams the file lists of all packages. Throws a reason for whatever is no sound `filelists.xml`. */
export async function* readFilelists(chunks: AsyncIterable<Buffer>, signal?: AbortSignal): AsyncGenerator<NamedPackage & { readonly files: ReturnType<typeof parseFiles> }, void> {
  for await (const record of readXmlRecords(chunks, { root: 'filelists', signal })) {
    if (record.name === 'package') yield { ...parseNamedPackage(record), files: parseFiles(record) };
  }
}

/** One `<package>` element of `filelists.xml`. Throws a reason for whatever is none. */
export function parseFilelists(element: Buffer): NamedPackage & { readonly files: ReturnType<typeof parseFiles> } {
  const record = parseOnePackage(element, 'filelists');
  return { ...parseNamedPackage(record), files: parseFiles(record) };
}

/** Streams the changelogs of all packages, in the order of the document: createrepo_c writes oldest first. */
export async function* readOther(chunks: AsyncIterable<Buffer>, signal?: AbortSignal): AsyncGenerator<NamedPackage & { readonly changelogs: readonly Changelog[] }, void> {
  for await (const record of readXmlRecords(chunks, { root: 'otherdata', signal })) {
    if (record.name === 'package') yield { ...parseNamedPackage(record), changelogs: record.children.filter(({ name }) => name === 'changelog').map(parseChangelog) };
  }
}

function parseNamedPackage(record: XmlRecord): NamedPackage {
  const pkgid = attribute(record, 'pkgid')?.toLowerCase() ?? '';
  const [name, arch] = [attribute(record, 'name'), attribute(record, 'arch')];
  if (!/^[0-9a-f]{32,128}$/.test(pkgid) || name === undefined || name === '' || arch === undefined) throw refusal('the metadata has a package without checksum, name and architecture');
  return { pkgid, name, arch, ...parseVersionElement(onlyChild(record, 'version')) };
}

function parseChangelog(record: XmlRecord): Changelog {
  return { time: wholeNumber(attribute(record, 'date')) ?? 0, author: attribute(record, 'author') ?? '', text: record.text };
}
