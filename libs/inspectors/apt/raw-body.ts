import { createHash } from 'node:crypto';
import type { InspectedBody, InspectionContext } from '../../inspection/inspector.js';
import { limitExceeded } from '../../inspection/refusal.js';

/** All bytes as transferred, because apt never undoes a content coding; throws a reason when they are more than `limit`. */
export async function readRaw(body: InspectedBody, limit: number): Promise<Buffer> {
  if (body.size > limit) throw limitExceeded(`the file is larger than ${limit} bytes`);
  const chunks: Buffer[] = [];
  for await (const chunk of body.open({ raw: true }) as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Digest of the bytes as transferred, lower-case hex. */
export async function rawDigest(body: InspectedBody, algorithm: 'sha256' | 'sha512' | 'sha1' | 'md5', context: InspectionContext): Promise<string> {
  if (algorithm === 'sha256') return body.sha256;
  if (algorithm === 'sha1') return body.sha1;
  const hash = createHash(algorithm);
  for await (const chunk of body.open({ raw: true }) as AsyncIterable<Buffer>) {
    context.signal?.throwIfAborted();
    hash.update(chunk);
  }
  return hash.digest('hex');
}

/** Whether the body is the one that an index declares by size and SHA-256 or SHA-512. */
export async function isDeclared(body: InspectedBody, declared: { readonly size: number; readonly digest: string }, context: InspectionContext): Promise<boolean> {
  return body.size === declared.size && (await rawDigest(body, declared.digest.length === 64 ? 'sha256' : 'sha512', context)) === declared.digest;
}
