import type { AssetServices } from '../../../libs/cache-assets/asset-services.js';
import { fetchAsset } from '../../../libs/cache-assets/fetch-asset.js';
import { pushAsset } from '../../../libs/cache-assets/push-asset.js';
import { FetchService, PushService } from '../../../libs/remote-apis/generated/build/bazel/remote/asset/v1/remote_asset.js';
import { cacheService, type CacheService } from '../server/cache-service.js';
import { readFetch, readPush, writeFetch } from './asset-messages.js';

/** `build.bazel.remote.asset.v1.Fetch`. What nobody knows is NOT_FOUND as an error of the call, which every BuildStream understands; only what another server did wrong stands in the answer. */
export function fetchService(services: AssetServices): CacheService {
  return cacheService(FetchService, {
    async fetchBlob(request, call) {
      const { digest, ...answer } = writeFetch(await fetchAsset(services, readFetch('blob', request), call));
      return { ...answer, blobDigest: digest };
    },
    async fetchDirectory(request, call) {
      const { digest, ...answer } = writeFetch(await fetchAsset(services, readFetch('directory', request), call));
      return { ...answer, rootDirectoryDigest: digest };
    },
  });
}

/** `build.bazel.remote.asset.v1.Push`. */
export function pushService(services: AssetServices): CacheService {
  return cacheService(PushService, {
    async pushBlob(request, call) {
      await pushAsset(services, readPush('blob', request, request.blobDigest), call);
      return {};
    },
    async pushDirectory(request, call) {
      await pushAsset(services, readPush('directory', request, request.rootDirectoryDigest), call);
      return {};
    },
  });
}
