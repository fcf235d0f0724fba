import { status } from '@grpc/grpc-js';
import { pipeline } from 'node:stream/promises';
import type { CacheDigest } from '../../../../libs/cache/cache-digest.js';
import { digestText } from '../../../../libs/cache/cache-digest.js';
import { MillraceError } from '../../../../libs/errors/millrace-error.js';
import type { ReadRequest } from '../../../../libs/remote-apis/generated/google/bytestream/bytestream.js';
import type { CacheContext } from '../../cache-context.js';
import type { CacheCall } from '../../server/cache-call.js';
import { statusError } from '../../server/grpc-status.js';
import type { Places } from '../../server/places.js';
import { zstdCompressor } from '../zstd.js';
import { inMessages } from './read-messages.js';
import { parseReadName } from './resource-name.js';

/** Pieces of a blob from an offset on; of a compressed one the offset is that of the uncompressed bytes. */
export async function* read({ cache, access }: CacheContext, request: ReadRequest, { call, places }: { readonly call: CacheCall; readonly places: Places }): AsyncGenerator<Buffer> {
  const { instance: named, digest, compressed } = parseReadName(request.resourceName);
  const instance = cache.instance(named).name;
  access.demand(call.caller, 'pull', instance);
  const range = rangeOf(request, { digest, compressed });
  const release = compressed ? await places.take(call.signal) : undefined;
  try {
    const { content } = await cache.readBlob(instance, digest, { ...range, signal: call.signal });
    yield* inMessages(compressed ? compressedContent(content, call.signal) : content);
  } finally {
    release?.();
  }
}

function rangeOf({ readOffset, readLimit }: ReadRequest, { digest, compressed }: { readonly digest: CacheDigest; readonly compressed: boolean }): { readonly offset: number; readonly limit?: number } {
  if (readOffset < 0 || readOffset > digest.size) throw statusError(status.OUT_OF_RANGE, `an offset of ${readOffset} in ${digestText(digest)}`);
  if (readLimit < 0) throw new MillraceError('invalid-request', `a limit of ${readLimit} bytes`);
  if (compressed && readLimit !== 0) throw new MillraceError('invalid-request', 'compressed blobs are read without a limit');
  return readLimit === 0 ? { offset: readOffset } : { offset: readOffset, limit: readLimit };
}

async function* compressedContent(content: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer> {
  const compressor = zstdCompressor();
  const fed = pipeline(content, compressor, { signal });
  fed.catch(() => undefined);
  try {
    for await (const piece of compressor) yield piece as Buffer;
    await fed;
  } finally {
    compressor.destroy();
  }
}
