import { createServer } from 'node:http';
import type { Server, ServerOptions } from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import type { TlsListener } from '../../../libs/access/authentication/certificates/tls-listener.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { Settings } from '../../../libs/settings/settings.js';
import { answerClientError } from './client-error.js';
import { holdContinue } from './expect-continue.js';
import { limitRequests } from './request-deadline.js';

export interface Gateway {
  /** `http://localhost:9999`, or https, with the port that was really taken. */
  readonly address: string;
  readonly port: number;
  close(): Promise<void>;
}

export interface ListenOptions {
  readonly app: NestFastifyApplication;
  readonly fastify: FastifyInstance;
  readonly settings: Pick<Settings, 'host' | 'controlPort'>;
  readonly serverOptions: ServerOptions;
  /** How long a client may take to send a request, or leave an answer unread. */
  readonly clientMilliseconds: number;
  /** Undefined: HTTP in the clear. */
  readonly tls: TlsListener | undefined;
}

type SecondListener = { readonly port: number } & Pick<ListenOptions, 'fastify' | 'serverOptions' | 'clientMilliseconds' | 'tls'>;

/** `localhost` is both loopback addresses with one port, because clients resolve the name to either; a machine without IPv6 has only the one. */
export async function listenGateway({ app, fastify, settings, serverOptions, clientMilliseconds, tls }: ListenOptions): Promise<Gateway> {
  const both = settings.host === 'localhost';
  const server: unknown = app.getHttpServer();
  limitRequests(server as Server, clientMilliseconds);
  holdContinue(server as Server);
  if (server instanceof TlsServer) tls?.attach(server as TlsServer);
  try {
    await app.listen(settings.controlPort, both ? '127.0.0.1' : settings.host);
    const { port } = app.getHttpServer().address() as AddressInfo;
    const second = both ? await listenSecond({ fastify, port, serverOptions, clientMilliseconds, tls }) : undefined;
    return {
      port,
      address: `${tls === undefined ? 'http' : 'https'}://${settings.host.includes(':') ? `[${settings.host}]` : settings.host}:${port}`,
      async close() {
        const closed = Promise.all([second === undefined ? undefined : closeServer(second), app.close()]);
        tls?.cutConnections();
        await closed;
      },
    };
  } catch (error) {
    await app.close();
    throw portInUse(error, settings.controlPort);
  }
}

async function listenSecond({ fastify, port, serverOptions, clientMilliseconds, tls }: SecondListener): Promise<Server | undefined> {
  const server = openServer({ fastify, serverOptions, clientMilliseconds, tls });
  limitRequests(server, clientMilliseconds);
  holdContinue(server);
  server.setTimeout(clientMilliseconds);
  server.on('clientError', answerClientError);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, host: '::1', ipv6Only: true }, resolve);
    });
    return server;
  } catch (error) {
    if (['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function openServer({ fastify, serverOptions, clientMilliseconds, tls }: Omit<SecondListener, 'port'>): Server {
  if (tls === undefined) return createServer(serverOptions, (request, response) => fastify.routing(request, response));
  const server = createTlsServer({ ...serverOptions, ...tls.options, handshakeTimeout: clientMilliseconds }, (request, response) => fastify.routing(request, response));
  tls.attach(server);
  return server;
}

async function closeServer(server: Server): Promise<void> {
  const closed = promisify(server.close.bind(server))();
  server.closeAllConnections();
  await closed;
}

/** The words that craft-application looks for in the log. */
function portInUse(error: unknown, port: number): unknown {
  if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') return error;
  return new MillraceError('port-in-use', `listening on control port ${port}: bind: address already in use`, { cause: error, suggestion: 'Stop what listens there, or choose another port with MILLRACE_CONTROL_PORT.' });
}
