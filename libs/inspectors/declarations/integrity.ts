import { createHash } from 'node:crypto';
import type { InspectedBody, InspectionContext } from '../../inspection/inspector.js';

export interface IntegrityDigest {
  readonly algorithm: 'sha512' | 'sha384' | 'sha256' | 'sha1';
  /** Lower-case hex. */
  readonly hex: string;
}

const lengths: Readonly<Record<IntegrityDigest['algorithm'], number>> = { sha512: 64, sha384: 48, sha256: 32, sha1: 20 };
const strongestFirst = ['sha512', 'sha384', 'sha256', 'sha1'] as const;
const maxItems = 16;

/** The digests of the strongest algorithm in an `integrity` string; any of them may match. Empty when there is none that can be used. */
export function strongestDigests(integrity: string): readonly IntegrityDigest[] {
  const digests = integrity.slice(0, 4096).split(/\s+/).slice(0, maxItems).flatMap(parseItem);
  const strongest = strongestFirst.find((algorithm) => digests.some((digest) => digest.algorithm === algorithm));
  return digests.filter((digest) => digest.algorithm === strongest);
}

function parseItem(item: string): IntegrityDigest[] {
  const dash = item.indexOf('-');
  const algorithm = strongestFirst.find((name) => name === item.slice(0, dash));
  if (algorithm === undefined) return [];
  const base64 = item.slice(dash + 1).split('?')[0] as string;
  const bytes = Buffer.from(base64, 'base64');
  return bytes.length === lengths[algorithm] ? [{ algorithm, hex: bytes.toString('hex') }] : [];
}

/** Digest of the body as the client sees it, content coding undone. */
export async function digestBody(body: InspectedBody, algorithm: IntegrityDigest['algorithm'], context: InspectionContext): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of body.open() as AsyncIterable<Buffer>) {
    context.signal?.throwIfAborted();
    hash.update(chunk);
  }
  return hash.digest('hex');
}
