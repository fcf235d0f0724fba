import { createHash } from 'node:crypto';
import type { InspectedBody, InspectedResponse, InspectionContext } from '../../inspection/inspector.js';

export type DigestAlgorithm = 'sha256' | 'sha512';

/** A digest of the OCI image specification, "Descriptors": `sha256:` or `sha512:` and lower-case hex. */
export interface OciDigest {
  readonly algorithm: DigestAlgorithm;
  /** With the algorithm: `sha256:…`. */
  readonly text: string;
}

/** A response as inspectors get it. */
export interface ReceivedContent {
  readonly response: InspectedResponse;
  readonly body: InspectedBody;
  readonly context: InspectionContext;
}

const digestPattern = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** Undefined for what is no digest, and for algorithms that are not registered. */
export function parseDigest(text: string): OciDigest | undefined {
  if (!digestPattern.test(text)) return undefined;
  return { algorithm: text.startsWith('sha256:') ? 'sha256' : 'sha512', text };
}

/** Digest (`sha256:…`) and size of the whole body, content coding undone. Reads it only when the proxy has not done that already. */
export async function measure(
  algorithm: DigestAlgorithm,
  { response, body, context }: ReceivedContent,
): Promise<{ readonly digest: string; readonly size: number }> {
  if (algorithm === 'sha256' && (response.header('content-encoding') ?? '').trim() === '') return { digest: `sha256:${body.sha256}`, size: body.size };
  const hash = createHash(algorithm);
  let size = 0;
  for await (const chunk of body.open() as AsyncIterable<Buffer>) {
    context.signal?.throwIfAborted();
    hash.update(chunk);
    size += chunk.length;
  }
  return { digest: `${algorithm}:${hash.digest('hex')}`, size };
}
