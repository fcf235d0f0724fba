import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { choosePort } from '../../libs/embedded/free-port.js';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import { runProgram } from '../run-program.js';
import { plainRun } from './measured-proxy.js';
import type { MeasuredProxy, ProxyStart } from './measured-proxy.js';

const certificateHelpers = ['/usr/lib/squid/security_file_certgen', '/usr/lib64/squid/security_file_certgen', '/usr/libexec/squid/security_file_certgen', '/usr/local/squid/libexec/security_file_certgen'];

/** squid that bumps every TLS connection, caches nothing, and writes its access log. Rejects when this squid was built without OpenSSL. */
export async function startSquid(executable: string, start: ProxyStart): Promise<MeasuredProxy> {
  const { folder, origin, signal } = start;
  const helper = certificateHelpers.find((file) => existsSync(file));
  if (helper === undefined || !execFileSync(executable, ['-v'], { encoding: 'utf8' }).includes('openssl')) {
    throw new MillraceError('tool-not-found', `${executable} cannot intercept TLS: it was built without OpenSSL`, { suggestion: 'Debian has one that can: squid-openssl.' });
  }
  const port = await choosePort('127.0.0.1');
  const authority = { certificate: path.join(folder, 'authority.pem'), key: path.join(folder, 'authority.key.pem') };
  copyFileSync(origin.authorityFile, authority.certificate);
  copyFileSync(origin.authorityKeyFile, authority.key);
  const configuration = path.join(folder, 'squid.conf');
  const user = process.getuid?.() === 0 ? 'proxy' : undefined;
  writeFileSync(configuration, squidConfiguration({ folder, port, helper, user, authority }));
  execFileSync(helper, ['-c', '-s', path.join(folder, 'certificates'), '-M', '16MB']);
  if (user !== undefined) giveTo(user, folder);
  const program = await runProgram({ command: executable, args: ['-N', '-f', configuration], port, logFile: path.join(folder, 'output.log'), signal });
  return {
    name: 'squid',
    title: `${squidVersion(executable)} with ssl-bump, cache off: writes an access log, hashes nothing, no credentials`,
    pids: () => [program.pid],
    databasePids: () => [],
    openRun: plainRun(port),
    stop: () => program.stop(),
  };
}

interface SquidOptions {
  readonly folder: string;
  readonly port: number;
  readonly helper: string;
  readonly user: string | undefined;
  readonly authority: { readonly certificate: string; readonly key: string };
}

function squidConfiguration({ folder, port, helper, user, authority }: SquidOptions): string {
  return `http_port 127.0.0.1:${port} ssl-bump tls-cert=${authority.certificate} tls-key=${authority.key} generate-host-certificates=on dynamic_cert_mem_cache_size=16MB
sslcrtd_program ${helper} -s ${folder}/certificates -M 16MB
sslcrtd_children 5
ssl_bump bump all
tls_outgoing_options cafile=${authority.certificate}
http_access allow all
cache deny all
cache_mem 0 MB
access_log stdio:${folder}/access.log
cache_log ${folder}/cache.log
cache_store_log none
pid_filename ${folder}/squid.pid
coredump_dir ${folder}
netdb_filename none
pinger_enable off
visible_hostname bench.invalid
shutdown_lifetime 0 seconds
${user === undefined ? '' : `cache_effective_user ${user}\n`}`;
}

/** squid gives up root; its files must be its own. */
function giveTo(user: string, folder: string): void {
  execFileSync('chown', ['-R', user, folder]);
}

function squidVersion(executable: string): string {
  return /Version (\S+)/.exec(execFileSync(executable, ['-v'], { encoding: 'utf8' }))?.[1]?.replace(/^/, 'squid ') ?? 'squid';
}
