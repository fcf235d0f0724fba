import { limitExceeded, refusal } from '../../inspection/refusal.js';
import type { Dependency, DependencyKind } from '../dependency.js';
import type { RpmHeader } from '../package/header.js';
import { readPaths } from '../package/file-list.js';
import { readChangelogs, readIdentity, type Changelog, type PackageIdentity } from '../package/package-details.js';
import type { PackageHead } from '../package/package-file.js';
import { signatureTag, tag } from '../package/tags.js';
import { escapeAttribute, escapeText, fitsXml } from './escape-xml.js';
import { isPrimaryPath } from './primary-path.js';
import { publishedDependencies, type PublishedFile } from './published-dependencies.js';

/** A package's `<package>` elements in the three documents, as text. Of the primary one, time and place are the repository's to say. */
export interface PackageFragments {
  /** Up to the time of the file. */
  readonly beforeTime: string;
  /** From there up to the place of the file. */
  readonly beforeHref: string;
  readonly afterHref: string;
  readonly filelists: string;
  readonly other: string;
}

const changelogLimit = 10;
/** Characters that the lists of files and dependencies may come to. The packages with the most files that are known have a tenth; a hostile header has few bytes for many, and strings have an end. */
const mostListed = 128 * 1024 * 1024;
const ghostFlag = 64;

/** In the order in which createrepo_c writes them. */
const kindsInOrder: readonly DependencyKind[] = ['provides', 'requires', 'conflicts', 'obsoletes', 'suggests', 'enhances', 'recommends', 'supplements'];

/**
 * Writes what rpm-md says of a package, the same that createrepo_c says. `file`: digest and size of the whole package file. Throws a reason for damaged
 * headers, and for names of files and dependencies that XML cannot hold: without them the metadata would not be the package's.
 */
export function writePackageFragments(head: PackageHead, file: { readonly sha256: string; readonly size: number; readonly most?: number }): PackageFragments {
  const { header } = head;
  const listed = createRoom(file.most ?? mostListed);
  const identity = readIdentity(header);
  const files = publishedFiles(header);
  const text = (number: number): string => escapeText(header.string(number) ?? '');
  const archiveSize = firstOf(head.signature.numbers(signatureTag.longArchiveSize), head.signature.numbers(signatureTag.payloadSize), header.numbers(tag.archiveSize));
  const named = `<package pkgid="${file.sha256}" name="${escapeAttribute(identity.name)}" arch="${escapeAttribute(identity.arch)}">\n  ${versionElement(identity)}\n`;
  return {
    beforeTime:
      `<package type="rpm">\n  <name>${escapeText(identity.name)}</name>\n  <arch>${escapeText(identity.arch)}</arch>\n  ${versionElement(identity)}\n` +
      `  <checksum type="sha256" pkgid="YES">${file.sha256}</checksum>\n  <summary>${text(tag.summary)}</summary>\n  <description>${text(tag.description)}</description>\n` +
      `  <packager>${text(tag.packager)}</packager>\n  <url>${text(tag.url)}</url>\n  <time file="`,
    beforeHref:
      `" build="${header.numbers(tag.buildTime)[0] ?? 0}"/>\n` +
      `  <size package="${file.size}" installed="${firstOf(header.numbers(tag.longSize), header.numbers(tag.size))}" archive="${archiveSize}"/>\n  <location href="`,
    afterHref:
      `"/>\n  <format>\n    <rpm:license>${text(tag.license)}</rpm:license>\n    <rpm:vendor>${text(tag.vendor)}</rpm:vendor>\n    <rpm:group>${text(tag.group)}</rpm:group>\n` +
      `    <rpm:buildhost>${text(tag.buildHost)}</rpm:buildhost>\n    <rpm:sourcerpm>${text(tag.sourceRpm)}</rpm:sourcerpm>\n` +
      `    <rpm:header-range start="${head.headerRange.start}" end="${head.headerRange.end}"/>\n${dependencyElements(header, files, listed)}` +
      `${fileElements(files.filter(({ path }) => isPrimaryPath(path)), '    ', listed)}  </format>\n</package>\n`,
    filelists: `${named}${fileElements(files, '  ', listed)}</package>\n`,
    other: `${named}${changelogElements(header)}</package>\n`,
  };
}

function firstOf(...lists: readonly (readonly number[])[]): number {
  return lists.find((list) => list.length > 0)?.[0] ?? 0;
}

