import { Metadata, status } from '@grpc/grpc-js';
import type { ServerInterceptingCall, ServerInterceptingCallInterface, ServerInterceptor } from '@grpc/grpc-js';
import type { ServerHttp2Stream } from 'node:http2';

/** What stands before the bytes in a message that is nothing but bytes in one field. */
export type MessageHead = (bytes: Buffer) => Buffer;

/** Bytes up to which one copy is cheaper than two pieces. */
const smallMessage = 8 * 1024;
const frameHead = 5;
const noMetadata = new Metadata();

/**
 * grpc-js copies each message into a new buffer twice as it sends it. Answers of the methods that are named here are given as bytes, and these go to the socket from where they lie.
 * It stands before other interceptors that look for the stream of a call.
 */
export function uncopiedMessages(heads: ReadonlyMap<string, MessageHead>): ServerInterceptor {
  return ({ path }, call) => {
    const headOf = heads.get(path);
    // grpc-js has no public way to the stream.
    const { stream } = call as unknown as { readonly stream: ServerHttp2Stream };
    return (headOf === undefined ? call : uncopied(call, { stream, headOf })) as ServerInterceptingCall;
  };
}

function uncopied(call: ServerInterceptingCallInterface, { stream, headOf }: { readonly stream: ServerHttp2Stream; readonly headOf: MessageHead }): ServerInterceptingCallInterface & { readonly stream: ServerHttp2Stream } {
  return {
    stream,
    start: (listener) => call.start(listener),
    sendMetadata: (metadata) => call.sendMetadata(metadata),
    sendStatus: (ended) => call.sendStatus(ended),
    startRead: () => call.startRead(),
    getPeer: () => call.getPeer(),
    getDeadline: () => call.getDeadline(),
    getHost: () => call.getHost(),
    getAuthContext: () => call.getAuthContext(),
    getConnectionInfo: () => call.getConnectionInfo(),
    getMetricsRecorder: () => call.getMetricsRecorder(),
    sendMessage(bytes: Buffer, callback) {
      if (stream.destroyed || stream.closed) return;
      call.sendMetadata(noMetadata);
      writeFramed(stream, { head: headOf(bytes), bytes }, (error) => {
        if (error) call.sendStatus({ code: status.INTERNAL, details: 'Internal server error', metadata: null });
        else callback();
      });
    },
  };
}

/** Not compressed: a zero, the length in four bytes, the message. */
function writeFramed(stream: ServerHttp2Stream, { head, bytes }: { readonly head: Buffer; readonly bytes: Buffer }, done: (error?: Error | null) => void): void {
  const isSmall = bytes.length <= smallMessage;
  const first = Buffer.alloc(frameHead + head.length + (isSmall ? bytes.length : 0));
  first.writeUInt32BE(head.length + bytes.length, 1);
  first.set(head, frameHead);
  if (isSmall) {
    first.set(bytes, frameHead + head.length);
    stream.write(first, done);
    return;
  }
  stream.cork();
  stream.write(first);
  stream.write(bytes, done);
  stream.uncork();
}
