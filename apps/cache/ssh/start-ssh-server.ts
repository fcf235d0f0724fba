import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import ssh2, { type AuthContext, type Connection, type ServerChannel } from 'ssh2';
import type { CacheAccess, CacheCaller } from '../../../libs/cache-access/cache-access.js';
import { networkOf } from '../../../libs/access/authentication/failed-logins.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { createCount } from '../server/limit-clients.js';
import { serveReceive, type ReceiveOptions } from './serve-receive.js';

export interface SshServerOptions extends ReceiveOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly hostKey: string;
  readonly access: CacheAccess;
  readonly log: Logger;
}

export interface SshServer {
  readonly port: number;
  /** Nobody is let in from now on; pushes under way have so many milliseconds to end. */
  close(grace: number): Promise<void>;
}

const mostConnections = 64;
/** Of one address: nobody keeps all others out. */
const mostOfOneAddress = 16;
const mostAttempts = 10;
/** Milliseconds until a client has to have shown who it is. */
const loginTime = 30_000;

/** Clients log in by keys that grants of the cache name, and may push artifacts; there is no shell, no files, no forwarding. Errors: `port-in-use`. */
export async function startSshServer(options: SshServerOptions): Promise<SshServer> {
  const connections = new Set<Connection>();
  const addresses = createCount(mostOfOneAddress);
  const busy = new Map<Connection, number>();
  let closing = false;
  const pushing = (client: Connection, change: 1 | -1): void => {
    const pushes = (busy.get(client) ?? 0) + change;
    busy.set(client, pushes);
    if (closing && pushes === 0) client.end();
  };
  const server = new ssh2.Server({ hostKeys: [options.hostKey], keepaliveInterval: 30_000, keepaliveCountMax: 4, ident: 'Millrace' }, (client, { ip }) => {
    const leave = closing || connections.size >= mostConnections ? undefined : addresses.enter(networkOf(ip));
    if (leave === undefined) return void client.end();
    connections.add(client);
    client.once('close', () => {
      connections.delete(client);
      busy.delete(client);
      leave();
    });
    serveConnection(client, { ...options, ip, pushing: (change) => pushing(client, change) });
  });
  const { host, port } = options;
  server.listen(port, host);
  await once(server, 'listening').catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
    throw new MillraceError('port-in-use', `listen tcp ${host}:${port}: bind: address already in use`, { cause, suggestion: 'Choose another port with MILLRACE_CACHE_SSH_PORT, or stop what uses it.' });
  });
  return {
    port: (server.address() as AddressInfo).port,
    async close(grace) {
      closing = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const connection of connections) if ((busy.get(connection) ?? 0) === 0) connection.end();
      const timer = setTimeout(() => connections.forEach((connection) => connection.end()), grace);
      await closed;
      clearTimeout(timer);
    },
  };
}

/** `pushing`: one more push of the connection, or one less. */
function serveConnection(client: Connection, options: SshServerOptions & { readonly ip: string; readonly pushing: (change: 1 | -1) => void }): void {
  const { log, ip, pushing } = options;
  const gone = new AbortController();
  const late = setTimeout(() => client.end(), loginTime);
  let known: KnownCaller | undefined;
  let attempts = 0;
  client.on('error', (error: Error) => log.debug({ ip, err: error }, 'an ssh client'));
  client.once('close', () => {
    clearTimeout(late);
    gone.abort();
  });
  client.on('authentication', (context) => {
    attempts += 1;
    if (attempts > mostAttempts) return void client.end();
    void identify(context, options).then(
      (found) => {
        known = found;
        context.accept();
      },
      (error: unknown) => {
        if (!(error instanceof MillraceError)) log.error({ err: error, ip }, 'an ssh login failed');
        context.reject(['publickey']);
      },
    );
  });
  client.once('ready', () => clearTimeout(late));
  for (const event of ['tcpip', 'openssh.streamlocal'] as const) client.on(event as 'tcpip', (_accept, reject) => void reject());
  client.on('request', (_accept: unknown, reject: (() => void) | undefined) => reject?.());
  client.on('session', (accept) => {
    const session = accept();
    for (const event of ['shell', 'sftp', 'subsystem', 'pty', 'x11', 'auth-agent', 'env'] as const) session.on(event as 'pty', (_accept, reject) => void (reject as (() => void) | undefined)?.());
    session.on('exec', (acceptCommand, _reject, { command }) => {
      const channel: ServerChannel = acceptCommand();
      if (known === undefined) return;
      pushing(1);
      void serveReceive(channel, { ...options, ...known, command, signal: gone.signal }).finally(() => pushing(-1));
    });
  });
}

interface KnownCaller {
  readonly caller: CacheCaller;
  /** Whether the key would be let in now. Errors: those of `recheck`. */
  readonly judge: () => Promise<void>;
}

/** Of a key alone, as clients first ask whether it would do; of its signature when they log in. Errors: `unauthorized`, `identity-unavailable`. */
async function identify(context: AuthContext, { access, ip }: SshServerOptions & { readonly ip: string }): Promise<KnownCaller> {
  if (context.method !== 'publickey') throw new MillraceError('unauthorized', 'only keys are accepted');
  const { key, signature, blob, hashAlgo } = context;
  const parsed = ssh2.utils.parseKey(key.data);
  if (parsed instanceof Error) throw new MillraceError('unauthorized', 'the key is none');
  if (signature !== undefined && (blob === undefined || parsed.verify(blob, signature, hashAlgo) !== true)) throw new MillraceError('unauthorized', 'the signature is not of the key');
  const fingerprint = `SHA256:${createHash('sha256').update(key.data).digest('base64').replace(/=+$/, '')}`;
  const shown = { authorization: undefined, certificate: undefined, sshKey: fingerprint, peerAddress: ip };
  const caller = await access.identify(shown);
  return { caller, judge: () => access.recheck(caller, shown) };
}
