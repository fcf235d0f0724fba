import { ServerCredentials } from '@grpc/grpc-js';
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { SecureContextOptions } from 'node:tls';
import type { Logger } from 'pino';
import { errorMessage } from '../../../libs/errors/error-message.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { Settings } from '../../../libs/settings/settings.js';
import { blocksOf, createClientCertificates, type ClientCertificates } from './client-certificates.js';

type TlsFiles = NonNullable<Settings['cacheTls']>;

/** Milliseconds between two looks at the files: certificates are renewed while the cache runs. */
const lookAgain = 10_000;

export interface ServedCredentials {
  readonly credentials: ServerCredentials;
  readonly certificates: ClientCertificates;
  close(): void;
}

/** TLS with the files of the settings, read again when they change; without settings, none. Errors: `invalid-setting`. */
export function openCacheCredentials(files: Settings['cacheTls'], { log, every = lookAgain }: { readonly log: Logger; readonly every?: number }): ServedCredentials {
  if (files === undefined) return { credentials: ServerCredentials.createInsecure(), certificates: createClientCertificates(undefined), close: () => undefined };
  const first = readFiles(files);
  const credentials = new OptionalClientCertificates(first.context, files.clientAuthorities !== undefined);
  const certificates = createClientCertificates(first.authorities);
  let seen = stampOf(files);
  const timer = setInterval(() => {
    const stamp = stampOf(files);
    certificates.look();
    if (stamp === seen) return;
    try {
      const read = readFiles(files);
      credentials.replace(read.context);
      if (read.authorities !== undefined) certificates.replace(read.authorities);
      log.info('the certificates have changed: new connections get the new ones');
    } catch (error) {
      // A file that is only half written: the next look finds it whole, for its time has changed again.
      log.warn({ problem: errorMessage(error) }, 'the changed certificates cannot be used: the old ones stay');
    }
    seen = stamp;
  }, every);
  timer.unref();
  return { credentials, certificates, close: () => clearInterval(timer) };
}

/** grpc-js either demands certificates of clients or asks for none. Here they are asked for, and whoever shows none may do what anybody may. */
class OptionalClientCertificates extends ServerCredentials {
  constructor(context: SecureContextOptions, ask: boolean) {
    super({ requestCert: ask, rejectUnauthorized: false }, context);
  }

  replace(context: SecureContextOptions): void {
    this.updateSecureContextOptions(context);
  }

  override _equals(other: ServerCredentials): boolean {
    return other === this;
  }
}

interface ReadFiles {
  readonly context: SecureContextOptions;
  /** PEM of the file of authorities and lists. */
  readonly authorities: string | undefined;
}

function readFiles({ certificate, key, clientAuthorities }: TlsFiles): ReadFiles {
  const authorities = clientAuthorities === undefined ? undefined : readPem(clientAuthorities, 'MILLRACE_CACHE_TLS_CLIENT_CA').toString('latin1');
  const options: SecureContextOptions = {
    cert: readPem(certificate, 'MILLRACE_CACHE_TLS_CERT'),
    key: readPem(key, 'MILLRACE_CACHE_TLS_KEY'),
    ...(authorities === undefined ? {} : trustOf(authorities)),
    minVersion: 'TLSv1.2',
  };
  try {
    createSecureContext(options);
  } catch (cause) {
    throw new MillraceError('invalid-setting', `MILLRACE_CACHE_TLS_CERT and MILLRACE_CACHE_TLS_KEY: no TLS is possible with ${certificate} and ${key}: ${errorMessage(cause)}`, { cause });
  }
  return { context: options, authorities };
}

/** Lists of what authorities have revoked may stand in their file; with one, each authority there needs its own, and a list that has run out lets nobody in. Node reads one list of a text. */
function trustOf(pem: string): SecureContextOptions {
  const lists = blocksOf(pem, 'X509 CRL');
  return { ca: pem, ...(lists.length === 0 ? {} : { crl: [...lists] }) };
}

function readPem(file: string, setting: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new MillraceError('invalid-setting', `${setting}: ${errorMessage(cause)}`, { cause });
  }
}

function stampOf({ certificate, key, clientAuthorities }: TlsFiles): string {
  return [certificate, key, clientAuthorities].map((file) => (file === undefined ? '' : timeOf(file))).join(' ');
}

function timeOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? 'none' : `${stat.mtimeMs}/${stat.ino}/${stat.size}`;
}
