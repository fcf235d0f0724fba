import { isRecord, own } from '../../inspection/bounded-json.js';
import { refusal } from '../../inspection/refusal.js';
import { normalisePath, parseDeclaredUrl, type DeclaredUrl } from '../declarations/declared-url.js';
import type { FileDeclaration } from '../declarations/declared-files.js';
import { strongestDigests } from '../declarations/integrity.js';
import { readPublicationTime } from '../declarations/publication-time.js';
import { packSignatures } from './registry-signatures.js';

/** One version of a package document. */
export interface DeclaredVersion {
  readonly version: string;
  readonly tarball: DeclaredUrl;
  /** Integrity string of the strongest algorithm; empty when the document has only SHA-1 or nothing. */
  readonly integrity: string;
  /** SHA-1 in hex, or empty. */
  readonly shasum: string;
  /** As `readPublicationTime` gives it; empty in an abbreviated document. */
  readonly published: string;
  /** The registry's signatures, see `packSignatures`. */
  readonly signatures: string;
}

const maxVersions = 100_000;
const sha1Hex = /^[0-9a-fA-F]{40}$/;

/** Checks a parsed package document, whole or abbreviated, against the name that was asked for. Throws the reason when it is none. */
export function readPackument(document: unknown, name: string, url: string): readonly DeclaredVersion[] {
  if (!isRecord(document)) throw refusal('the package document is not a JSON object');
  if (own(document, 'name') !== name) throw refusal(`the package document is not that of ${JSON.stringify(name)}`);
  const versions = own(document, 'versions');
  if (!isRecord(versions)) throw refusal('the package document has no versions');
  const entries = Object.entries(versions);
  if (entries.length > maxVersions) throw refusal(`the package document has more than ${maxVersions} versions`);
  const time = own(document, 'time');
  const times = isRecord(time) ? time : {};
  return entries.map(([version, manifest]) => readVersion(version, manifest, { name, url, times }));
}

function readVersion(version: string, manifest: unknown, packument: { name: string; url: string; times: Record<string, unknown> }): DeclaredVersion {
  const shown = JSON.stringify(version.slice(0, 64));
  if (!isRecord(manifest)) throw refusal(`version ${shown} of the package document is not an object`);
  if (own(manifest, 'name') !== packument.name || own(manifest, 'version') !== version)
    throw refusal(`version ${shown} of the package document has another name or version inside`);
  const dist = own(manifest, 'dist');
  const tarball = isRecord(dist) ? own(dist, 'tarball') : undefined;
  if (!isRecord(dist) || typeof tarball !== 'string') throw refusal(`version ${shown} of the package document names no tarball`);
  const location = parseDeclaredUrl(tarball, packument.url);
  if (location === undefined) throw refusal(`version ${shown} of the package document has a tarball URL that cannot be fetched`);
  const integrity = own(dist, 'integrity');
  const shasum = own(dist, 'shasum');
  return {
    version,
    tarball: location,
    integrity: typeof integrity === 'string' && strongestDigests(integrity).length > 0 ? integrity.slice(0, 1024) : '',
    shasum: typeof shasum === 'string' && sha1Hex.test(shasum) ? shasum.toLowerCase() : '',
    published: readPublicationTime(own(packument.times, version)),
    signatures: packSignatures(own(dist, 'signatures')),
  };
}

/**
 * Where a client may fetch each version from: as declared, and, when that is another origin than the document's, at the document's own
 * origin too. npm puts the registry it was told to use in the place of the declared one, so that mirrors work.
 */
export function tarballLocations(versions: readonly DeclaredVersion[], packument: { origin: string; basePath: string }): [DeclaredUrl, FileDeclaration][] {
  return versions.flatMap((version): [DeclaredUrl, FileDeclaration][] => {
    const digest = version.integrity === '' ? version.shasum && `sha1:${version.shasum}` : version.integrity;
    const declaration = [digest, version.version, version.published, version.signatures];
    if (version.tarball.origin === packument.origin) return [[version.tarball, declaration]];
    const basePath = normalisePath(packument.basePath);
    const paths =
      basePath === '' || version.tarball.path.startsWith(`${basePath}/`) ? [version.tarball.path] : [version.tarball.path, basePath + version.tarball.path];
    return [[version.tarball, declaration], ...paths.map((path): [DeclaredUrl, FileDeclaration] => [{ origin: packument.origin, path }, declaration])];
  });
}
