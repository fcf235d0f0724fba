import { mkdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { lockHolder, tryLock } from '../../../libs/embedded/exclusive-lock.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { startServer } from '../../../libs/service/start-server.js';
import type { Environment } from '../../../libs/settings/settings.js';
import { embeddedTemporal } from '../../../temporal/embedded-temporal.js';
import { SignalRelay } from '../signal-relay.js';
import type { Terminal } from '../terminal.js';
import { clientLines } from './client-lines.js';
import { keepSiteCertificate } from './site-certificate.js';
import { writeSiteFiles } from './site-files.js';

export interface ServeOptions {
  readonly directory: string;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly httpPort: number;
  readonly quota: number;
  readonly private: boolean;
  readonly pushTokenFile: string | undefined;
  /** Given PEM files; or names of a certificate that is made: none means this machine's; undefined: no TLS. */
  readonly tls: { readonly certificate: string; readonly key: string } | { readonly names: readonly string[] } | undefined;
  /** PEM file: who signs certificates of clients. */
  readonly clientAuthorities: string | undefined;
}

const renewEvery = 24 * 60 * 60 * 1000;

/** A whole cache for a small site until a signal stops it: everything lies in one directory. Errors: `invalid-setting`, and those of `startServer`. */
export async function serveCache(options: ServeOptions, terminal: Terminal): Promise<void> {
  using relay = new SignalRelay(process, { interactive: terminal.interactive });
  const directory = path.resolve(options.directory);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const names = certificateNames(options);
  const given = givenTls(options);
  if (names === undefined && given === undefined && !isLoopback(options.host)) throw inTheClear(options.host);
  demandUnserved(directory);
  const made = names === undefined ? undefined : keepSiteCertificate(directory, names, Date.now());
  const tls = made ?? given;
  const files = writeSiteFiles(directory, { ...options, tls });
  const stopped = new AbortController();
  relay.onReceive = () => stopped.abort(new MillraceError('start-failed', 'stopped before it was up'));
  const environment = serviceEnvironment(terminal.environment, { options, directory, files, tls });
  const server = await startServer({ environment, temporal: embeddedTemporal, proxy: false, onProgress: (line) => terminal.err(`${line}\n`), signal: stopped.signal });
  const renewal = names === undefined ? undefined : setInterval(() => keepSiteCertificate(directory, names, Date.now()), renewEvery).unref();
  try {
    const place = (url: string): string => url.replace(/\/\/localhost:/, `//${names?.[0] ?? 'localhost'}:`);
    terminal.out(clientLines({ grpc: place(server.addresses.cache ?? ''), http: place(server.addresses.control), pushToken: files.pushToken, authority: made?.authority }));
    terminal.err(`The artifact cache is served from ${directory}; Ctrl-C stops it.\n`);
    const failure = await Promise.race([untilAborted(stopped.signal), server.failed]);
    if (failure !== undefined) throw failure;
  } finally {
    clearInterval(renewal);
    await server.stop();
  }
}

/** What is written now would be read by the processes of a server that runs there: another certificate at once, another quota and other rights when one of them starts again. Errors: `start-failed`. */
function demandUnserved(directory: string): void {
  const file = path.join(directory, 'server.lock');
  const lock = tryLock(file);
  if (lock === undefined) throw new MillraceError('start-failed', `${lockHolder(file)} already runs a server in ${directory}`, { suggestion: 'Stop it first, or serve another directory.' });
  lock.release();
}

type ServedTls = { readonly certificate: string; readonly key: string } | undefined;

function serviceEnvironment(outer: Environment, { options, directory, files, tls }: { readonly options: ServeOptions; readonly directory: string; readonly files: ReturnType<typeof writeSiteFiles>; readonly tls: ServedTls }): Environment {
  // What is set for another service of this user does not concern this one.
  const others = Object.fromEntries(Object.entries(outer).filter(([name]) => !/^(MILLRACE|FETCH_SERVICE)_/.test(name) || /^MILLRACE_(TEMPORAL_SERVER|LOG_LEVEL|UPSTREAM_[A-Z_]+)$/.test(name)));
  return {
    ...others,
    MILLRACE_HOME: directory,
    MILLRACE_HOST: options.host,
    MILLRACE_CACHE_PORT: String(options.port),
    MILLRACE_CONTROL_PORT: String(options.httpPort),
    MILLRACE_CACHE: files.cache,
    ...(files.access === undefined ? {} : { MILLRACE_ACCESS: files.access }),
    ...(tls === undefined ? {} : { MILLRACE_CACHE_TLS_CERT: tls.certificate, MILLRACE_CACHE_TLS_KEY: tls.key }),
    ...(options.clientAuthorities === undefined ? {} : { MILLRACE_CACHE_TLS_CLIENT_CA: path.resolve(options.clientAuthorities) }),
  };
}

/** Undefined: no certificate is made. */
function certificateNames({ tls, host }: ServeOptions): readonly [string, ...string[]] | undefined {
  if (tls === undefined || 'certificate' in tls) return undefined;
  const own = isLoopback(host) ? [] : [hostname()];
  const [first = 'localhost', ...others] = [...new Set([...tls.names, ...own, 'localhost', '127.0.0.1', '::1'])];
  return [first, ...others];
}

function givenTls({ tls }: ServeOptions): ServedTls {
  if (tls === undefined || !('certificate' in tls)) return undefined;
  const files = { certificate: path.resolve(tls.certificate), key: path.resolve(tls.key) };
  for (const file of Object.values(files)) {
    try {
      readFileSync(file);
    } catch (cause) {
      throw new MillraceError('invalid-setting', `cannot read ${file}`, { cause });
    }
  }
  return files;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

function inTheClear(host: string): MillraceError {
  return new MillraceError('invalid-setting', `without TLS, tokens would go to ${host} in the clear`, { suggestion: 'Give --tls-cert and --tls-key, or --make-certificate; or leave out --host, and put a proxy with TLS before it.' });
}

function untilAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
