import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect as connectTls, createSecureContext } from 'node:tls';
import type { SecureContext } from 'node:tls';
import type { ClientService } from '../clients/client-service.js';

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** One connection to the proxy, kept alive, as a package manager has them; a tunnel for https, absolute targets for http. */
export interface ProxyClient {
  /** Rejects when the connection broke before the whole answer was there. */
  get(url: string): Promise<Answer>;
  close(): void;
}

/** Trusts the service's own authority alone; one for all clients, for making one takes longer than a handshake. */
export async function authorityOf(service: ClientService): Promise<SecureContext> {
  return createSecureContext({ ca: await (await fetch(`${service.addresses.control}/v1/ca.pem`)).text() });
}

export function createProxyClient(service: ClientService, session: { readonly credentials: string }, secureContext: SecureContext): ProxyClient {
  const { hostname, port } = new URL(service.addresses.proxy);
  const headers = { 'proxy-authorization': session.credentials };
  const plain = new HttpAgent({ keepAlive: true, maxSockets: 1 });
  const tunnelled = new HttpsAgent({ keepAlive: true, maxSockets: 1 });
  tunnelled.createConnection = (options: RequestOptions, callback) => {
    const target = `${options.host}:${options.port}`;
    const connecting = httpRequest({ host: hostname, port, method: 'CONNECT', path: target, headers: { ...headers, host: target }, agent: false });
    connecting.once('connect', (response, socket) => {
      if (response.statusCode !== 200) {
        socket.destroy();
        callback?.(new RefusedTunnel(response.statusCode ?? 0), undefined as unknown as Duplex);
        return;
      }
      const secure = connectTls({ socket, host: options.host ?? '', secureContext });
      secure.once('secureConnect', () => callback?.(null, secure));
      secure.on('error', (error) => callback?.(error, undefined as unknown as Duplex));
    });
    connecting.once('error', (error) => callback?.(error, undefined as unknown as Duplex));
    connecting.end();
    return undefined;
  };
  return {
    get: (url) =>
      new Promise<Answer>((resolve, reject) => {
        const target = new URL(url);
        const onResponse = (response: IncomingMessage): void => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.once('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
          response.once('error', reject);
        };
        const request = target.protocol === 'http:' ? httpRequest({ host: hostname, port, path: url, headers: { ...headers, host: target.host }, agent: plain }, onResponse) : httpsRequest(url, { agent: tunnelled }, onResponse);
        request.once('error', (error) => (error instanceof RefusedTunnel ? resolve({ status: error.status, body: Buffer.alloc(0) }) : reject(error)));
        request.end();
      }),
    close() {
      plain.destroy();
      tunnelled.destroy();
    },
  };
}

/** The proxy's own answer to a CONNECT. */
class RefusedTunnel extends Error {
  constructor(readonly status: number) {
    super(`CONNECT was answered with ${status}`);
  }
}
