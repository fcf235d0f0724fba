import net from 'node:net';
import tls from 'node:tls';
import { Client } from 'ldapts';
import { readSecret } from '../../../settings-file/read-secret.js';
import { tlsOptions } from '../../../settings-file/tls-options.js';
import type { Environment } from '../../../settings/settings.js';
import type { LdapGroupsSettings } from './ldap-groups-schema.js';

/** One connection to the directory, logged in. */
export interface Directory {
  /** False for ever once the connection is gone. */
  readonly usable: boolean;
  /** Values of `cn` of entries one level below the base. */
  commonNames(base: string, filter: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Bytes of all answers of a connection: one that gives more is replaced, and no answer is longer. */
const connectionBytes = 64 * 1024 * 1024;
const entryLimit = 5000;

export async function openDirectory(settings: LdapGroupsSettings, environment: Environment): Promise<Directory> {
  const milliseconds = settings['timeout-seconds'] * 1000;
  const options = { minVersion: 'TLSv1.2', ...(await tlsOptions(settings.tls, environment)) } as const;
  const { protocol, hostname } = new URL(settings.url);
  // With options of TLS the client speaks TLS at once, whatever the URL says.
  const client = new Client({ url: settings.url, timeout: milliseconds, connectTimeout: milliseconds, ...(protocol === 'ldaps:' ? { tlsOptions: options } : {}), ...singleConnection() });
  try {
    if (settings['start-tls']) await client.startTLS({ servername: hostname, ...options });
    // Anonymously where there is no name, so that the connection is there before searches are.
    await client.bind(settings['bind-dn'] ?? '', settings['bind-password'] === undefined ? '' : await readSecret(settings['bind-password'], environment));
  } catch (error) {
    await client.unbind().catch(() => undefined);
    throw error;
  }
  let closed = false;
  return {
    get usable() {
      return !closed && client.isConnected && client.isBound;
    },
    async commonNames(base, filter) {
      const { searchEntries } = await client.search(base, { scope: 'one', filter, attributes: ['cn'], sizeLimit: entryLimit, timeLimit: Math.ceil(milliseconds / 1000) });
      return searchEntries.flatMap((entry) => [entry['cn'] ?? []].flat()).filter((name) => typeof name === 'string');
    },
    async close() {
      closed = true;
      await client.unbind().catch(() => undefined);
    },
  };
}

/** The client connects anew by itself when its connection is gone, without StartTLS and without a login; this one may not. */
function singleConnection(): Pick<ConstructorParameters<typeof Client>[0], 'createConnection' | 'createSecureConnection'> {
  const onlyOnce = <Connect extends (...args: never[]) => net.Socket>(connect: Connect): Connect => {
    let used = false;
    return ((...args: Parameters<Connect>) => {
      if (used) throw new Error('the connection to the directory is gone');
      used = true;
      return limited(connect(...args));
    }) as Connect;
  };
  return { createConnection: onlyOnce(net.connect), createSecureConnection: onlyOnce(tls.connect) };
}

function limited(socket: net.Socket): net.Socket {
  return socket.on('data', () => {
    if (socket.bytesRead > connectionBytes) socket.destroy(new Error(`the directory has sent more than ${connectionBytes} bytes`));
  });
}
