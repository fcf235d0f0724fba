import { decodeSegment } from '../declarations/declared-url.js';
import { isComposerName } from './package-name.js';

/** What a path of a Composer repository asks for. */
export type RepositoryPath =
  | { readonly kind: 'root' }
  /** A file that is named for its own digest, in hex: parts of the older repository format. */
  | { readonly kind: 'part'; readonly algorithm: 'sha1' | 'sha256'; readonly digest: string }
  /** `well-known`: at the place that repositories use (`p2/`), so that whoever asks means this. */
  | { readonly kind: 'package'; readonly name: string; readonly wellKnown: boolean };

/** Undefined for what is no document of a repository; where documents lie is the repository's own choice, so the ends of paths tell. */
export function parseRepositoryPath(path: string): RepositoryPath | undefined {
  if (!path.endsWith('.json')) return undefined;
  if (path.endsWith('/packages.json')) return { kind: 'root' };
  const digest = /(?:\$|%24)([0-9a-f]{64}|[0-9a-f]{40})\.json$/.exec(path)?.[1];
  if (digest !== undefined) return { kind: 'part', algorithm: digest.length === 64 ? 'sha256' : 'sha1', digest };
  const segments = path.slice(0, -'.json'.length).split('/').slice(-3).map(decodeSegment);
  // Versions of branches are in a document of their own.
  const name = `${segments.at(-2)}/${segments.at(-1)?.replace(/~dev$/, '')}`;
  return isComposerName(name) ? { kind: 'package', name, wellKnown: segments.at(-3) === 'p2' } : undefined;
}
