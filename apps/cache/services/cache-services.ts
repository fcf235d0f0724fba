import type { CacheContext } from '../cache-context.js';
import type { CacheService } from '../server/cache-service.js';
import { actionCache } from './action-cache/action-cache.js';
import { fetchService, pushService } from './asset-services.js';
import { developmentServices, referenceStorage } from './buildstream-services.js';
import { byteStream } from './byte-stream/byte-stream.js';
import { capabilities } from './capabilities.js';
import { contentAddressableStorage } from './cas/content-addressable-storage.js';

/** All that the port speaks, besides health and reflection. */
export function cacheServices(context: CacheContext): readonly CacheService[] {
  const services = [contentAddressableStorage(context), byteStream(context), actionCache(context), capabilities(context)];
  return [...services, fetchService(context), pushService(context), referenceStorage(context), ...developmentServices(context)];
}
