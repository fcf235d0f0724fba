import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { MillraceError } from '../../errors/millrace-error.js';
import { bracketHost } from '../target/host.js';
import { ClientConnection } from './client-connection.js';
import { createConsultations } from './consultations.js';
import type { ProxyContext, RelayContext } from './proxy-context.js';
import { createRedirectMemory } from './redirect-memory.js';

export interface ListenAddress {
  /** `localhost` means 127.0.0.1 and, where the machine has it, ::1. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Several processes share the port; the kernel spreads the connections. */
  readonly reusePort: boolean;
}

export interface RecordingProxy {
  /** `http://host:port` */
  readonly address: string;
  readonly port: number;
  /** Stops accepting, lets running exchanges end for at most so many milliseconds, and cuts the rest. */
  close(graceMilliseconds: number): Promise<void>;
}

const maximumConnections = 10_000;

/** Listens for builds. */
export async function startRecordingProxy(context: ProxyContext, listen: ListenAddress): Promise<RecordingProxy> {
  const relay: RelayContext = { ...context, redirects: createRedirectMemory(), consultations: createConsultations(() => relay) };
  const accept = (socket: Socket): void => {
    const clientAddress = `${bracketHost(plainAddress(socket.remoteAddress ?? ''))}:${socket.remotePort ?? 0}`;
    new ClientConnection(relay, socket, { clientAddress });
  };
  const hosts = listen.host === 'localhost' ? ['127.0.0.1', '::1'] : [listen.host];
  const servers: Server[] = [];
  let port = listen.port;
  for (const host of hosts) {
    try {
      const server = await listenOn(accept, { host, port, reusePort: listen.reusePort });
      port = (server.address() as AddressInfo).port;
      servers.push(server);
    } catch (error) {
      // A machine without IPv6 serves IPv4 alone.
      if (servers.length > 0 && ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes((error as NodeJS.ErrnoException).code ?? '')) continue;
      for (const server of servers) server.close();
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      throw new MillraceError('port-in-use', `listen ${bracketHost(host)}:${port}: bind: address already in use`, { cause: error, suggestion: 'Choose another port with MILLRACE_PROXY_PORT, or stop what uses it.' });
    }
  }
  return {
    address: `http://${bracketHost(hosts[0] as string)}:${port}`,
    port,
    async close(graceMilliseconds) {
      const closed = Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
      for (const connection of [...context.connections]) connection.shutdown();
      const cut = setTimeout(() => {
        for (const connection of [...context.connections]) connection.socket.destroy();
      }, graceMilliseconds);
      await closed;
      clearTimeout(cut);
      context.pool.close();
    },
  };
}

function listenOn(accept: (socket: Socket) => void, options: ListenAddress): Promise<Server> {
  // Half-open: a client that has said all may close its side and still gets its answer.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, accept);
  server.maxConnections = maximumConnections;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...options, backlog: 1024 }, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}

/** `::ffff:127.0.0.1` is how a dual-stack socket shows an IPv4 address. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}
