import { parseDigest, type OciDigest } from './oci-digest.js';

/** What a path of the distribution API asks for. */
export type RepositoryPath =
  | { readonly kind: 'ping' | 'catalog' }
  | { readonly kind: 'tags' | 'upload'; readonly repository: string }
  | { readonly kind: 'blob'; readonly repository: string; readonly digest: OciDigest }
  | { readonly kind: 'referrers'; readonly repository: string; readonly digest: OciDigest }
  /** `digest` is undefined when the reference is a tag. */
  | { readonly kind: 'manifest'; readonly repository: string; readonly reference: string; readonly digest: OciDigest | undefined }
  /** One of these with a repository, a tag or a digest that cannot be one. */
  | { readonly kind: 'malformed'; readonly reason: string };

const namePattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const maxName = 255;

/** Paths of the OCI distribution specification ("Endpoints"), which always begin at the root of the registry's host. Undefined for others. */
export function parseRepositoryPath(path: string): RepositoryPath | undefined {
  if (path === '/v2/' || path === '/v2') return { kind: 'ping' };
  if (path === '/v2/_catalog') return { kind: 'catalog' };
  const plain = decode(path);
  if (plain === undefined || !plain.startsWith('/v2/')) return undefined;
  const segments = plain.slice('/v2/'.length).split('/');
  const tags = nameBefore(segments, ['tags', 'list']);
  if (tags !== undefined) return withName(tags, { kind: 'tags', repository: tags });
  const upload = uploadName(segments);
  if (upload !== undefined) return withName(upload, { kind: 'upload', repository: upload });
  const last = segments.pop() ?? '';
  const kind = segments.pop();
  const repository = segments.join('/');
  switch (kind) {
    case 'manifests':
      return withName(repository, manifestPath(repository, last));
    case 'blobs':
      return withName(repository, digestPath('blob', repository, last));
    case 'referrers':
      return withName(repository, digestPath('referrers', repository, last));
    default:
      return undefined;
  }
}

export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

export function isRepositoryName(text: string): boolean {
  return text.length <= maxName && namePattern.test(text);
}

function withName(repository: string, path: RepositoryPath): RepositoryPath | undefined {
  if (repository === '') return undefined;
  return isRepositoryName(repository) ? path : { kind: 'malformed', reason: 'the repository name in the URL is not one of the OCI distribution specification' };
}

function manifestPath(repository: string, reference: string): RepositoryPath {
  const digest = parseDigest(reference);
  if (digest === undefined && !isTag(reference))
    return { kind: 'malformed', reason: `the manifest reference in the URL is neither a tag nor a sha256 or sha512 digest` };
  return { kind: 'manifest', repository, reference, digest };
}

function digestPath(kind: 'blob' | 'referrers', repository: string, text: string): RepositoryPath {
  const digest = parseDigest(text);
  return digest === undefined ? { kind: 'malformed', reason: 'the URL has no sha256 or sha512 digest' } : { kind, repository, digest };
}

/** The repository of `<name>/blobs/uploads/` and of what lies below it. */
function uploadName(segments: readonly string[]): string | undefined {
  const index = segments.lastIndexOf('uploads');
  if (index < 2 || segments[index - 1] !== 'blobs' || segments.length > index + 2) return undefined;
  return segments.slice(0, index - 1).join('/');
}

function nameBefore(segments: readonly string[], end: readonly string[]): string | undefined {
  const start = segments.length - end.length;
  if (start < 1 || !end.every((segment, index) => segments[start + index] === segment)) return undefined;
  return segments.slice(0, start).join('/');
}

function decode(path: string): string | undefined {
  if (path.length > 2048) return undefined;
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
