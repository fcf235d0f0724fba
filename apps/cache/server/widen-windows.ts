import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Http2Session, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';

/** Bytes that one stream, and all of a connection together, may send before the cache has taken them. HTTP/2's own 64 KiB are 3 MiB/s over 20 milliseconds of network. */
const streamWindow = 1024 * 1024;
const connectionWindow = 8 * 1024 * 1024;

const channel = 'http2.server.stream.created';

/** grpc-js has an option for this on the client's side only; Node tells of each stream, and through it of its session. Returns what ends it. */
export function widenWindows(): () => void {
  const widened = new WeakSet<Http2Session>();
  const widen = (message: unknown): void => {
    const session = (message as { readonly stream: ServerHttp2Stream }).stream.session as ServerHttp2Session | undefined;
    if (session === undefined || widened.has(session) || session.destroyed) return;
    widened.add(session);
    session.settings({ initialWindowSize: streamWindow });
    session.setLocalWindowSize(connectionWindow);
  };
  subscribe(channel, widen);
  return () => void unsubscribe(channel, widen);
}
