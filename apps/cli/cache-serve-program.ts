import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { makeCacheToken } from '../../libs/cache-access/token-login.js';
import { byteSize } from '../../libs/cache-service/quantities.js';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import type { Terminal } from './terminal.js';

interface ServeCommandOptions {
  readonly host: string;
  readonly port: number;
  readonly httpPort: number;
  readonly quota: number;
  readonly private?: true;
  readonly pushTokenFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly makeCertificate?: true | readonly string[];
  readonly clientCa?: string;
}

/** `millrace cache serve` and `millrace cache token`. */
export function addCacheServeCommands(cache: Command, terminal: Terminal): void {
  cache
    .command('serve')
    .description('serve an artifact cache for a small site from one directory, until Ctrl-C')
    .argument('<directory>', 'everything lies there: database, blobs, certificates, token')
    .option('--host <address>', 'address to listen on', 'localhost')
    .option('--port <port>', 'of gRPC; 0 takes any that is free', port, 9977)
    .option('--http-port <port>', 'of caches over HTTP and of administration', port, 9999)
    .option('--tls-cert <file>', 'PEM: the certificate of the server')
    .option('--tls-key <file>', 'PEM: its key')
    .option('--make-certificate [names...]', 'make an authority and a certificate for these names (else of this machine), and renew it')
    .option('--client-ca <file>', 'PEM: who signs certificates of clients')
    .option('--push-token-file <file>', 'token of those who may push; made if it is not there (default: push-token in the directory)')
    .option('--quota <size>', 'bytes that eviction keeps the cache below', size, 20 * 1024 ** 3)
    .option('--private', 'only those with credentials may pull')
    .addHelpText('after', '\nExamples:\n  $ millrace cache serve /srv/cache --host 0.0.0.0 --make-certificate cache.example.test\n  $ millrace cache serve /srv/cache --host :: --tls-cert cert.pem --tls-key key.pem --quota "200 GiB"')
    .action(async (directory: string, { tlsCert, tlsKey, makeCertificate, clientCa, pushTokenFile, ...given }: ServeCommandOptions) => {
      // The whole service hangs on it: no other command has to load that.
      const { serveCache } = await import('./cache-serve/serve-cache.js');
      await serveCache({ ...given, directory, private: given.private === true, pushTokenFile, clientAuthorities: clientCa, tls: tlsOf({ tlsCert, tlsKey, makeCertificate }) }, terminal);
    });
  cache
    .command('token')
    .description('make a token, and print it with the line that lets the cache know it')
    .option('--json', 'print one line of JSON')
    .argument('<name>', 'what its holder is called in the audit', tokenName)
    .action((name: string, { json }: { readonly json?: true }) => {
      const { token, sha256 } = makeCacheToken();
      terminal.out(json === true ? `${JSON.stringify({ name, token, sha256 })}\n` : `${token}\n`);
      if (json !== true) terminal.err(`In the file of MILLRACE_CACHE, where only its digest is kept:\nlogin:\n  tokens:\n    ${name}: { sha256: ${sha256} }\n`);
    });
}

function tlsOf({ tlsCert: certificate, tlsKey: key, makeCertificate }: Pick<ServeCommandOptions, 'tlsCert' | 'tlsKey' | 'makeCertificate'>): { readonly certificate: string; readonly key: string } | { readonly names: readonly string[] } | undefined {
  if ((certificate === undefined) !== (key === undefined)) throw new MillraceError('invalid-request', '--tls-cert and --tls-key belong together');
  if (certificate !== undefined && makeCertificate !== undefined) throw new MillraceError('invalid-request', '--make-certificate makes what --tls-cert and --tls-key give: it is one or the other');
  if (certificate !== undefined && key !== undefined) return { certificate, key };
  if (makeCertificate === undefined) return undefined;
  return { names: makeCertificate === true ? [] : makeCertificate.map(certificateName) };
}

/** They go into a certificate and into lines that people copy. */
function certificateName(name: string): string {
  if (/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(name) || /^[0-9a-fA-F:]{2,39}$/.test(name)) return name;
  throw new MillraceError('invalid-request', `${JSON.stringify(name.slice(0, 100))} is no name of a host and no address`);
}

function port(text: string): number {
  const value = Number(text);
  if (!/^\d{1,5}$/.test(text) || value > 65_535) throw new InvalidArgumentError('It must be a port: 0 to 65535.');
  return value;
}

function size(text: string): number {
  const { data, error } = byteSize.safeParse(/^\d+$/.test(text) ? Number(text) : text);
  if (error !== undefined) throw new InvalidArgumentError('It must be a number of bytes such as 20 GiB.');
  return data;
}

function tokenName(text: string): string {
  if (!/^[a-z0-9][a-z0-9._-]{0,62}$/.test(text)) throw new InvalidArgumentError('It must be 1 to 63 of a-z, 0-9, ".", "_" and "-", the first a letter or digit.');
  return text;
}
