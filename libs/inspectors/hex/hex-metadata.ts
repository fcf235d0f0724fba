import type { ArtefactMetadata } from '../../inspection/inspection.js';
import { refusal } from '../../inspection/refusal.js';
import { spdxLicense } from '../documents/spdx-license.js';
import { readErlangTerms, type ErlangTerm } from './erlang-terms.js';
import { isHexName, isHexVersion, type HexId } from './hex-id.js';

/** What the metadata of a package say of it. */
export interface HexSpecification extends HexId {
  readonly metadata: Partial<ArtefactMetadata>;
}

export const hexMetadataLimit = 1024 * 1024;
const maxItems = 32;

/** Reads `metadata.config`: `{<<"key">>, Value}.` a line. Throws the reason when it names no release. */
export function readHexMetadata(bytes: Buffer): HexSpecification {
  const fields = new Map<string, ErlangTerm>();
  for (const term of readErlangTerms(bytes)) {
    const [key, value, ...rest] = Array.isArray(term) ? (term as readonly ErlangTerm[]) : [];
    if (typeof key !== 'string' || value === undefined || rest.length > 0) throw refusal('the metadata of the package have something that is not a key with a value');
    if (fields.has(key)) throw refusal(`the metadata of the package have ${JSON.stringify(key.slice(0, 120))} twice`);
    fields.set(key, value);
  }
  // Packages of the first years have the name of their application only.
  const name = text(fields.get('name')) || text(fields.get('app'));
  const version = text(fields.get('version'));
  if (!isHexName(name) || !isHexVersion(version)) throw refusal('the metadata of the package have no valid name and version');
  const licences = texts(fields.get('licenses'));
  return {
    name,
    version,
    metadata: {
      description: text(fields.get('description')),
      license: licences.map(spdxLicense).join(' OR '),
      author: texts(fields.get('maintainers')).join(', '),
      vendor: links(fields.get('links')),
    },
  };
}

/** The first link, a list of pairs. */
function links(term: ErlangTerm | undefined): string {
  const [first] = Array.isArray(term) ? (term as readonly ErlangTerm[]) : [];
  return Array.isArray(first) ? text((first as readonly ErlangTerm[])[1]) : '';
}

function texts(term: ErlangTerm | undefined): readonly string[] {
  return Array.isArray(term) ? (term as readonly ErlangTerm[]).slice(0, maxItems).flatMap((item) => (typeof item === 'string' ? [item] : [])) : [];
}

function text(term: ErlangTerm | undefined): string {
  return typeof term === 'string' ? term : '';
}
