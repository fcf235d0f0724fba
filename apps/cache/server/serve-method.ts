import { status as grpcStatus } from '@grpc/grpc-js';
import type { handleClientStreamingCall, handleServerStreamingCall, handleUnaryCall, MethodDefinition, sendUnaryData, ServerWritableStream, UntypedHandleCall } from '@grpc/grpc-js';
import { once } from 'node:events';
import { keepJudging } from '../../../libs/cache-access/keep-judging.js';
import { isMillraceError, MillraceError } from '../../../libs/errors/millrace-error.js';
import type { CacheContext } from '../cache-context.js';
import type { CacheCall, GrpcCall } from './cache-call.js';
import { openCall } from './cache-call.js';
import type { ClientCertificates } from './client-certificates.js';
import type { CacheService, UntypedHandler } from './cache-service.js';
import { reportFailure } from './report-failure.js';
import { callStatus } from './grpc-status.js';
import { streamTimeout } from './stream-timeout.js';

type Emitting = GrpcCall & { readonly cancelled: boolean; once(event: 'cancelled', listener: () => void): unknown };
/** `certificates`: undefined where the port asks no client for one. */
export type ServedContext = CacheContext & { readonly certificates: ClientCertificates | undefined };

type AnyMethod = MethodDefinition<unknown, unknown>;

/** Bytes that are no message of the kind: told by the handler, where they get a status of their own. */
class Malformed {
  readonly cause: unknown;

  constructor(cause: unknown) {
    this.cause = cause;
  }
}

/** A service in the form that grpc-js serves: with callers, the ends of calls, and statuses for errors. */
export function serveMethods(service: CacheService, context: ServedContext): { readonly definition: Record<string, AnyMethod>; readonly methods: Record<string, UntypedHandleCall> } {
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
        if (!Buffer.isBuffer(value)) context.metrics?.message(counted, 'out', bytes.length);
        return bytes;
      },
    };
    methods[name] = method.requestStream ? clientStreaming(method, handler, context) : method.responseStream ? serverStreaming(method, handler, context) : unary(method, handler, context);
  }
  return { definition, methods };
}

function unary(method: AnyMethod, handler: UntypedHandler, context: ServedContext): handleUnaryCall<unknown, unknown> {
  return (call, respond) => void answer(call, respond, { method, context, handle: (cacheCall) => handler(wellFormed(call.request, method), cacheCall) });
}

function clientStreaming(method: AnyMethod, handler: UntypedHandler, context: ServedContext): handleClientStreamingCall<unknown, unknown> {
  return (call, respond) => {
    const messages = call[Symbol.asyncIterator]() as AsyncIterator<unknown, void>;
    const requestsOf = ({ signal }: CacheCall): AsyncIterator<unknown, void> => ({
      next: async () => {
        const next = await streamTimeout(messages.next(), context.limits.streamIdle, signal);
        return next.done === true ? next : { value: wellFormed(next.value, method) };
      },
    });
    void answer(call, respond, { method, context, handle: (cacheCall) => handler(requestsOf(cacheCall), cacheCall) });
  };
}

async function answer(call: Emitting, respond: sendUnaryData<unknown>, task: { readonly method: AnyMethod; readonly context: ServedContext; readonly handle: (call: CacheCall) => unknown }): Promise<void> {
  const life = lifeOf(call, task.context);
  const ended = task.context.metrics?.begin(named(task.method));
  try {
    respond(null, await task.handle(await life.open()));
    ended?.({ status: grpcStatus.OK });
  } catch (error) {
    const failure = life.failure(error, task.method);
    respond(callStatus(failure));
    ended?.(failed(failure, life.isGone()));
  } finally {
    life.end();
  }
}

function serverStreaming(method: AnyMethod, handler: UntypedHandler, context: ServedContext): handleServerStreamingCall<unknown, unknown> {
  return (call) => void stream(call, { method, context, handler });
}

async function stream(call: ServerWritableStream<unknown, unknown>, task: { readonly method: AnyMethod; readonly context: ServedContext; readonly handler: UntypedHandler }): Promise<void> {
  const life = lifeOf(call, task.context);
  const ended = task.context.metrics?.begin(named(task.method));
  try {
    const opened = await life.open();
    const { signal } = opened;
    for await (const message of task.handler(wellFormed(call.request, task.method), opened) as AsyncIterable<unknown>) {
      signal.throwIfAborted();
      // Bytes go past `responseSerialize`, as they lie.
      if (Buffer.isBuffer(message)) task.context.metrics?.message(named(task.method), 'out', message.length);
      // Nothing more is read from the store before the client has taken this.
      if (!call.write(message)) await streamTimeout(once(call, 'drain', { signal }), task.context.limits.streamIdle, signal);
    }
    call.end();
    ended?.({ status: grpcStatus.OK });
  } catch (error) {
    const failure = life.failure(error, task.method);
    ended?.(failed(failure, life.isGone()));
    if (!life.isGone()) call.emit('error', callStatus(failure));
  } finally {
    life.end();
  }
}

/** As labels have it: `google.bytestream.ByteStream/Read`. */
function named({ path }: AnyMethod): string {
  return path.slice(1);
}

/** Whoever went away is no error of the cache. */
function failed(error: unknown, gone: boolean): { readonly status: grpcStatus; readonly code?: string } {
  if (gone) return { status: grpcStatus.CANCELLED };
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

/** From its first byte to its last: a caller who loses the right to it while it runs, and whoever is gone, ends it. */
interface CallLife {
  /** Errors: those of `identify`. */
  open(): Promise<CacheCall>;
  /** What a call that failed by `error` is to be told, after the log was. */
  failure(error: unknown, method: AnyMethod): unknown;
  /** Nobody hears an answer any more. */
  isGone(): boolean;
  end(): void;
}

/** grpc-js calls it "cancelled" when the client is gone, when the deadline has passed, and after every answer. */
function lifeOf(call: Emitting, { access, certificates, limits, log }: ServedContext): CallLife {
  const controller = new AbortController();
  const { signal } = controller;
  let [ended, gone] = [false, false];
  let lost: Error | undefined;
  let stopJudging = (): void => undefined;
  const cancel = (): void => {
    if (ended) return;
    gone = true;
    controller.abort();
  };
  if (call.cancelled) cancel();
  call.once('cancelled', cancel);
  return {
    async open() {
      const { cacheCall, judge } = await openCall(call, { access, certificates, signal });
      const end = (error: Error): void => {
        lost = error;
        log.info({ caller: cacheCall.caller.name, reason: error.message }, 'a call was ended: its caller has no right to it any more');
        controller.abort(error);
      };
      stopJudging = keepJudging({ judge, lost: end, every: limits.judgedEvery });
      return cacheCall;
    },
    failure(error, { path }) {
      reportFailure(log, { error, method: path, aborted: signal.aborted });
      return lost ?? error;
    },
    isGone: () => gone,
    end() {
      ended = true;
      stopJudging();
    },
  };
}
