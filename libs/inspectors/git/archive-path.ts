import type { InspectedRequest } from '../../inspection/inspector.js';
import { normalisePath } from '../declarations/declared-url.js';

/** What a forge is asked for: a snapshot of a repository at a ref. */
export interface ArchiveRequest {
  /** As git would write the repository's URL, first without and then with `.git`. */
  readonly repositories: readonly [string, string];
  /** Branch, tag or commit, without `refs/heads/` and `refs/tags/`. */
  readonly ref: string;
}

const ending = String.raw`\.(?:tar\.gz|tgz|zip)`;
const refs = String.raw`(?:refs/(?:heads|tags)/)?`;
/** The ways in which the well-known forges write it; group 1 is the repository, group 2 the ref. */
const shapes: readonly RegExp[] = [
  new RegExp(`^(/.+)/-/archive/(.+)/[^/]+${ending}$`),
  new RegExp(`^(/.+)/archive/${refs}(.+?)${ending}$`),
  new RegExp(`^(/[^/]+/[^/]+)/(?:legacy\\.)?(?:tar\\.gz|zip)/${refs}(.+)$`),
  new RegExp(`^/(?:.+/)?repos(/[^/]+/[^/]+)/(?:tarball|zipball)/${refs}(.+)$`),
  new RegExp(`^(/.+)/snapshot/[^/]*?-([^/-]+)${ending}$`),
];

/** Undefined when the URL is none of an archive. */
export function parseArchiveRequest(request: InspectedRequest): ArchiveRequest | undefined {
  if (request.method !== 'GET' || request.path.length > 2048) return undefined;
  const path = normalisePath(request.path);
  for (const shape of shapes) {
    const [, repository, ref] = shape.exec(path) ?? [];
    if (repository === undefined || ref === undefined) continue;
    const bare = request.origin + repository.replace(/\.git$/, '');
    return { repositories: [bare, `${bare}.git`], ref };
  }
  return undefined;
}
