import type { Sql } from '../database/sql.js';
import type { ListedPackage, PackageOrigin } from '../repository/listed-package.js';
import type { ContentReference, RepositoryChange } from '../repository/repository-change.js';
import { findNewestOrigins } from './find-origins.js';

export interface Provenance {
  readonly origin: PackageOrigin;
  readonly by: string;
}

interface Added {
  readonly change: RepositoryChange;
  readonly decided: { readonly added: readonly ListedPackage[] };
}

/** Of packages that are new, by their keys: what the first that published each in this state has said, with where its bytes were taken from; else who has had them, by their digest. */
export async function provenanceOf(sql: Sql, accepted: readonly Added[]): Promise<ReadonlyMap<string, Provenance>> {
  const provenance = new Map<string, Provenance>();
  const silent = new Map<string, string>();
  for (const { change, decided } of accepted) {
    for (const { key, sha256 } of decided.added) {
      if (provenance.has(key)) continue;
      const origin = saidOrigin(change, sha256);
      provenance.set(key, { origin, by: change.by });
      if (change.request.kind === 'publish' && !saysWhere(origin)) silent.set(key, sha256);
    }
  }
  const found = await findNewestOrigins(sql, [...new Set(silent.values())]);
  for (const [key, sha256] of silent) {
    const said = provenance.get(key);
    if (said !== undefined) provenance.set(key, { ...said, origin: { ...found.get(sha256), ...said.origin } });
  }
  return provenance;
}

const saysWhere = ({ session, compose, cache, url }: PackageOrigin): boolean => [session, compose, cache, url].some((each) => each !== undefined);

function saidOrigin({ request }: RepositoryChange, sha256: string): PackageOrigin {
  if (!('origin' in request)) return {};
  const taken = request.kind === 'publish' ? request.contents.find((content) => content.sha256 === sha256) : undefined;
  return taken === undefined ? request.origin : { ...originOf(taken), ...request.origin };
}

/** Which entry led to a blob of the cache, nobody has said: the digest names it as well. */
function originOf({ sha256, from }: ContentReference): PackageOrigin {
  return 'cache' in from ? { cache: { instance: from.cache, key: sha256 } } : from;
}
