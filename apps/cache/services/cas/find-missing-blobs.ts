import type { FindMissingBlobsRequest, FindMissingBlobsResponse } from '../../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import type { CacheContext } from '../../cache-context.js';
import type { CacheCall } from '../../server/cache-call.js';
import { demandDigest, digestFunctionOf, wireDigest } from '../wire-digest.js';

/** Those that are not there, each once; the others are kept for the instance's lease from now on. */
export async function findMissingBlobs({ cache, access }: CacheContext, request: FindMissingBlobsRequest, call: CacheCall): Promise<FindMissingBlobsResponse> {
  const instance = cache.instance(request.instanceName).name;
  access.demand(call.caller, 'pull', instance);
  const digests = digestFunctionOf(request.digestFunction);
  const asked = request.blobDigests.map((digest) => demandDigest(digest, { digests, what: 'a blob that is asked for' }));
  if (asked.length === 0) return { missingBlobDigests: [] };
  return { missingBlobDigests: (await cache.findMissing(instance, asked, { signal: call.signal })).map(wireDigest) };
}
