import net from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { SecureContext } from 'node:tls';
import type { ClientService } from '../clients/client-service.js';
import { until } from './until.js';

/** A client that says what it likes. */
export interface RawConnection {
  readonly socket: net.Socket;
  /** All that came back so far. */
  received(): string;
  /** Resolves when the answer holds this. */
  awaitText(text: string): Promise<void>;
  /** Resolves when the connection has ended, in whatever way. */
  readonly closed: Promise<void>;
}

export async function openRaw(service: ClientService): Promise<RawConnection> {
  const { hostname, port } = new URL(service.addresses.proxy);
  const socket = net.connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  return collect(socket);
}

/** TLS inside of the tunnel that the raw connection has asked for. */
export async function openTls(raw: RawConnection, host: string, secureContext: SecureContext): Promise<RawConnection> {
  raw.socket.removeAllListeners('data');
  const secure = connectTls({ socket: raw.socket, host, secureContext });
  await new Promise<void>((resolve, reject) => secure.once('secureConnect', resolve).once('error', reject));
  return collect(secure);
}

export function connectLine(target: string, credentials: string): string {
  return `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\nProxy-Authorization: ${credentials}\r\n\r\n`;
}

export function requestLine(url: string, credentials: string, fields: readonly string[] = []): string {
  return [`GET ${url} HTTP/1.1`, `Host: ${new URL(url).host}`, `Proxy-Authorization: ${credentials}`, ...fields, '', ''].join('\r\n');
}

function collect(socket: net.Socket): RawConnection {
  let text = '';
  let over = false;
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => {
    const end = (): void => {
      over = true;
      resolve();
    };
    socket.once('end', end).once('close', end);
  });
  return {
    socket,
    received: () => text,
    closed,
    async awaitText(wanted) {
      await until(() => text.includes(wanted) || over);
      if (!text.includes(wanted)) throw new Error(`the connection ended without ${JSON.stringify(wanted)}: ${JSON.stringify(text.slice(0, 500))}`);
    },
  };
}
