import type { ConnectionOptions } from 'node:tls';
import { rootCertificates } from 'node:tls';
import type { Environment } from '../settings/settings.js';
import type { TlsSettings } from './common-schemas.js';
import { readSecret, readText } from './read-secret.js';

/** For `tls.connect`; authorities of the file are trusted besides the well-known ones. */
export async function tlsOptions(tls: TlsSettings | undefined, environment: Environment): Promise<ConnectionOptions> {
  if (tls === undefined) return {};
  return {
    ...(tls['ca-file'] === undefined ? {} : { ca: [...rootCertificates, await readText(tls['ca-file'])] }),
    ...(tls['certificate-file'] === undefined ? {} : { cert: await readText(tls['certificate-file']) }),
    ...(tls['key-file'] === undefined ? {} : { key: await readText(tls['key-file']) }),
    ...(tls['key-passphrase'] === undefined ? {} : { passphrase: await readSecret(tls['key-passphrase'], environment) }),
    ...(tls['server-name'] === undefined ? {} : { servername: tls['server-name'] }),
  };
}
