import { isRecord, own } from '../../inspection/bounded-json.js';
import { refusal } from '../../inspection/refusal.js';
import type { PackageDeclaration } from './declared-package.js';
import { readPackageHash } from './package-hash.js';
import { isPackageId, normaliseVersion, type PackageId } from './package-id.js';

/** A document of the protocol of version 3 (https://learn.microsoft.com/nuget/api/overview). */
export type JsonDocument =
  | { readonly kind: 'service-index'; readonly resources: readonly ServiceResource[] }
  | { readonly kind: 'versions' | 'search' | 'registration' | 'vulnerabilities'; readonly entries: number }
  | { readonly kind: 'registration-leaf'; readonly catalogEntry: string }
  | { readonly kind: 'catalog-leaf'; readonly release: PackageId; readonly declaration: PackageDeclaration | undefined; readonly published: string }
  | { readonly kind: 'repository-signatures'; readonly allSigned: boolean; readonly fingerprints: readonly string[] };

export interface ServiceResource {
  readonly url: string;
  /** Such as `PackageBaseAddress/3.0.0`. */
  readonly type: string;
}

const maxItems = 500_000;
const maxResources = 1000;
const maxText = 4096;
const sha256Oid = '2.16.840.1.101.3.4.2.1';

/** Tells a document by its shape; undefined when it has none of them. Throws a reason for one that is damaged. */
export function readJsonDocument(document: unknown): JsonDocument | undefined {
  if (Array.isArray(document)) return document.length > 0 && document.every(isVulnerabilityPage) ? { kind: 'vulnerabilities', entries: document.length } : undefined;
  if (!isRecord(document)) return undefined;
  if (Array.isArray(own(document, 'resources'))) return readServiceIndex(document);
  if (Array.isArray(own(document, 'versions'))) return readVersions(listOf(document, 'versions'));
  if (Array.isArray(own(document, 'signingCertificates'))) return readSignatures(document);
  if (Array.isArray(own(document, 'data'))) return { kind: 'search', entries: listOf(document, 'data').length };
  if (typeof own(document, 'packageHash') === 'string') return readCatalogLeaf(document);
  if (typeof own(document, 'catalogEntry') === 'string') return { kind: 'registration-leaf', catalogEntry: textOf(document, 'catalogEntry') };
  if (Array.isArray(own(document, 'items'))) return readRegistration(listOf(document, 'items'));
  const lists = Object.values(document);
  return lists.length > 0 && lists.every((list) => Array.isArray(list) && list.every(isVulnerability)) ? { kind: 'vulnerabilities', entries: lists.length } : undefined;
}

function readServiceIndex(document: Record<string, unknown>): JsonDocument {
  const version = own(document, 'version');
  if (typeof version !== 'string' || !/^3\.\d/.test(version)) throw refusal('the service index is not one of version 3');
  const resources = listOf(document, 'resources');
  if (resources.length > maxResources) throw refusal(`the service index has more than ${maxResources} resources`);
  return {
    kind: 'service-index',
    resources: resources.flatMap((resource) => {
      if (!isRecord(resource)) throw refusal('the service index has a resource that is no object');
      const types = own(resource, '@type');
      const url = textOf(resource, '@id');
      return (Array.isArray(types) ? types : [types]).filter((type): type is string => typeof type === 'string' && type.length <= 256).map((type) => ({ url, type }));
    }),
  };
}

function readVersions(versions: readonly unknown[]): JsonDocument {
  if (versions.some((version) => typeof version !== 'string' || normaliseVersion(version) === undefined)) throw refusal('the list of versions holds something else');
  return { kind: 'versions', entries: versions.length };
}

function readRegistration(items: readonly unknown[]): JsonDocument | undefined {
  const shaped = items.every((item) => isRecord(item) && typeof own(item, '@id') === 'string' && (Array.isArray(own(item, 'items')) || 'catalogEntry' in item || 'count' in item));
  return shaped ? { kind: 'registration', entries: items.length } : undefined;
}

function readCatalogLeaf(document: Record<string, unknown>): JsonDocument {
  const id = textOf(document, 'id');
  const version = normaliseVersion(textOf(document, 'version'));
  if (!isPackageId(id) || version === undefined) throw refusal('the catalogue entry has no valid id and version');
  const hash = readPackageHash(own(document, 'packageHash'), own(document, 'packageHashAlgorithm'));
  const published = own(document, 'published');
  return {
    kind: 'catalog-leaf',
    release: { id, version },
    declaration: hash === undefined ? undefined : { id, version, ...hash, url: '' },
    published: typeof published === 'string' && !published.startsWith('1900-') && !Number.isNaN(Date.parse(published)) ? new Date(published).toISOString() : '',
  };
}

function readSignatures(document: Record<string, unknown>): JsonDocument {
  const fingerprints = listOf(document, 'signingCertificates').map((certificate) => {
    const all = isRecord(certificate) ? own(certificate, 'fingerprints') : undefined;
    const fingerprint = isRecord(all) ? own(all, sha256Oid) : undefined;
    if (typeof fingerprint !== 'string' || !/^[0-9a-fA-F]{64}$/.test(fingerprint)) throw refusal('the repository signatures have a certificate without a SHA-256 fingerprint');
    return fingerprint.toLowerCase();
  });
  return { kind: 'repository-signatures', allSigned: own(document, 'allRepositorySigned') === true, fingerprints };
}

function isVulnerabilityPage(page: unknown): boolean {
  return isRecord(page) && typeof own(page, '@name') === 'string' && typeof own(page, '@id') === 'string';
}

function isVulnerability(entry: unknown): boolean {
  return isRecord(entry) && typeof own(entry, 'url') === 'string' && typeof own(entry, 'versions') === 'string';
}

function listOf(record: Record<string, unknown>, key: string): readonly unknown[] {
  const list = own(record, key) as readonly unknown[];
  if (list.length > maxItems) throw refusal(`the document has more than ${maxItems} ${key}`);
  return list;
}

function textOf(record: Record<string, unknown>, key: string): string {
  const value = own(record, key);
  if (typeof value !== 'string' || value === '' || value.length > maxText) throw refusal(`the document has no valid ${JSON.stringify(key)}`);
  return value;
}
