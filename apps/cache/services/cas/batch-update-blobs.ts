import { patienceToBegin } from '../../../../libs/cache-access/cache-rates.js';
import type { CacheAccess } from '../../../../libs/cache-access/cache-access.js';
import type { SmallBlob } from '../../../../libs/cache-engine/artifact-cache.js';
import type { DigestFunction } from '../../../../libs/cache/cache-digest.js';
import { isMillraceError, MillraceError } from '../../../../libs/errors/millrace-error.js';
import type { BatchUpdateBlobsRequest, BatchUpdateBlobsRequest_Request as Item, BatchUpdateBlobsResponse } from '../../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { Compressor_Value as Compressor } from '../../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import type { CacheContext } from '../../cache-context.js';
import type { CacheCall } from '../../server/cache-call.js';
import { itemStatus, okStatus } from '../../server/grpc-status.js';
import { demandDigest, digestFunctionOf } from '../wire-digest.js';
import { decompressBlob } from '../zstd.js';

/** Each blob is taken or refused by itself; only a batch beyond the limit is refused as a whole. */
export async function batchUpdateBlobs({ cache, access, limits }: CacheContext, request: BatchUpdateBlobsRequest, call: CacheCall): Promise<BatchUpdateBlobsResponse> {
  const instance = cache.instance(request.instanceName).name;
  demandPush(access, call, { instance, asksOnly: request.requests.length === 0 });
  const digests = digestFunctionOf(request.digestFunction);
  demandBatch(request.requests, limits.batchBytes);
  const opened = await Promise.all(request.requests.map(async (item) => openItem(item, digests)));
  const blobs = opened.filter((item): item is SmallBlob => !(item instanceof Error));
  if (blobs.length > 0) await access.count(call.caller, instance, blobs.reduce((sum, { content }) => sum + content.length, 0), { signal: call.signal, patience: patienceToBegin });
  const outcomes = blobs.length === 0 ? [] : await cache.writeBlobs(instance, blobs, call.push);
  const written = outcomes.values();
  const statuses = opened.map((item) => (item instanceof Error ? item : written.next().value));
  return { responses: request.requests.map(({ digest }, index) => ({ digest, status: statuses[index] === undefined ? okStatus : itemStatus(statuses[index]) })) };
}

/** BuildStream to 1.5 asks with an empty batch whatever it is going to do, and takes "forbidden" alone for an answer that it may go on with: to pull. */
function demandPush(access: CacheAccess, { caller }: CacheCall, { instance, asksOnly }: { readonly instance: string; readonly asksOnly: boolean }): void {
  try {
    access.demand(caller, 'push', instance);
  } catch (error) {
    if (!asksOnly || !isMillraceError(error) || error.code !== 'unauthorized') throw error;
    throw new MillraceError('forbidden', error.message, { cause: error, ...(error.suggestion === undefined ? {} : { suggestion: error.suggestion }) });
  }
}

function demandBatch(items: readonly Item[], limit: number): void {
  const total = items.reduce((sum, { digest, data }) => sum + Math.max(digest?.sizeBytes ?? 0, data.length), 0);
  if (total > limit) throw new MillraceError('payload-too-large', `a batch of ${total} bytes: at most ${limit} at a time`, { suggestion: 'Send large blobs with ByteStream.Write.' });
}

async function openItem({ digest, data, compressor }: Item, digests: DigestFunction): Promise<SmallBlob | Error> {
  try {
    const demanded = demandDigest(digest, { digests, what: 'the digest of a blob' });
    if (compressor === Compressor.IDENTITY) return { digest: demanded, content: data };
    if (compressor === Compressor.ZSTD) return { digest: demanded, content: await decompressBlob(data, demanded) };
    return new MillraceError('invalid-request', `blobs are taken as they are or as zstd, not as ${Compressor[compressor] ?? `compressor ${compressor}`}`);
  } catch (error) {
    return error as Error;
  }
}
