import type { CacheDigest, DigestFunction } from '../../../libs/cache/cache-digest.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { Digest } from '../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { DigestFunction_Value as WireFunction } from '../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';

/** Unset means SHA-256: of the two that are served, the only one that may be left out. Errors: `invalid-request`. */
export function digestFunctionOf(value: WireFunction): DigestFunction {
  if (value === WireFunction.UNKNOWN || value === WireFunction.SHA256) return 'sha256';
  if (value === WireFunction.BLAKE3) return 'blake3';
  throw new MillraceError('invalid-request', `the cache serves digests of SHA-256 and BLAKE3, not of ${WireFunction[value] ?? `function ${value}`}`);
}

export function wireFunctionOf(digestFunction: DigestFunction): WireFunction {
  return digestFunction === 'sha256' ? WireFunction.SHA256 : WireFunction.BLAKE3;
}

/** Errors: `invalid-request`; `what` says which digest of the request it is. */
export function demandDigest(digest: Digest | undefined, { digests, what }: { readonly digests: DigestFunction; readonly what: string }): CacheDigest {
  if (digest === undefined) throw new MillraceError('invalid-request', `${what} is missing`);
  return cacheDigest(digest.hash, { size: digest.sizeBytes, digests, what });
}

/** Errors: `invalid-request`. */
export function cacheDigest(hash: string, { size, digests, what }: { readonly size: number; readonly digests: DigestFunction; readonly what: string }): CacheDigest {
  if (!/^[0-9a-f]{64}$/.test(hash)) throw new MillraceError('invalid-request', `${what} has the hash "${hash.slice(0, 80)}": 64 lower-case hex digits are needed`);
  if (!Number.isSafeInteger(size) || size < 0) throw new MillraceError('invalid-request', `${what} has an impossible size: ${size}`);
  return { function: digests, hash, size };
}

export function wireDigest({ hash, size }: CacheDigest): Digest {
  return { hash, sizeBytes: size };
}
