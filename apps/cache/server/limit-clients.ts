import { ServerInterceptingCall, status } from '@grpc/grpc-js';
import type { ServerInterceptor } from '@grpc/grpc-js';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { constants } from 'node:http2';
import type { ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { networkOf } from '../../../libs/access/authentication/failed-logins.js';
import type { CacheLimits } from '../cache-context.js';

export interface ClientLimits {
  /** `next` gets the calls that are let through: an interceptor after this one would not see their streams. */
  interceptor(next: ServerInterceptor): ServerInterceptor;
  /** Connections to this port count from now on. */
  watch(port: number): void;
  close(): void;
}

const channel = 'net.server.socket';

/** Open connections and calls cost memory before anything is known of who has opened them: of one address (IPv6: its /64) there are some at a time. */
export function limitClients({ connectionsPerAddress, callsPerAddress }: Pick<CacheLimits, 'connectionsPerAddress' | 'callsPerAddress'>, log: Logger): ClientLimits {
  const ports = new Set<number>();
  const connections = createCount(connectionsPerAddress);
  const calls = createCount(callsPerAddress);

  /** grpc-js has no way to refuse a connection; Node tells of each, before TLS begins on it. */
  function connected(message: unknown): void {
    const { socket } = message as { readonly socket: Socket };
    if (socket.localPort === undefined || !ports.has(socket.localPort)) return;
    const peer = networkOf(socket.remoteAddress ?? '');
    const leave = connections.enter(peer);
    if (leave === undefined) {
      log.debug({ peer }, 'a connection was refused: its address has as many as it may have');
      socket.destroy();
    } else socket.once('close', leave);
  }

  subscribe(channel, connected);
  return {
    interceptor: (next) => (method, call) => {
      // grpc-js has no public way to when a stream is gone.
      const { stream } = call as unknown as { readonly stream: ServerHttp2Stream };
      if (stream.session === undefined || stream.destroyed) return next(method, call);
      const leave = calls.enter(networkOf(stream.session.socket.remoteAddress ?? ''));
      if (leave !== undefined) {
        stream.once('close', leave);
        return next(method, call);
      }
      const refuse = (): void => {
        call.sendStatus({ code: status.RESOURCE_EXHAUSTED, details: `more than ${callsPerAddress} calls of one address at a time` });
        // It would stay for as long as its client does not end it.
        setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
      };
      return new ServerInterceptingCall(call, { start: (begin) => void begin({ onReceiveMetadata: refuse }) });
    },
    watch: (port) => void ports.add(port),
    close: () => void unsubscribe(channel, connected),
  };
}

interface Count {
  /** Returns what leaves again; undefined: there are as many as there may be. */
  enter(address: string): (() => void) | undefined;
}

export function createCount(most: number): Count {
  const open = new Map<string, number>();
  return {
    enter(address) {
      const before = open.get(address) ?? 0;
      if (before >= most) return undefined;
      open.set(address, before + 1);
      return () => {
        const left = (open.get(address) ?? 1) - 1;
        if (left === 0) open.delete(address);
        else open.set(address, left);
      };
    },
  };
}
