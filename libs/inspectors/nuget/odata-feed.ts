import { refusal } from '../../inspection/refusal.js';
import { parseDeclaredUrl } from '../declarations/declared-url.js';
import type { XmlElement } from '../documents/bounded-xml.js';
import type { PackageDeclaration } from './declared-package.js';
import { localName } from './nuspec.js';
import { readPackageHash } from './package-hash.js';
import { isPackageId, normaliseVersion } from './package-id.js';

/** What a document of the old protocol (version 2, OData in Atom) is, and the packages whose hashes it declares. */
export interface ODataDocument {
  readonly kind: 'service' | 'schema' | 'feed' | 'entry';
  readonly entries: number;
  readonly packages: readonly PackageDeclaration[];
}

const kinds: Readonly<Record<string, ODataDocument['kind']>> = { service: 'service', Edmx: 'schema', feed: 'feed', entry: 'entry' };

/** Undefined when the root is of no document of the protocol; throws a reason for entries that are of no package. `base` resolves their URLs. */
export function readODataDocument(root: XmlElement, base: string): ODataDocument | undefined {
  const name = localName(root);
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  if (kind === undefined) return undefined;
  const entries = kind === 'entry' ? [root] : kind === 'feed' ? root.children.filter((child) => localName(child) === 'entry') : [];
  const xmlBase = root.attributes.get('xml:base') ?? '';
  return { kind, entries: entries.length, packages: entries.flatMap((entry) => readEntry(entry, parseDeclaredUrl(xmlBase, base) === undefined ? base : new URL(xmlBase, base).href)) };
}

function readEntry(entry: XmlElement, base: string): PackageDeclaration[] {
  const content = child(entry, 'content');
  const properties = child(entry, 'properties') ?? child(content, 'properties');
  const text = (name: string): string => child(properties, name)?.text ?? '';
  // The first name of the protocol for the id is the entry's title.
  const id = text('Id') || (child(entry, 'title')?.text ?? '');
  const version = normaliseVersion(text('NormalizedVersion') || text('Version'));
  if (!isPackageId(id) || version === undefined) throw refusal('the feed has an entry without a valid package id and version');
  const hash = readPackageHash(text('PackageHash'), text('PackageHashAlgorithm'));
  const url = parseDeclaredUrl(content?.attributes.get('src') ?? '', base);
  return hash === undefined ? [] : [{ id, version, ...hash, url: content?.attributes.has('src') === true && url !== undefined ? url.origin + url.path : '' }];
}

function child(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element?.children.find((candidate) => localName(candidate) === name);
}
