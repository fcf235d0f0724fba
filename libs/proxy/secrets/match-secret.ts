import type { SessionSecret } from '../../session/session-secrets.js';
import { compileGlob } from '../../policy/glob.js';

type Compiled = readonly { readonly secret: SessionSecret; readonly matches: (url: string) => boolean }[];

/** A session's list is one array for its whole life, so it is compiled once and forgotten with it. */
const compiled = new WeakMap<readonly SessionSecret[], Compiled>();

/**
 * `.` and `..` segments, also percent-encoded, behind an encoded slash or with path parameters (`..;`): the server resolves them, so
 * the path is not the one that the glob was written for.
 */
const dotSegment = /(?:^|[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?:$|[/\\;]|%2f|%5c|%3b)/i;

/**
 * The first secret whose glob matches the normalised URL (`https://host:443/path?query`), query included.
 *
 * The scheme and authority of the glob are matched apart from the path, so that a `**` in the host can never reach into the path:
 * `https://**.example.org:443/**` must not hand the credentials to `https://evil.test:443/x.example.org:443/`. A path with dot segments matches
 * nothing: `/org/../other` would carry the credentials of `/org/**` out of it.
 */
export function matchSecret(secrets: readonly SessionSecret[], url: string): SessionSecret | undefined {
  if (secrets.length === 0) return undefined;
  let list = compiled.get(secrets);
  if (list === undefined) {
    list = secrets.map((secret) => ({ secret, matches: compileUrlGlob(secret.url) }));
    compiled.set(secrets, list);
  }
  const found = list.find((entry) => entry.matches(url));
  return found === undefined || hasDotSegments(url) ? undefined : found.secret;
}

/** Compiles a glob over normalised URLs; see `matchSecret`. A glob without `://` is matched against the whole URL. */
export function compileUrlGlob(pattern: string): (url: string) => boolean {
  const [patternOrigin, patternPath] = splitUrl(pattern);
  if (patternOrigin === undefined) return compileGlob(pattern);
  const originMatches = compileGlob(patternOrigin.toLowerCase());
  const pathMatches = compileGlob(patternPath);
  return (url) => {
    const [origin, path] = splitUrl(url);
    return origin !== undefined && originMatches(origin) && pathMatches(path);
  };
}

function hasDotSegments(url: string): boolean {
  const question = url.indexOf('?');
  return dotSegment.test(splitUrl(question === -1 ? url : url.slice(0, question))[1]);
}

function splitUrl(url: string): [origin: string | undefined, path: string] {
  const colon = url.indexOf('://');
  if (colon === -1) return [undefined, url];
  const slash = url.indexOf('/', colon + 3);
  return slash === -1 ? [url, ''] : [url.slice(0, slash), url.slice(slash)];
}
