import type { handleUnaryCall, ServiceDefinition } from '@grpc/grpc-js';
import type { CacheCall } from './cache-call.js';
import type { MessageHead } from './uncopied-messages.js';

/** One method as the generated services describe it. */
interface Method {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

type RequestOf<M> = M extends { readonly requestDeserialize: (bytes: Buffer) => infer Request } ? Request : never;
type ResponseOf<M> = M extends { readonly responseSerialize: (value: infer Response) => Buffer } ? Response : never;

type MethodHandler<M> = M extends { readonly requestStream: true }
  ? (requests: AsyncIterator<RequestOf<M>, void>, call: CacheCall) => Promise<ResponseOf<M>>
  : M extends { readonly responseStream: true }
    ? (request: RequestOf<M>, call: CacheCall) => AsyncIterable<ResponseOf<M>>
    : (request: RequestOf<M>, call: CacheCall) => Promise<ResponseOf<M>>;

/** How a service of ours is written: plain functions, which throw errors of ours. */
export type MethodHandlers<Definition> = { readonly [Name in keyof Definition]: MethodHandler<Definition[Name]> };

/** A service that `startCacheServer` serves; the parts of the cache each bring theirs. */
export interface CacheService {
  /** As reflection and health call it: `google.bytestream.ByteStream`. */
  readonly name: string;
  readonly definition: ServiceDefinition;
  readonly handlers: Readonly<Record<string, UntypedHandler>>;
  /** By the paths of methods whose answers are bytes that nobody need copy. */
  readonly heads: ReadonlyMap<string, MessageHead>;
}

export type UntypedHandler = (request: unknown, call: CacheCall) => unknown;
export type UnaryCall = Parameters<handleUnaryCall<unknown, unknown>>[0];

export function cacheService<Definition extends Readonly<Record<string, Method>>>(definition: Definition, handlers: MethodHandlers<Definition>, heads: CacheService['heads'] = new Map()): CacheService {
  const [method] = Object.values(definition);
  return { name: method?.path.split('/')[1] ?? '', definition: definition as unknown as ServiceDefinition, handlers: handlers as unknown as CacheService['handlers'], heads };
}
