import { createHash } from 'node:crypto';
import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import { createSecureContext, TLSSocket, type SecureContextOptions } from 'node:tls';
import { errorMessage } from '../../../errors/error-message.js';
import { MillraceError } from '../../../errors/millrace-error.js';
import { readSecret, readText } from '../../../settings-file/read-secret.js';
import type { Environment } from '../../../settings/settings.js';
import { isMistrusted, mistrustConnection } from './shown-certificate.js';
import type { TlsListenerSettings } from './tls-listener-schema.js';

/** TLS of the gateway's port, from files that may change while it listens. */
export interface TlsListener {
  /** For `https.createServer`. */
  readonly options: SecureContextOptions & { readonly requestCert: boolean; readonly rejectUnauthorized: false };
  /** Gives the server what the files hold from now on. */
  attach(server: Server): void;
  /** Looks at the files now. Answers whether they have changed. */
  refresh(): Promise<boolean>;
  /** Also those that are not TLS yet, which servers do not know of: they would keep them from ending. */
  cutConnections(): void;
  close(): void;
}

export interface TlsListenerOptions {
  readonly environment: Environment;
  /** Of files that cannot be used: what was read before stays in force. */
  readonly onProblem: (error: unknown) => void;
  /** Milliseconds between looks. */
  readonly refreshEvery?: number;
}

/** Errors: `invalid-setting`. */
export async function openTlsListener(settings: TlsListenerSettings, { environment, onProblem, refreshEvery = 10_000 }: TlsListenerOptions): Promise<TlsListener> {
  let current = await readContext(settings, environment);
  const servers = new Set<Server>();
  const connections = new Set<TLSSocket>();
  const sockets = new Set<Socket>();

  async function refresh(): Promise<boolean> {
    const read = await readContext(settings, environment);
    if (read.digest === current.digest) return false;
    const otherTrust = read.trust !== current.trust;
    current = read;
    if (otherTrust) for (const socket of connections) mistrustConnection(socket);
    for (const server of servers) {
      server.setSecureContext(read.context);
      server.closeIdleConnections();
    }
    return true;
  }

  const timer = setInterval(() => void refresh().catch(onProblem), refreshEvery).unref();
  return {
    options: { ...current.context, requestCert: settings['client-certificates'] === 'optional', rejectUnauthorized: false },
    attach(server) {
      servers.add(server);
      server.setSecureContext(current.context);
      server.on('connection', (socket: Socket) => {
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
      });
      server.prependListener('request', ({ socket }, response) => {
        // Its client would be told 401 for as long as it keeps the connection.
        if (socket instanceof TLSSocket && isMistrusted(socket)) response.setHeader('connection', 'close');
      });
      server.on('secureConnection', (socket: TLSSocket) => {
        connections.add(socket);
        socket.once('close', () => connections.delete(socket));
      });
    },
    refresh,
    cutConnections: () => sockets.forEach((socket) => socket.destroy()),
    close: () => clearInterval(timer),
  };
}

interface ReadContext {
  readonly context: SecureContextOptions;
  /** Of all files. */
  readonly digest: string;
  /** Of those that say whose certificates are good. */
  readonly trust: string;
}

async function readContext(settings: TlsListenerSettings, environment: Environment): Promise<ReadContext> {
  const optional = async (file: string | undefined): Promise<string | undefined> => (file === undefined ? undefined : readText(file));
  const [cert, key, ca, crl] = await Promise.all([readText(settings['certificate-file']), readText(settings['key-file']), optional(settings['client-authorities-file']), optional(settings['revocation-lists-file'])]);
  const passphrase = settings['key-passphrase'] === undefined ? undefined : await readSecret(settings['key-passphrase'], environment);
  const context: SecureContextOptions = {
    cert,
    key,
    minVersion: settings['minimum-version'],
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(ca === undefined ? {} : { ca: pemBlocks(ca, 'CERTIFICATE', settings['client-authorities-file']) }),
    ...(crl === undefined ? {} : { crl: pemBlocks(crl, 'X509 CRL', settings['revocation-lists-file']) }),
  };
  try {
    createSecureContext(context);
  } catch (cause) {
    throw new MillraceError('invalid-setting', `the files of authentication.tls cannot be used: ${errorMessage(cause)}`, { cause, suggestion: 'They must be PEM, and the key must belong to the first certificate; docs/reference/access.md says more.' });
  }
  return { context, digest: digestOf([cert, key, ca, crl]), trust: digestOf([ca, crl]) };
}

function digestOf(texts: readonly (string | undefined)[]): string {
  return createHash('sha256').update(JSON.stringify(texts)).digest('hex');
}

/** Node reads the first block of a text only. */
function pemBlocks(text: string, label: string, file: string | undefined): string[] {
  const blocks = text.match(new RegExp(`-----BEGIN ${label}-----[^-]+-----END ${label}-----`, 'g'));
  if (blocks === null) throw new MillraceError('invalid-setting', `${file} holds no PEM block ${label}`);
  return [...blocks];
}
