import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls';

export interface OpenOptions {
  /** Milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
}

export interface TlsOptions extends OpenOptions {
  /** Whom the certificate must name: a DNS name or an IP address. */
  readonly host: string;
  readonly context: SecureContext;
  /** A TLS session of an earlier connection to the same origin. */
  readonly session: Buffer | undefined;
  readonly onSession: (session: Buffer) => void;
}

/** Connects to an address. Rejects with a reason fit for the record; the socket is gone then. */
export function openTcp(host: string, port: number, options: OpenOptions): Promise<Socket> {
  const socket = connectTcp({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 });
  return whenReady(socket, 'connect', options);
}

/** Performs a verified TLS handshake on a connected socket, speaking HTTP/1.1 only. Rejects as `openTcp` does. */
export function openTls(socket: Socket, options: TlsOptions): Promise<TLSSocket> {
  const { host, context, session, onSession } = options;
  const secure = connectTls({
    socket,
    host,
    // Server name indication carries names only (RFC 6066); the certificate of an address is checked against its IP entries.
    servername: isIP(host) === 0 ? host : '',
    secureContext: context,
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: true,
    ...(session === undefined ? {} : { session }),
  });
  secure.on('session', onSession);
  return whenReady(secure, 'secureConnect', options);
}

function whenReady<S extends Socket>(socket: S, event: 'connect' | 'secureConnect', { timeout, signal }: OpenOptions): Promise<S> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail(new Error(`no answer within ${timeout / 1000} s`)), timeout);
    const onAbort = (): void => fail(new Error('aborted'));
    const onClose = (): void => fail(new Error('the server closed the connection'));
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off(event, onReady).off('close', onClose);
    };
    const fail = (error: Error): void => {
      settle();
      // The error listener stays: a socket that is being destroyed may report once more.
      socket.destroy();
      reject(error);
    };
    const onReady = (): void => {
      settle();
      socket.off('error', fail);
      resolve(socket);
    };
    socket.on('error', fail).once(event, onReady).once('close', onClose);
    if (signal?.aborted === true) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
  });
}
