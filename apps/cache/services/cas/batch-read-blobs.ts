import type { CacheDigest } from '../../../../libs/cache/cache-digest.js';
import { digestText } from '../../../../libs/cache/cache-digest.js';
import { MillraceError } from '../../../../libs/errors/millrace-error.js';
import type { BatchReadBlobsRequest, BatchReadBlobsResponse, BatchReadBlobsResponse_Response as Item } from '../../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { Compressor_Value as Compressor } from '../../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import type { CacheContext } from '../../cache-context.js';
import type { CacheCall } from '../../server/cache-call.js';
import { itemStatus, okStatus } from '../../server/grpc-status.js';
import { demandDigest, digestFunctionOf, wireDigest } from '../wire-digest.js';
import { compressBlob } from '../zstd.js';

/** Below that, compressing saves nothing worth the time. */
const worthCompressing = 1024;

/** Each blob with a status of its own, in the order asked for. */
export async function batchReadBlobs({ cache, access, limits }: CacheContext, request: BatchReadBlobsRequest, call: CacheCall): Promise<BatchReadBlobsResponse> {
  const instance = cache.instance(request.instanceName).name;
  access.demand(call.caller, 'pull', instance);
  const digests = digestFunctionOf(request.digestFunction);
  const asked = request.digests.map((digest) => demandDigest(digest, { digests, what: 'a blob that is asked for' }));
  const total = asked.reduce((sum, { size }) => sum + size, 0);
  if (total > limits.batchBytes) throw new MillraceError('payload-too-large', `a batch of ${total} bytes: at most ${limits.batchBytes} at a time`, { suggestion: 'Ask for large blobs with ByteStream.Read.' });
  if (asked.length === 0) return { responses: [] };
  const contents = await cache.readBlobs(instance, asked, { signal: call.signal });
  const compressed = request.acceptableCompressors.includes(Compressor.ZSTD);
  return { responses: await Promise.all(asked.map(async (digest, index) => readItem(digest, { content: contents[index], compressed }))) };
}

async function readItem(digest: CacheDigest, { content, compressed }: { readonly content: Buffer | undefined; readonly compressed: boolean }): Promise<Item> {
  const item = { digest: wireDigest(digest), data: Buffer.alloc(0), compressor: Compressor.IDENTITY, status: okStatus };
  if (content === undefined) return { ...item, status: itemStatus(new MillraceError('blob-not-found', `${digestText(digest)} is not in the cache`)) };
  if (!compressed || content.length < worthCompressing) return { ...item, data: content };
  const smaller = await compressBlob(content);
  return smaller.length < content.length ? { ...item, data: smaller, compressor: Compressor.ZSTD } : { ...item, data: content };
}
