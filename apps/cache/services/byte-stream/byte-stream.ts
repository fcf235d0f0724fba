import { ByteStreamService } from '../../../../libs/remote-apis/generated/google/bytestream/bytestream.js';
import type { CacheContext } from '../../cache-context.js';
import type { CacheService, MethodHandlers } from '../../server/cache-service.js';
import { cacheService } from '../../server/cache-service.js';
import { createSharedPlaces } from '../../server/places.js';
import { queryWriteStatus } from './query-write-status.js';
import { read } from './read.js';
import { readResponseHead } from './read-response.js';
import { readWriteRequest } from './read-write-request.js';
import { write } from './write.js';

/** All that the cache sends and is sent as a stream: no byte of it is copied for its message. */
const definition = {
  ...ByteStreamService,
  read: { ...ByteStreamService.read, responseSerialize: (bytes: Buffer): Buffer => bytes },
  write: { ...ByteStreamService.write, requestDeserialize: readWriteRequest },
};
const heads = new Map([[ByteStreamService.read.path, readResponseHead]]);

export function byteStream(context: CacheContext): CacheService {
  const places = createSharedPlaces(context.limits.compressedStreams);
  const handlers: MethodHandlers<typeof definition> = {
    read: (request, call) => read(context, request, { call, places: places.of(call.owner) }),
    write: async (requests, call) => write(context, requests, { call, places: places.of(call.owner) }),
    queryWriteStatus: async (request, call) => queryWriteStatus(context, request, call),
  };
  return cacheService(definition, handlers, heads);
}
