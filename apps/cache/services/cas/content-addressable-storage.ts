import { ContentAddressableStorageService } from '../../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import type { CacheContext } from '../../cache-context.js';
import type { CacheService } from '../../server/cache-service.js';
import { cacheService } from '../../server/cache-service.js';
import { batchReadBlobs } from './batch-read-blobs.js';
import { batchUpdateBlobs } from './batch-update-blobs.js';
import { findMissingBlobs } from './find-missing-blobs.js';
import { getTree, writeTreePage } from './get-tree.js';

const definition = { ...ContentAddressableStorageService, getTree: { ...ContentAddressableStorageService.getTree, responseSerialize: writeTreePage } };

export function contentAddressableStorage(context: CacheContext): CacheService {
  return cacheService(definition, {
    findMissingBlobs: async (request, call) => findMissingBlobs(context, request, call),
    batchUpdateBlobs: async (request, call) => batchUpdateBlobs(context, request, call),
    batchReadBlobs: async (request, call) => batchReadBlobs(context, request, call),
    getTree: (request, call) => getTree(context, request, call),
  });
}
