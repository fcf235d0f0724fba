import net from 'node:net';
import { MillraceError } from '../errors/millrace-error.js';

/** Addresses that a host setting stands for. */
export function listenAddresses(host: string): readonly string[] {
  return host === 'localhost' ? ['127.0.0.1', '::1'] : [host];
}

/** A TCP port that nobody has now; `preferred` (not 0) when it is free. */
export async function choosePort(host: string, preferred = 0): Promise<number> {
  if (preferred !== 0 && (await isPortFree(host, preferred))) return preferred;
  for (;;) {
    const port = await bindBriefly('127.0.0.1', 0);
    if (port !== undefined && port !== 0 && (await isPortFree(host, port))) return port;
  }
}

/** Rejects with `port-in-use` (and the words that fetch-service's clients look for) unless the port can be bound. */
export async function demandPort(host: string, port: number, purpose: string): Promise<void> {
  if (await isPortFree(host, port)) return;
  throw new MillraceError('port-in-use', `${purpose}: listen tcp ${host}:${port}: bind: address already in use`, { suggestion: `Stop what listens on port ${port}, or choose another port.` });
}

export async function isPortFree(host: string, port: number): Promise<boolean> {
  for (const address of listenAddresses(host)) if ((await bindBriefly(address, port)) === undefined) return false;
  return true;
}

/** The bound port, or undefined when it is taken. An address family that the machine does not have counts as free (0). */
function bindBriefly(address: string, port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else if (error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT') resolve(0);
      else reject(new MillraceError('start-failed', `cannot listen on ${address}:${port}: ${error.message}`, { cause: error }));
    });
    server.listen({ host: address, port, exclusive: true }, () => {
      const bound = (server.address() as net.AddressInfo).port;
      server.close(() => resolve(bound));
    });
  });
}