function versionElement({ epoch, version, release }: PackageIdentity): string {
  return `<version epoch="${epoch}" ver="${escapeAttribute(version)}" rel="${escapeAttribute(release)}"/>`;
}

function publishedFiles(header: RpmHeader): readonly PublishedFile[] {
  const paths = readPaths(header);
  if (paths.length === 0) return [];
  const [modes, flags] = [header.numbers(tag.fileModes), header.numbers(tag.fileFlags)];
  if (modes.length !== paths.length || flags.length !== paths.length) throw refusal("the package's file list is damaged: its parts differ in number");
  return paths.map((path, index) => ({ path, type: fileType(modes[index] as number, flags[index] as number) }));
}

function fileType(mode: number, flags: number): PublishedFile['type'] {
  if ((mode & 0o170000) === 0o040000) return 'dir';
  return (flags & ghostFlag) === 0 ? 'file' : 'ghost';
}

type Room = (element: string) => string;

function createRoom(most: number): Room {
  let left = most;
  return (element) => {
    if ((left -= element.length) < 0) throw limitExceeded(`repository metadata would list more than ${most} characters of the package's files and dependencies`);
    return element;
  };
}

function fileElements(files: readonly PublishedFile[], indent: string, room: Room): string {
  let elements = '';
  for (const { path, type } of files) elements += room(type === 'file' ? `${indent}<file>${escapeName(path)}</file>\n` : `${indent}<file type="${type}">${escapeName(path)}</file>\n`);
  return elements;
}

function escapeName(name: string): string {
  const escaped = escapeText(name);
  if (escaped !== name) assertFits(name);
  return escaped;
}

function assertFits(name: string): void {
  if (!fitsXml(name)) throw refusal(`the package has the name ${JSON.stringify(name.slice(0, 200))} in it, with characters that repository metadata cannot hold`);
}

function dependencyElements(header: RpmHeader, files: readonly PublishedFile[], room: Room): string {
  const dependencies = publishedDependencies(header, files);
  let elements = '';
  for (const kind of kindsInOrder) {
    if (dependencies[kind].length === 0) continue;
    elements += `    <rpm:${kind}>\n`;
    for (const dependency of dependencies[kind]) elements += room(dependencyElement(dependency, kind === 'requires'));
    elements += `    </rpm:${kind}>\n`;
  }
  return elements;
}

function dependencyElement({ name, comparison, version, before }: Dependency, ordered: boolean): string {
  if (name === '') return '';
  const escaped = escapeAttribute(name);
  if (escaped !== name) assertFits(name);
  let attributes = `name="${escaped}"`;
  if (comparison !== undefined && version !== undefined) {
    attributes += ` flags="${comparison}" epoch="${version.epoch}"`;
    if (version.version !== '') attributes += ` ver="${escapeAttribute(version.version)}"`;
    if (version.release !== undefined && version.release !== '') attributes += ` rel="${escapeAttribute(version.release)}"`;
  }
  return `      <rpm:entry ${attributes}${ordered && before === true ? ' pre="1"' : ''}/>\n`;
}

function changelogElements(header: RpmHeader): string {
  let elements = '';
  for (const { author, time, text } of publishedChangelogs(readChangelogs(header, changelogLimit))) elements += `  <changelog author="${escapeAttribute(author)}" date="${time}">${escapeText(text)}</changelog>\n`;
  return elements;
}

/** Oldest first. Entries of the same time are told apart by seconds: readers sort by it. */
function publishedChangelogs(newestFirst: readonly Changelog[]): readonly Changelog[] {
  const published: { time: number; readonly author: string; readonly text: string }[] = [];
  let last = 0;
  for (const { time, author, text } of newestFirst) {
    if (time === last) shiftEqualTimes(published, time);
    last = time;
    published.unshift({ time, author: withoutEndingSpaces(author), text });
  }
  return published;
}

/** Never the first character. Not by a pattern, which would take quadratic time. */
function withoutEndingSpaces(text: string): string {
  let end = text.length;
  while (end > 1 && text[end - 1] === ' ') end -= 1;
  return text.slice(0, end);
}

function shiftEqualTimes(newer: { time: number }[], time: number): void {
  let taken = time;
  for (const entry of newer) {
    if (entry.time !== taken) return;
    entry.time += 1;
    taken += 1;
  }
}
