import { ServerInterceptingCall } from '@grpc/grpc-js';
import type { ServerInterceptor } from '@grpc/grpc-js';
import { constants } from 'node:http2';
import type { Http2Session, ServerHttp2Stream } from 'node:http2';
import type { Logger } from 'pino';
import type { CacheLimits } from '../cache-context.js';
import type { Places } from './places.js';
import { createPlaces } from './places.js';

export interface MemoryLimits {
  readonly interceptor: ServerInterceptor;
  close(): void;
}

/** Bytes of a message that has not come whole, or of a call that is answered at once. */
interface Call {
  received: number;
}

interface Connection {
  readonly calls: Map<ServerHttp2Stream, Call>;
  readonly places: Places;
}

const every = 250;

/**
 * A client that asks for much and takes nothing, or begins messages and ends none, would have the process hold all of it. So of one connection only some calls are read and answered at a time, while others
 * wait where they cost nothing; and when all connections together hold too much, the one that holds the most is ended.
 */
export function limitMemory({ callsPerConnection, heldBytes }: Pick<CacheLimits, 'callsPerConnection' | 'heldBytes'>, log: Logger): MemoryLimits {
  const connections = new Map<Http2Session, Connection>();

  function connectionOf(session: Http2Session): Connection {
    const known = connections.get(session);
    if (known !== undefined) return known;
    const connection = { calls: new Map<ServerHttp2Stream, Call>(), places: createPlaces(callsPerConnection) };
    connections.set(session, connection);
    session.once('close', () => connections.delete(session));
    return connection;
  }

  function look(): void {
    const held = [...connections].map(([session, { calls }]) => ({ session, bytes: heldBy(calls) })).sort((one, other) => other.bytes - one.bytes);
    let total = held.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { session, bytes } of held) {
      if (total <= heldBytes) return;
      log.warn({ peer: session.socket.remoteAddress, bytes }, 'a connection was ended: it held the most of what its client neither finished nor took');
      session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM);
      session.destroy();
      total -= bytes;
    }
  }

  const timer = setInterval(look, every).unref();
  return {
    interceptor(method, call) {
      // grpc-js has no public way to what is sent and not taken.
      const { stream } = call as unknown as { readonly stream: ServerHttp2Stream };
      if (stream.session === undefined || stream.destroyed) return new ServerInterceptingCall(call);
      const { calls, places } = connectionOf(stream.session);
      const state: Call = { received: 0 };
      // An abort makes an error with a stack: only where somebody waits for it.
      const gone = isBatch(method) ? new AbortController() : undefined;
      calls.set(stream, state);
      stream.on('data', (bytes: Buffer) => void (state.received += bytes.length));
      stream.once('close', () => {
        calls.delete(stream);
        gone?.abort();
      });
      return new ServerInterceptingCall(call, {
        start: (next) =>
          void next({
            onReceiveMetadata: (metadata, pass) => {
              if (gone !== undefined) void inPlace(places, gone.signal).then((there) => there && pass(metadata));
              else pass(metadata);
            },
            onReceiveMessage: (message, pass) => {
              if (method.requestStream || method.responseStream) state.received = 0;
              pass(message);
            },
          }),
      });
    },
    close: () => clearInterval(timer),
  };
}

/** Large in both directions, and never long: an asset may be downloaded for minutes, and is small here. */
function isBatch({ path, requestStream, responseStream }: Parameters<ServerInterceptor>[0]): boolean {
  return !requestStream && !responseStream && path.startsWith('/build.bazel.remote.execution.v2.');
}

/** Until the stream is gone, and with it what was to be sent. False: it is gone already. */
async function inPlace(places: Places, gone: AbortSignal): Promise<boolean> {
  const release = await places.take(gone).catch(() => undefined);
  if (release === undefined) return false;
  if (gone.aborted) release();
  else gone.addEventListener('abort', release, { once: true });
  return !gone.aborted;
}

function heldBy(calls: Connection['calls']): number {
  let bytes = 0;
  for (const [stream, { received }] of calls) bytes += received + stream.readableLength + stream.writableLength;
  return bytes;
}
