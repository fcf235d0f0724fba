import type { InspectedBody, InspectedRequest, InspectionContext, ResponseInspection } from '../../inspection/inspector.js';
import { componentOf, matchesAny } from './configured-repository.js';
import type { IndexPath } from './index-path.js';
import { entriesIn, entriesNamed, findReleases, type ReleaseEntry } from './known-releases.js';
import { isDeclared, rawDigest } from './raw-body.js';
import { plainPath } from './repository-path.js';

export interface IndexExchange {
  readonly request: InspectedRequest;
  readonly body: InspectedBody;
  readonly context: InspectionContext;
  readonly asked: IndexPath;
}

export type IndexOutcome = { readonly entry: ReleaseEntry } | { readonly undeclared: ResponseInspection };

/** The entry of a signed Release file of this session that the body is, or the opinion when there is none. */
export async function judgeIndex({ request, body, context, asked }: IndexExchange): Promise<IndexOutcome> {
  const path = plainPath(request.path);
  const releases = await findReleases(context.knowledge, request.origin, asked.directory);
  if (asked.byHash !== undefined && (await rawDigest(body, asked.byHash.algorithm, context)) !== asked.byHash.hex)
    return { undeclared: { opinion: 'Rejected', reason: 'the file does not have the digest that its URL names: it was changed, or the mirror is broken' } };
  const entries = asked.byHash === undefined ? entriesNamed(releases, path) : entriesIn(releases, asked.directory);
  for (const entry of entries) {
    if (!(await isDeclared(body, entry, context))) continue;
    const refused = refusedComponent(entry);
    return refused === undefined ? { entry } : { undeclared: refused };
  }
  if (releases.length === 0) {
    return {
      undeclared: {
        opinion: 'Unknown',
        reason: 'no signed Release file of this session declares this index: let apt fetch InRelease through the proxy (empty /var/lib/apt/lists, then apt-get update)',
      },
    };
  }
  if (asked.byHash === undefined && entries.length > 0)
    return { undeclared: { opinion: 'Rejected', reason: 'the index is not the one that the signed Release file declares (SHA-256 or size differs): it was changed, or the mirror is being updated' } };
  return { undeclared: { opinion: 'Unknown', reason: 'the signed Release file of this repository does not declare this index: run apt-get update again' } };
}

function refusedComponent({ release, name }: ReleaseEntry): ResponseInspection | undefined {
  const component = componentOf(name);
  if (release.allowedComponents === undefined || component === undefined || matchesAny(release.allowedComponents, [component])) return undefined;
  return { opinion: 'Rejected', reason: `the component ${JSON.stringify(component.slice(0, 80))} is not one that the session's configuration has for this repository` };
}
