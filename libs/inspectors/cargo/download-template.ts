import { normalisePath, parseDeclaredUrl } from '../declarations/declared-url.js';
import type { InspectedRequest } from '../../inspection/inspector.js';
import { cratePrefix, type CrateId } from './crate-id.js';

const marker = /\{(?:crate|version|prefix|lowerprefix|sha256-checksum)\}/g;

/** Whether a registry with this `dl` template serves the release at the URL that was asked for. `checksum` is the index's, in hex. */
export function isDownloadUrl(template: string, crate: CrateId & { readonly checksum: string }, request: InspectedRequest): boolean {
  const declared = parseDeclaredUrl(downloadUrl(template, crate));
  const query = request.query === '' ? '' : `?${request.query}`;
  return declared !== undefined && declared.origin === request.origin && declared.path === normalisePath(request.path) + query;
}

/** The URL that cargo makes of a `dl` template; one without markers is the directory above `/{crate}/{version}/download`. */
function downloadUrl(template: string, { name, version, checksum }: CrateId & { readonly checksum: string }): string {
  const values: Readonly<Record<string, string>> = {
    '{crate}': name,
    '{version}': version,
    '{prefix}': cratePrefix(name),
    '{lowerprefix}': cratePrefix(name.toLowerCase()),
    '{sha256-checksum}': checksum,
  };
  const whole = template.search(marker) < 0 ? `${template}/{crate}/{version}/download` : template;
  return whole.replace(marker, (found) => values[found] ?? found);
}
