import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { originAddress } from './client-service.js';
import type { ClientService } from './client-service.js';

export interface LoopbackOrigin {
  /** `https://127.0.0.2:port` or `http://…`. */
  readonly url: string;
  /** What arrived: `GET /path`. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

/** An origin of the spec's own; with https its certificate is one that the service trusts upstream. */
export async function startOrigin(service: ClientService, scheme: 'http' | 'https', listener: RequestListener): Promise<LoopbackOrigin> {
  const requests: string[] = [];
  const noted: RequestListener = (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    listener(request, response);
  };
  const server = scheme === 'http' ? createHttpServer(noted) : createHttpsServer(certificate(service), noted);
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, originAddress, resolve));
  return { url: `${scheme}://${originAddress}:${(server.address() as AddressInfo).port}`, requests, close: () => close(server) };
}

export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function certificate({ originAuthority }: ClientService): { cert: string; key: string } {
  const issued = originAuthority.issue(originAddress);
  return { cert: issued.certificatePem, key: issued.keyPem };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
