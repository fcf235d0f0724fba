import { decodeSegment, normalisePath, parseDeclaredUrl } from '../declarations/declared-url.js';
import type { InspectedRequest } from '../../inspection/inspector.js';

export interface RepositoryPlace {
  /** Directory that `repodata/` lies in, with its origin and a slash at the end: `https://host:443/fedora/os/`. */
  readonly base: string;
  /** Name in `repodata/`. */
  readonly file: string;
}

const metadataPath = /^(.*\/)repodata\/([^/]+)$/;
/** Directories above a package that may be its repository. */
const maxAncestors = 6;

/** Where in which repository a request is; undefined for what is not in a `repodata` directory. */
export function parseRepositoryPlace(request: InspectedRequest): RepositoryPlace | undefined {
  const match = metadataPath.exec(normalisePath(request.path));
  const file = match === null ? undefined : decodeSegment(match[2] as string);
  return match === null || file === undefined ? undefined : { base: request.origin + match[1], file };
}

/** The full URL of a file that a repository declares, in the form of `requestUrl`; undefined for what no client could fetch. */
export function resolveLocation(repository: string, { href, base }: { readonly href: string; readonly base?: string | undefined }): string | undefined {
  // `xml:base` may itself be relative, and lacks its last slash more often than not.
  const from = base === undefined ? repository : URL.canParse(base, repository) ? `${new URL(base, repository).href.replace(/\/*$/, '')}/` : undefined;
  // Not `new URL` with the href as it is: names of packages may hold `:` and `#`, and clients put the parts together as text.
  const resolved = from === undefined ? undefined : parseDeclaredUrl(/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(href) ? href : `./${href.replace(/^\/+/, '').replaceAll('#', '%23').replaceAll('?', '%3F')}`, from);
  return resolved === undefined ? undefined : resolved.origin + resolved.path;
}

/** A request's URL as declared ones are compared with. */
export function requestUrl(request: InspectedRequest): string {
  const url = parseDeclaredUrl(request.url);
  return url === undefined ? request.url : url.origin + url.path;
}

/** Directories that the request lies in, the nearest first: one of them may be its repository. */
export function ancestors(request: InspectedRequest): readonly string[] {
  const parts = normalisePath(request.path).split('/').slice(0, -1);
  const directories = parts.map((_part, index) => `${parts.slice(0, parts.length - index).join('/')}/`);
  return directories.slice(0, maxAncestors).map((directory) => request.origin + directory);
}
