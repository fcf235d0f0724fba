import type { QueryWriteStatusRequest, QueryWriteStatusResponse } from '../../../../libs/remote-apis/generated/google/bytestream/bytestream.js';
import type { CacheContext } from '../../cache-context.js';
import type { CacheCall } from '../../server/cache-call.js';
import { parseWriteName } from './resource-name.js';
import { uploadName } from './write.js';

/** How far a write of the caller's has come: 0 for one that is not known, as clients expect it who have to begin anew then. */
export async function queryWriteStatus({ cache, access }: CacheContext, request: QueryWriteStatusRequest, call: CacheCall): Promise<QueryWriteStatusResponse> {
  const resource = parseWriteName(request.resourceName);
  const instance = cache.instance(resource.instance).name;
  access.demand(call.caller, 'push', instance);
  const { committed, complete } = await cache.uploads.status(instance, uploadName(resource, call));
  if (complete || committed > 0) return { committedSize: committed, complete };
  const missing = await cache.findMissing(instance, [resource.digest], { signal: call.signal });
  return missing.length === 0 ? { committedSize: resource.digest.size, complete: true } : { committedSize: 0, complete: false };
}
