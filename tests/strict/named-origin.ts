import { createServer, request as sendRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ClientService } from '../clients/client-service.js';
import type { LoopbackOrigin } from '../clients/loopback-origin.js';

/**
 * Gives an origin of loopback a name, for clients that take no proxy for loopback addresses and no name with a dot at its end: a small
 * proxy in front of the service's, which asks it for the origin's address where the client asks for the name.
 */
export interface NamedOrigin {
  /** `registry.example:port`. */
  readonly authority: string;
  /** Runs a command with its requests going through here: put it before the command. */
  readonly wrapper: readonly string[];
  close(): Promise<void>;
}

const name = 'registry.example';

export async function nameOrigin(service: ClientService, origin: LoopbackOrigin): Promise<NamedOrigin> {
  const { host, port } = new URL(origin.url);
  const authority = `${name}:${port}`;
  const proxy = new URL(`http://${service.addresses.proxy.replace(/^http:\/\//, '')}`);
  // Without a listener for CONNECT a tunnel is refused at once, and the client falls back to plain http.
  const server = createServer((request, response) => {
    const path = (request.url ?? '').replace(`http://${authority}/`, `http://${host}/`);
    const forwarded = sendRequest({ host: proxy.hostname, port: proxy.port, method: request.method, path, headers: { ...request.headers, host } }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.on('error', () => response.destroy()).pipe(response);
    });
    forwarded.on('error', () => response.destroy());
    request.pipe(forwarded);
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const script = `named=$(printf %s "$http_proxy" | sed 's/@.*/@${address}/') && http_proxy=$named HTTP_PROXY=$named https_proxy=$named HTTPS_PROXY=$named exec "$@"`;
  return {
    authority,
    wrapper: ['sh', '-c', script, 'sh'],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
