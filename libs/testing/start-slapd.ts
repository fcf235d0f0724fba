import { spawn, execFileSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { choosePort } from '../embedded/free-port.js';
import { awaitListening, endProgram } from './listening-program.js';

export interface TestSlapd {
  /** `ldap://…` and `ldaps://localhost:…`. */
  readonly url: string;
  readonly tlsUrl: string;
  readonly port: number;
  /** What it logged of operations, so far. */
  log(): string;
  /** kill -9. */
  kill(): Promise<void>;
  /** After `kill`: the same data and ports. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface TestSlapdOptions {
  /** Entries below `dc=millrace,dc=test`, which is there. */
  readonly ldif: string;
  /** PEM files. */
  readonly tls: { readonly authority: string; readonly certificate: string; readonly key: string };
}

export const directoryAdmin = { dn: 'cn=admin,dc=millrace,dc=test', password: 'directory-secret' } as const;

/** OpenLDAP prepares for as many connections as files may be open, which may be a thousand million. */
const inFewFiles = ['-c', 'ulimit -n 1024 && exec "$0" "$@"'];

/** An OpenLDAP server with a directory of its own in a scratch folder. Names of groups need a login; searches in the clear are allowed. */
export async function startSlapd({ ldif, tls }: TestSlapdOptions): Promise<TestSlapd> {
  const home = mkdtempSync(path.join(os.tmpdir(), 'millrace-slapd-'));
  const at = (name: string): string => path.join(home, name);
  const [port, tlsPort] = [await choosePort('127.0.0.1'), await choosePort('127.0.0.1')];
  mkdirSync(at('data'));
  writeFileSync(at('slapd.conf'), configuration(home, tls));
  writeFileSync(at('entries.ldif'), `dn: dc=millrace,dc=test\nobjectClass: domain\ndc: millrace\n\n${ldif}`);
  execFileSync('sh', [...inFewFiles, 'slapadd', '-f', at('slapd.conf'), '-l', at('entries.ldif')], { stdio: 'pipe' });
  let running: ChildProcess | undefined;

  async function start(): Promise<void> {
    // -d keeps it in the foreground; 256: one line for each operation.
    const child = spawn('sh', [...inFewFiles, 'slapd', '-f', at('slapd.conf'), '-h', `ldap://127.0.0.1:${port} ldaps://127.0.0.1:${tlsPort}`, '-d', '256'], { cwd: home, stdio: ['ignore', 'ignore', 'pipe'] });
    running = child;
    child.stderr.on('data', (chunk: Buffer) => writeFileSync(at('log'), chunk, { flag: 'a' }));
    await awaitListening(child, port, () => (existsSync(at('log')) ? readFileSync(at('log'), 'utf8') : ''));
  }

  async function kill(): Promise<void> {
    const child = running;
    running = undefined;
    await endProgram(child);
  }

  async function stop(): Promise<void> {
    await kill();
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }

  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `ldap://127.0.0.1:${port}`, tlsUrl: `ldaps://localhost:${tlsPort}`, port, log: () => readFileSync(at('log'), 'utf8'), kill, restart: start, stop };
}

function configuration(home: string, tls: TestSlapdOptions['tls']): string {
  return `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile ${home}/pid
TLSCACertificateFile ${tls.authority}
TLSCertificateFile ${tls.certificate}
TLSCertificateKeyFile ${tls.key}
database mdb
maxsize 67108864
suffix dc=millrace,dc=test
rootdn ${directoryAdmin.dn}
rootpw ${directoryAdmin.password}
directory ${home}/data
access to dn.children=ou=secret,dc=millrace,dc=test by dn.exact=${directoryAdmin.dn} read by * none
access to * by * read
`;
}
