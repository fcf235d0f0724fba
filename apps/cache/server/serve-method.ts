import { status as grpcStatus } from '@grpc/grpc-js';
import type { handleClientStreamingCall, handleServerStreamingCall, handleUnaryCall, MethodDefinition, sendUnaryData, ServerWritableStream, UntypedHandleCall } from '@grpc/grpc-js';
import { once } from 'node:events';
import { isMillraceError, MillraceError } from '../../../libs/errors/millrace-error.js';
import type { CacheContext } from '../cache-context.js';
import type { CacheCall, GrpcCall } from './cache-call.js';
import { openCall } from './cache-call.js';
import type { CacheService, UntypedHandler } from './cache-service.js';
import { reportFailure } from './report-failure.js';
import { callStatus } from './grpc-status.js';
import { streamTimeout } from './stream-timeout.js';

type Emitting = GrpcCall & { readonly cancelled: boolean; once(event: 'cancelled', listener: () => void): unknown };
type AnyMethod = MethodDefinition<unknown, unknown>;

/** Bytes that are no message of the kind: told by the handler, where they get a status of their own. */
class Malformed {
  readonly cause: unknown;

  constructor(cause: unknown) {
    this.cause = cause;
  }
}

/** A service in the form that grpc-js serves: with callers, the ends of calls, and statuses for errors. */
export function serveMethods(service: CacheService, context: CacheContext): { readonly definition: Record<string, AnyMethod>; readonly methods: Record<string, UntypedHandleCall> } {
  const definition: Record<string, AnyMethod> = {};
  const methods: Record<string, UntypedHandleCall> = {};
  for (const [name, method] of Object.entries(service.definition as Record<string, AnyMethod>)) {
    const handler = service.handlers[name];
    if (handler === undefined) continue;
    const counted = named(method);
    definition[name] = {
      ...method,
      requestDeserialize: (bytes) => {
        context.metrics?.message(counted, 'in', bytes.length);
        return attempt(() => method.requestDeserialize(bytes));
      },
      responseSerialize: (value) => {
        const bytes = method.responseSerialize(value);
        context.metrics?.message(counted, 'out', bytes.length);
        return bytes;
      },
    };
    methods[name] = method.requestStream ? clientStreaming(method, handler, context) : method.responseStream ? serverStreaming(method, handler, context) : unary(method, handler, context);
  }
  return { definition, methods };
}

function unary(method: AnyMethod, handler: UntypedHandler, context: CacheContext): handleUnaryCall<unknown, unknown> {
  return (call, respond) => void answer(call, respond, { method, context, handle: (cacheCall) => handler(wellFormed(call.request, method), cacheCall) });
}

function clientStreaming(method: AnyMethod, handler: UntypedHandler, context: CacheContext): handleClientStreamingCall<unknown, unknown> {
  return (call, respond) => {
    const messages = call[Symbol.asyncIterator]() as AsyncIterator<unknown, void>;
    const requests = {
      next: async (): Promise<IteratorResult<unknown, void>> => {
        const next = await streamTimeout(messages.next(), context.limits.streamIdle);
        return next.done === true ? next : { value: wellFormed(next.value, method) };
      },
    };
    void answer(call, respond, { method, context, handle: (cacheCall) => handler(requests, cacheCall) });
  };
}

async function answer(call: Emitting, respond: sendUnaryData<unknown>, task: { readonly method: AnyMethod; readonly context: CacheContext; readonly handle: (call: CacheCall) => unknown }): Promise<void> {
  const { signal, end } = signalOf(call);
  const ended = task.context.metrics?.begin(named(task.method));
  try {
    respond(null, await task.handle(await openCall(call, { access: task.context.access, signal })));
    ended?.({ status: grpcStatus.OK });
  } catch (error) {
    reportFailure(task.context.log, { error, method: task.method.path, aborted: signal.aborted });
    respond(callStatus(error));
    ended?.(failed(error, signal));
  } finally {
    end();
  }
}

function serverStreaming(method: AnyMethod, handler: UntypedHandler, context: CacheContext): handleServerStreamingCall<unknown, unknown> {
  return (call) => void stream(call, { method, context, handler });
}

async function stream(call: ServerWritableStream<unknown, unknown>, task: { readonly method: AnyMethod; readonly context: CacheContext; readonly handler: UntypedHandler }): Promise<void> {
  const { signal, end } = signalOf(call);
  const ended = task.context.metrics?.begin(named(task.method));
  try {
    const opened = await openCall(call, { access: task.context.access, signal });
    for await (const message of task.handler(wellFormed(call.request, task.method), opened) as AsyncIterable<unknown>) {
      signal.throwIfAborted();
      // Nothing more is read from the store before the client has taken this.
      if (!call.write(message)) await streamTimeout(once(call, 'drain', { signal }), task.context.limits.streamIdle);
    }
    call.end();
    ended?.({ status: grpcStatus.OK });
  } catch (error) {
    reportFailure(task.context.log, { error, method: task.method.path, aborted: signal.aborted });
    ended?.(failed(error, signal));
    if (!signal.aborted) call.emit('error', callStatus(error));
  } finally {
    end();
  }
}

/** As labels have it: `google.bytestream.ByteStream/Read`. */
function named({ path }: AnyMethod): string {
  return path.slice(1);
}

/** Whoever went away is no error of the cache. */
function failed(error: unknown, signal: AbortSignal): { readonly status: grpcStatus; readonly code?: string } {
  if (signal.aborted) return { status: grpcStatus.CANCELLED };
  const status = callStatus(error).code ?? grpcStatus.UNKNOWN;
  if (isMillraceError(error)) return { status, code: error.code };
  return status === grpcStatus.INTERNAL ? { status, code: 'internal' } : { status };
}

function attempt(decode: () => unknown): unknown {
  try {
    return decode();
  } catch (error) {
    return new Malformed(error);
  }
}

function wellFormed(request: unknown, { path }: AnyMethod): unknown {
  if (request instanceof Malformed) throw new MillraceError('invalid-request', `the request is no message of ${path}`, { cause: request.cause });
  return request;
}

/** grpc-js calls it "cancelled" when the client is gone, when the deadline has passed, and after every answer. */
function signalOf(call: Emitting): { readonly signal: AbortSignal; readonly end: () => void } {
  const controller = new AbortController();
  let ended = false;
  const cancel = (): void => {
    if (!ended) controller.abort();
  };
  if (call.cancelled) cancel();
  call.once('cancelled', cancel);
  return { signal: controller.signal, end: () => void (ended = true) };
}
