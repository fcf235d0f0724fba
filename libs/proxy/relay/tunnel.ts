import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { LiveSession } from '../ports.js';
import { originOf, type Authority, type Scheme } from '../target/request-target.js';
import type { Tunnel } from './request-address.js';
import { recordMalformed } from './exchange-record.js';
import type { ProxyContext } from './proxy-context.js';

export interface TunnelRequest {
  readonly session: LiveSession;
  readonly authority: Authority;
  readonly clientAddress: string;
  /** Reads requests from the inside of the tunnel; the socket flows again afterwards. */
  readonly serve: (socket: Socket, tunnel: Tunnel) => void;
}

const established = 'HTTP/1.1 200 Connection Established\r\n\r\n';
const tlsHandshake = 0x16;
/** Bytes that wait for a build before its origin is paused. Node's own 64 KiB is four TLS records, so that a large download pauses and resumes at every turn. */
const tunnelBuffer = 256 * 1024;

/**
 * Answers a CONNECT and takes over its socket. The first byte says what the build speaks inside: TLS is intercepted with a
 * certificate for the name that it connects to, plain HTTP is read as it is, everything else is refused, for it cannot be recorded.
 */
export function openTunnel(context: ProxyContext, socket: Socket, request: TunnelRequest): void {
  const waiting = { socket, shutdown: () => socket.destroy() };
  const giveUp = setTimeout(waiting.shutdown, context.limits.requestHeadTimeout);
  const settled = (): void => {
    clearTimeout(giveUp);
    context.connections.delete(waiting);
  };
  context.connections.add(waiting);
  socket.on('error', () => undefined);
  socket.once('close', settled);
  socket.once('data', (chunk: Buffer) => {
    settled();
    socket.pause();
    socket.unshift(chunk);
    const first = chunk[0] as number;
    if (first === tlsHandshake) intercept(context, socket, request);
    else if (first >= 0x41 && first <= 0x5a) serve(socket, request, 'http');
    else refuseProtocol(context, socket, request);
  });
  socket.once('end', () => socket.destroy());
  socket.write(established, 'latin1');
  socket.resume();
}

function intercept(context: ProxyContext, socket: Socket, request: TunnelRequest): void {
  socket.removeAllListeners('end');
  const options = { isServer: true, secureContext: context.secureContexts.get(request.authority.host), ALPNProtocols: ['http/1.1'], highWaterMark: tunnelBuffer };
  const secure = new TLSSocket(socket, options);
  const giveUp = setTimeout(() => secure.destroy(), context.limits.requestHeadTimeout);
  secure.once('secure', () => clearTimeout(giveUp));
  secure.once('close', () => clearTimeout(giveUp));
  secure.on('_tlsError', (error: Error) => {
    clearTimeout(giveUp);
    context.log.info({ session: request.session.id, host: request.authority.host, reason: error.message }, 'TLS with the build failed; does it trust the authority (GET /v1/ca.pem)?');
    secure.destroy();
  });
  serve(secure, request, 'https');
}

function serve(socket: Socket, request: TunnelRequest, scheme: Scheme): void {
  const { session, authority } = request;
  socket.removeAllListeners('end');
  request.serve(socket, { session, authority, scheme, origin: originOf(scheme, authority) });
  socket.resume();
}

function refuseProtocol(context: ProxyContext, socket: Socket, request: TunnelRequest): void {
  const close = (): void => {
    socket.destroy();
  };
  const reason = 'only HTTP and TLS can be recorded; the build spoke another protocol through CONNECT';
  recordMalformed(context.ports.recorder, request.session, { url: originOf('https', request.authority), clientAddress: request.clientAddress, reason, status: 400, rule: 'protocol' }).then(close, close);
}
