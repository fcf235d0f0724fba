import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { SecureContexts } from '../../proxy/tls/secure-contexts.js';

export interface CredentialProxy {
  readonly url: string;
  /** `https://host/path` of every request inside a tunnel, `http://host/path` of the plain ones; only with the right credentials. */
  readonly requests: string[];
  close(): void;
}

/** The least proxy that shows whether a tool is set up: it demands credentials, intercepts TLS, and answers 404 to everything. */
export async function startCredentialProxy(contexts: SecureContexts, user: string, password: string): Promise<CredentialProxy> {
  const requests: string[] = [];
  const expected = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const sockets = new Set<Socket>();
  const inner = createServer((request, response) => {
    requests.push(`https://${request.headers.host ?? ''}${request.url ?? ''}`);
    answer(request, response, 404);
  });
  const outer = createServer((request, response) => {
    if (request.headers['proxy-authorization'] !== expected) return answer(request, response, 407);
    requests.push(request.url ?? '');
    return answer(request, response, 404);
  });
  outer.on('connection', (socket: Socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.on('close', () => sockets.delete(socket));
  });
  outer.on('connect', (request: IncomingMessage, socket: Socket) => {
    if (request.headers['proxy-authorization'] !== expected) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="millrace"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      return;
    }
    const host = (request.url ?? '').replace(/:\d+$/, '');
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    const secure = new TLSSocket(socket, { isServer: true, secureContext: contexts.get(host), ALPNProtocols: ['http/1.1'] });
    secure.on('error', () => socket.destroy());
    inner.emit('connection', secure);
  });
  outer.listen(0, '127.0.0.1');
  await once(outer, 'listening');
  return {
    url: `http://${user}:${password}@127.0.0.1:${(outer.address() as AddressInfo).port}/`,
    requests,
    close() {
      outer.close();
      sockets.forEach((socket) => socket.destroy());
    },
  };
}

function answer(request: IncomingMessage, response: ServerResponse, status: number): void {
  request.resume();
  response.writeHead(status, { 'content-type': 'text/plain', ...(status === 407 ? { 'proxy-authenticate': 'Basic realm="millrace"' } : {}) });
  response.end('nothing here\n');
}
