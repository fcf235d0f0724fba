import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { choosePort } from '../embedded/free-port.js';
import { awaitListening, endProgram } from './listening-program.js';

export interface TestKdc {
  /** krb5.conf for clients and services. */
  readonly configuration: string;
  /** Key table with the keys of all services, those named `…@REALM` aside. */
  readonly keytab: string;
  /** Variables of a program that is logged in as a user: a ticket cache of its own. */
  environmentOf(user: string): Promise<NodeJS.ProcessEnv>;
  /** A new key for a service; the key table gets it too. */
  changeKey(service: string): Promise<void>;
  stop(): Promise<void>;
}

export const testRealm = 'MILLRACE.TEST';
/** Its users may ask for tickets of the other realm's services. */
export const otherRealm = 'OTHER.TEST';
const run = promisify(execFile);

export interface TestKdcOptions {
  /** `bob` of the realm itself, `eve@OTHER.TEST`. */
  readonly users: readonly string[];
  readonly services: readonly string[];
}

/** A Kerberos KDC (MIT) with two realms of its own in a scratch folder. */
export async function startKdc({ users, services }: TestKdcOptions): Promise<TestKdc> {
  const home = mkdtempSync(path.join(os.tmpdir(), 'millrace-kdc-'));
  const at = (name: string): string => path.join(home, name);
  const port = await choosePort('127.0.0.1');
  writeFileSync(at('krb5.conf'), clientConfiguration(port));
  writeFileSync(at('kdc.conf'), kdcConfiguration(home, port));
  mkdirSync(at('replays'));
  const environment = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin`, KRB5_CONFIG: at('krb5.conf'), KRB5_KDC_PROFILE: at('kdc.conf'), KRB5RCACHEDIR: at('replays') };
  const kadmin = async (realm: string, ...queries: string[]): Promise<void> => {
    const asked = run('kadmin.local', ['-r', realm], { env: environment });
    asked.child.stdin?.end(`${queries.join('\n')}\n`);
    const { stderr } = await asked;
    if (/error|while|unknown/i.test(stderr.replaceAll(/No policy specified.*|.*defaulting to no policy.*/g, ''))) throw new Error(`kadmin.local says ${stderr}`);
  };
  for (const realm of [testRealm, otherRealm]) await run('kdb5_util', ['create', '-r', realm, '-s', '-P', 'master'], { env: environment });
  const trust = `addprinc -pw between-realms -e aes256-cts:normal krbtgt/${testRealm}@${otherRealm}`;
  await kadmin(testRealm, trust, ...users.filter((user) => !user.includes('@')).map((user) => `addprinc -pw ${passwordOf(user)} ${user}`), ...services.map((service) => `addprinc -randkey ${service}`), ...services.map((service) => `ktadd -k ${at('service.keytab')} ${service}`));
  await kadmin(otherRealm, trust, ...users.filter((user) => user.includes('@')).map((user) => `addprinc -pw ${passwordOf(user)} ${user}`));

  const kdc = spawn('krb5kdc', ['-n', '-r', testRealm, '-r', otherRealm], { env: environment, cwd: home, stdio: ['ignore', 'ignore', 'pipe'] });
  kdc.stderr.on('data', (chunk: Buffer) => writeFileSync(at('stderr'), chunk, { flag: 'a' }));
  const caches = new Map<string, Promise<NodeJS.ProcessEnv>>();

  async function login(user: string): Promise<NodeJS.ProcessEnv> {
    const own = { ...environment, KRB5CCNAME: `FILE:${at(`cache-${user.replace(/\W/g, '-')}`)}` };
    const kinit = run('kinit', [user.includes('@') ? user : `${user}@${testRealm}`], { env: own });
    kinit.child.stdin?.end(`${passwordOf(user)}\n`);
    await kinit;
    return own;
  }

  async function stop(): Promise<void> {
    await endProgram(kdc);
    rmSync(home, { recursive: true, force: true });
  }

  try {
    await awaitListening(kdc, port, () => (existsSync(at('stderr')) ? readFileSync(at('stderr'), 'utf8') : ''));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    configuration: at('krb5.conf'),
    keytab: at('service.keytab'),
    environmentOf(user) {
      const known = caches.get(user) ?? login(user);
      caches.set(user, known);
      return known;
    },
    async changeKey(service) {
      await kadmin(testRealm, `ktadd -k ${at('service.keytab')} ${service}`);
      caches.clear();
    },
    stop,
  };
}

function passwordOf(user: string): string {
  return `secret-of-${user.replace(/\W/g, '-')}`;
}

function clientConfiguration(port: number): string {
  const realm = (name: string): string => `  ${name} = {\n    kdc = 127.0.0.1:${port}\n  }\n`;
  return `[libdefaults]
  default_realm = ${testRealm}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  udp_preference_limit = 1
[realms]
${realm(testRealm)}${realm(otherRealm)}[domain_realm]
  localhost = ${testRealm}
`;
}

function kdcConfiguration(home: string, port: number): string {
  const realm = (name: string): string => `  ${name} = {
    database_name = ${home}/${name}
    key_stash_file = ${home}/${name}.stash
    supported_enctypes = aes256-cts:normal
  }
`;
  return `[kdcdefaults]
  kdc_listen = 127.0.0.1:${port}
  kdc_tcp_listen = 127.0.0.1:${port}
[realms]
${realm(testRealm)}${realm(otherRealm)}[logging]
  kdc = FILE:${home}/kdc-log
`;
}
