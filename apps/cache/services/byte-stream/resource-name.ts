import type { CacheDigest, DigestFunction } from '../../../../libs/cache/cache-digest.js';
import { MillraceError } from '../../../../libs/errors/millrace-error.js';
import { cacheDigest } from '../wire-digest.js';

export interface BlobResource {
  /** As the client says it: `''` for the main instance. */
  readonly instance: string;
  readonly digest: CacheDigest;
  readonly compressed: boolean;
}

export interface UploadResource extends BlobResource {
  /** What the client calls this upload; undefined: nothing, so that it cannot be taken up again. */
  readonly upload: string | undefined;
}

const nameLength = 1_024;
const blobKeywords = new Set(['blobs', 'compressed-blobs']);

/** `[{instance}/]blobs/[{function}/]{hash}/{size}` and `[{instance}/]compressed-blobs/zstd/…`; BuildStream before 1.2 says `{hash}/{size}`. Errors: `invalid-request`. */
export function parseReadName(name: string): BlobResource {
  const segments = segmentsOf(name);
  const start = segments.findIndex((segment) => blobKeywords.has(segment));
  if (start < 0) return { instance: '', digest: oldDigest(name, segments), compressed: false };
  return { instance: segments.slice(0, start).join('/'), ...blobOf(name, segments.slice(start), 'nothing') };
}

/** `[{instance}/]uploads/{uuid}/blobs/[{function}/]{hash}/{size}[/…]` and so on. What follows the size is the client's own. Errors: `invalid-request`. */
export function parseWriteName(name: string): UploadResource {
  const segments = segmentsOf(name);
  const start = segments.indexOf('uploads');
  if (start < 0 && !segments.some((segment) => blobKeywords.has(segment))) return { instance: '', upload: undefined, digest: oldDigest(name, segments), compressed: false };
  const upload = segments[start + 1];
  if (start < 0 || upload === undefined || upload === '') throw invalid(name);
  return { instance: segments.slice(0, start).join('/'), upload, ...blobOf(name, segments.slice(start + 2), 'anything') };
}

function blobOf(name: string, segments: readonly string[], after: 'nothing' | 'anything'): Omit<BlobResource, 'instance'> {
  const [keyword, ...rest] = segments;
  const compressed = keyword === 'compressed-blobs';
  if (keyword === undefined || !blobKeywords.has(keyword)) throw invalid(name);
  if (compressed && rest[0] !== 'zstd') throw new MillraceError('invalid-request', `"${name}": zstd is the only compression that the cache serves`);
  const [digests, tail] = functionOf(name, compressed ? rest.slice(1) : rest);
  const [hash, size, ...more] = tail;
  if (hash === undefined || size === undefined || (after === 'nothing' && more.length > 0)) throw invalid(name);
  return { digest: digestOf(name, { hash, size, digests }), compressed };
}

function functionOf(name: string, segments: readonly string[]): readonly [DigestFunction, readonly string[]] {
  const [first] = segments;
  if (first === undefined || /^[0-9a-f]{32,128}$/.test(first)) return ['sha256', segments];
  if (first === 'blake3' || first === 'sha256') return [first, segments.slice(1)];
  throw new MillraceError('invalid-request', `"${name}": the cache serves digests of SHA-256 and BLAKE3, 64 lower-case hex digits`);
}

function oldDigest(name: string, segments: readonly string[]): CacheDigest {
  const [hash, size, ...more] = segments;
  if (hash === undefined || size === undefined || more.length > 0) throw invalid(name);
  return digestOf(name, { hash, size, digests: 'sha256' });
}

function digestOf(name: string, { hash, size, digests }: { readonly hash: string; readonly size: string; readonly digests: DigestFunction }): CacheDigest {
  if (!/^(0|[1-9]\d{0,15})$/.test(size)) throw invalid(name);
  return cacheDigest(hash, { size: Number(size), digests, what: `"${name}"` });
}

function segmentsOf(name: string): readonly string[] {
  if (name.length > nameLength) throw new MillraceError('invalid-request', `a resource name of ${name.length} characters`);
  return name.split('/');
}

function invalid(name: string): MillraceError {
  return new MillraceError('invalid-request', `"${name}" names no blob: blobs/<hash>/<size> is meant, and uploads/<uuid>/blobs/<hash>/<size> for a write`);
}
