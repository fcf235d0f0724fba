import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { toJks } from './to-jks.js';
import { toPkcs12 } from './to-pkcs12.js';

let scratch: string;
const pems: Record<string, string> = {};

beforeAll(() => {
  scratch = mkdtempSync(path.join(tmpdir(), 'millrace-formats-'));
  for (const [name, key] of [['rsa', ['rsa:2048']], ['ec', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']]] as const) {
    pems[name] = execFileSync('openssl', ['req', '-x509', '-newkey', ...key, '-nodes', '-keyout', path.join(scratch, 'key.pem'), '-days', '30', '-subj', '/CN=Format test'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  }
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function keytool(file: string, type: string, password = 'changeit'): string {
  return execFileSync('keytool', ['-J-Duser.language=en', '-list', '-v', '-keystore', file, '-storetype', type, '-storepass', password], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

describe.each(['rsa', 'ec'])('an authority with an %s key', (name) => {
  it.each([['JKS', toJks], ['PKCS12', toPkcs12]] as const)('is a trusted certificate for Java in %s, under its password only', (type, write) => {
    const pem = pems[name] ?? '';
    const file = path.join(scratch, `${name}.${type}`);
    writeFileSync(file, write(pem, 'changeit'));
    const listed = keytool(file, type);
    expect(listed).toContain('Your keystore contains 1 entry');
    expect(listed).toContain('Alias name: millrace');
    expect(listed).toContain('Entry type: trustedCertEntry');
    expect(listed).toContain(new X509Certificate(pem).fingerprint256);
    expect(() => keytool(file, type, 'wrong-password')).toThrow();
  });

  it('is read from PKCS#12 by openssl, whose MAC check fails for another password', () => {
    const pem = pems[name] ?? '';
    const file = path.join(scratch, `${name}.p12`);
    writeFileSync(file, toPkcs12(pem, 'pässword'));
    const read = (password: string): string => execFileSync('openssl', ['pkcs12', '-in', file, '-nokeys', '-passin', `pass:${password}`], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    expect(new X509Certificate(read('pässword')).fingerprint256).toBe(new X509Certificate(pem).fingerprint256);
    expect(() => read('wrong')).toThrow();
  });
});

it.each([toJks, toPkcs12])('refuses what is no certificate', (write) => expect(() => write('nonsense', 'changeit')).toThrow());
