import { isRecord, own } from '../../inspection/bounded-json.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { parseDeclaredUrl, type DeclaredUrl } from '../declarations/declared-url.js';
import { isComposerName } from './package-name.js';

/** The archive of one version of a package. */
export interface DeclaredDist {
  readonly version: string;
  readonly url: DeclaredUrl;
  /** SHA-1 in lower-case hex; empty when the repository gives none, as most that point to forges do. */
  readonly shasum: string;
  /** Usually the commit that the archive was made of; may be empty. */
  readonly reference: string;
  /** As the repository says it, RFC 3339; empty when it does not. */
  readonly time: string;
}

const maxPackages = 20_000;
const maxVersions = 50_000;
const maxVersion = 256;
const sha1Hex = /^[0-9a-fA-F]{40}$/;
const removed = '__unset';

/** Dists by package of a document with `packages`, minified or not. Throws the reason for one that is malformed. `url` is the document's own. */
export function readPackages(document: Record<string, unknown>, url: string): ReadonlyMap<string, readonly DeclaredDist[]> {
  const packages = own(document, 'packages');
  const found = new Map<string, readonly DeclaredDist[]>();
  // PHP writes an empty object as an empty list.
  if (packages === undefined || (Array.isArray(packages) && packages.length === 0)) return found;
  if (!isRecord(packages)) throw refusal('the packages of the document are not an object');
  const entries = Object.entries(packages);
  if (entries.length > maxPackages) throw limitExceeded(`the document has more than ${maxPackages} packages`);
  const minified = own(document, 'minified') === 'composer/2.0';
  for (const [key, value] of entries) {
    const name = key.toLowerCase();
    if (!isComposerName(name)) throw refusal(`the document has a package with the name ${JSON.stringify(key.slice(0, 120))}`);
    found.set(name, readVersions(minified ? expand(versionsOf(value, name)) : versionsOf(value, name), { name, url }));
  }
  return found;
}

function versionsOf(value: unknown, name: string): readonly Record<string, unknown>[] {
  const versions: unknown[] = Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : [];
  if (versions.length > maxVersions) throw limitExceeded(`the document has more than ${maxVersions} versions of ${name}`);
  if (!Array.isArray(value) && !isRecord(value)) throw refusal(`the versions of ${name} are neither a list nor an object`);
  return versions.map((version) => {
    if (!isRecord(version)) throw refusal(`a version of ${name} is not an object`);
    return version;
  });
}

/** Each version of a minified list has only what differs from the one before it. */
function expand(versions: readonly Record<string, unknown>[]): readonly Record<string, unknown>[] {
  const current = new Map<string, unknown>();
  return versions.map((version) => {
    for (const [key, value] of Object.entries(version)) {
      if (value === removed) current.delete(key);
      else current.set(key, value);
    }
    // What is not looked at need not be copied for every version.
    return Object.fromEntries(['name', 'version', 'dist', 'time'].flatMap((key) => (current.has(key) ? [[key, current.get(key)]] : [])));
  });
}

function readVersions(versions: readonly Record<string, unknown>[], { name, url }: { name: string; url: string }): readonly DeclaredDist[] {
  return versions.flatMap((fields) => {
    const inside = own(fields, 'name');
    const version = own(fields, 'version');
    if (inside !== undefined && (typeof inside !== 'string' || inside.toLowerCase() !== name)) throw refusal(`a version of ${name} has another name inside`);
    if (typeof version !== 'string' || version === '' || version.length > maxVersion) throw refusal(`a version of ${name} has no version number`);
    const dist = own(fields, 'dist');
    // Packages may have sources in git only, or nothing (metapackages).
    return isRecord(dist) ? readDist(dist, { name, version, url, time: text(own(fields, 'time')) }) : [];
  });
}

function readDist(dist: Record<string, unknown>, release: { name: string; version: string; url: string; time: string }): DeclaredDist[] {
  const url = own(dist, 'url');
  if (typeof url !== 'string') throw refusal(`version ${release.version} of ${release.name} has a dist without a URL`);
  const location = parseDeclaredUrl(url, release.url);
  // A repository of the machine's own may name a path; no proxy ever sees that.
  if (location === undefined) return [];
  const shasum = text(own(dist, 'shasum'));
  if (shasum !== '' && !sha1Hex.test(shasum)) throw refusal(`version ${release.version} of ${release.name} has a shasum that is no SHA-1`);
  return [{ version: release.version, url: location, shasum: shasum.toLowerCase(), reference: text(own(dist, 'reference')).slice(0, 128), time: release.time.slice(0, 64) }];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
