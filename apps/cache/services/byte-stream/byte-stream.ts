import { ByteStreamService } from '../../../../libs/remote-apis/generated/google/bytestream/bytestream.js';
import type { CacheContext } from '../../cache-context.js';
import type { CacheService } from '../../server/cache-service.js';
import { cacheService } from '../../server/cache-service.js';
import { createSharedPlaces } from '../../server/places.js';
import { queryWriteStatus } from './query-write-status.js';
import { read } from './read.js';
import { writeReadResponse } from './read-response.js';
import { write } from './write.js';

const definition = { ...ByteStreamService, read: { ...ByteStreamService.read, responseSerialize: writeReadResponse } };

export function byteStream(context: CacheContext): CacheService {
  const places = createSharedPlaces(context.limits.compressedStreams);
  return cacheService(definition, {
    read: (request, call) => read(context, request, { call, places: places.of(call.owner) }),
    write: async (requests, call) => write(context, requests, { call, places: places.of(call.owner) }),
    queryWriteStatus: async (request, call) => queryWriteStatus(context, request, call),
  });
}
