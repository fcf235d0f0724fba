import { timingSafeEqual } from 'node:crypto';
import { MillraceError } from '../errors/millrace-error.js';

const lengths = { sha256: 32, sha384: 48, sha512: 64 } as const;
export type ChecksumAlgorithm = keyof typeof lengths;

export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  /** Any of them will do. */
  readonly values: readonly Buffer[];
}

/**
 * Subresource Integrity: `<algorithm>-<base64>[?options]`, several divided by white space; of several algorithms the strongest counts.
 * Errors: `invalid-request` where nothing could be checked.
 */
export function parseChecksum(text: string): Checksum {
  const all = text.trim().split(/\s+/).flatMap((item) => parseOne(item) ?? []);
  const strongest = (['sha512', 'sha384', 'sha256'] as const).find((algorithm) => all.some((one) => one.algorithm === algorithm));
  if (strongest === undefined) throw new MillraceError('invalid-request', `checksum.sri is not <algorithm>-<base64> of sha256, sha384 or sha512: ${text.slice(0, 200)}`);
  return { algorithm: strongest, values: all.filter(({ algorithm }) => algorithm === strongest).map(({ value }) => value) };
}

function parseOne(item: string): { readonly algorithm: ChecksumAlgorithm; readonly value: Buffer } | undefined {
  const [, algorithm, encoded = ''] = /^(sha256|sha384|sha512)-([A-Za-z0-9+/_-]+={0,2})(?:\?.*)?$/.exec(item) ?? [];
  if (algorithm === undefined) return undefined;
  const value = Buffer.from(encoded, 'base64');
  const known = algorithm as ChecksumAlgorithm;
  return value.length === lengths[known] ? { algorithm: known, value } : undefined;
}

export function matchesChecksum({ values }: Checksum, digest: Buffer): boolean {
  return values.some((value) => value.length === digest.length && timingSafeEqual(value, digest));
}
