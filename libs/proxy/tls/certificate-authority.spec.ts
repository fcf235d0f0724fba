import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync, spawn } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openCertificateAuthority, type CertificateAuthority } from './certificate-authority.js';
import { buildAuthorityCertificate } from './certificate-builder.js';

let scratch: string;
let authority: CertificateAuthority;

beforeAll(() => {
  scratch = mkdtempSync(path.join(tmpdir(), 'millrace-ca-'));
  authority = openCertificateAuthority({ home: path.join(scratch, 'home') });
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function file(name: string, content: string): string {
  const result = path.join(scratch, name);
  writeFileSync(result, content);
  return result;
}

/** What OpenSSL says of a leaf under the strict rules of RFC 5280, which Python 3.13 uses by default. */
function verifyStrictly(ca: CertificateAuthority, hostname: string, option: '-verify_hostname' | '-verify_ip'): string {
  const caFile = file(`${hostname.slice(0, 20)}.ca.pem`, ca.certificatePem);
  const leafFile = file(`${hostname.slice(0, 20)}.leaf.pem`, ca.issue(hostname).certificatePem);
  return execFileSync('openssl', ['verify', '-x509_strict', '-check_ss_sig', '-purpose', 'sslserver', option, hostname, '-CAfile', caFile, leafFile], { encoding: 'utf8' });
}

describe('a new authority', () => {
  it('is a CA of ten years in files of the right modes', () => {
    const directory = path.join(scratch, 'home', 'ca');
    const certificate = new X509Certificate(readFileSync(path.join(directory, 'ca.pem')));
    expect(certificate.ca).toBe(true);
    expect(certificate.subject).toMatch(/^CN=Millrace [0-9a-f]{8}$/);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.publicKey.asymmetricKeyDetails?.modulusLength).toBe(2048);
    expect((certificate.validToDate.getTime() - Date.now()) / 86_400_000).toBeCloseTo(3650, 0);
    expect(statSync(path.join(directory, 'ca.pem')).mode & 0o777).toBe(0o644);
    expect(statSync(path.join(directory, 'ca.key.pem')).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory).sort()).toEqual(['ca.key.pem', 'ca.pem']);
  });

  it('is the same when opened again', () => {
    expect(openCertificateAuthority({ home: path.join(scratch, 'home') }).certificatePem).toBe(authority.certificatePem);
  });

  it('is finished by the next process when one died between key and certificate', () => {
    const home = path.join(scratch, 'half');
    mkdirSync(path.join(home, 'ca'), { recursive: true });
    const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    writeFileSync(path.join(home, 'ca', 'ca.key.pem'), key.export({ type: 'pkcs8', format: 'pem' }));
    const opened = openCertificateAuthority({ home });
    expect(new X509Certificate(opened.certificatePem).checkPrivateKey(key)).toBe(true);
  });

  it('is not replaced when only its key is lost', () => {
    const home = path.join(scratch, 'lost');
    openCertificateAuthority({ home });
    rmSync(path.join(home, 'ca', 'ca.key.pem'));
    expect(() => openCertificateAuthority({ home })).toThrow(expect.objectContaining({ code: 'invalid-setting' }));
    expect(existsSync(path.join(home, 'ca', 'ca.key.pem'))).toBe(false);
  });

  it('is one when several processes make it at once', async () => {
    const home = path.join(scratch, 'race');
    // swc turns the sources into something that plain node runs, as jest's own transform does.
    const script = `
      const { transformSync } = require('@swc/core');
      const { registerHooks } = require('node:module');
      const { readFileSync, existsSync } = require('node:fs');
      const { fileURLToPath, pathToFileURL } = require('node:url');
      registerHooks({
        resolve(specifier, context, next) {
          if (specifier.startsWith('.')) { const ts = new URL(specifier.replace(/\\.js$/, '.ts'), context.parentURL); if (existsSync(ts)) return { url: ts.href, format: 'module', shortCircuit: true }; }
          return next(specifier, context);
        },
        load(url, context, next) {
          if (!url.endsWith('.ts')) return next(url, context);
          return { format: 'module', shortCircuit: true, source: transformSync(readFileSync(fileURLToPath(url), 'utf8'), { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' }, module: { type: 'es6' } }).code };
        },
      });
      import(pathToFileURL(process.argv[1]).href).then(({ openCertificateAuthority }) => console.log(openCertificateAuthority({ home: process.argv[2] }).certificatePem));`;
    const source = path.join(import.meta.dirname, 'certificate-authority.ts');
    const outputs = await Promise.all(
      Array.from({ length: 4 }, () => new Promise<string>((resolve, reject) => {
        const child = spawn(process.execPath, ['-e', script, source, home], { stdio: ['ignore', 'pipe', 'inherit'] });
        let output = '';
        child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
        child.on('error', reject).on('close', () => resolve(output.trim()));
      })),
    );
    expect(outputs[0]).toContain('BEGIN CERTIFICATE');
    expect(new Set(outputs).size).toBe(1);
    expect(readdirSync(path.join(home, 'ca')).sort()).toEqual(['ca.key.pem', 'ca.pem']);
  });
});

describe('issue', () => {
  it.each([['example.org', '-verify_hostname'], ['a_b.xn--bcher-kva.example', '-verify_hostname'], ['127.0.0.1', '-verify_ip'], ['2001:db8::1', '-verify_ip'], [`${'l'.repeat(60)}.${'m'.repeat(60)}.example.org`, '-verify_hostname']] as const)(
    'makes a leaf for %s that strict OpenSSL accepts',
    (host, option) => {
      expect(verifyStrictly(authority, host, option)).toContain('OK');
    },
  );

  it('names one host, for servers only, for at most 397 days, under a positive serial of 128 bits', () => {
    const issued = authority.issue('Example.ORG.');
    const leaf = new X509Certificate(issued.certificatePem);
    expect(leaf.subjectAltName).toBe('DNS:example.org');
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(leaf.ca).toBe(false);
    expect(leaf.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
    expect(leaf.checkPrivateKey(createPrivateKey(issued.keyPem))).toBe(true);
    const days = (issued.notAfter - issued.notBefore) / 86_400_000;
    expect(days).toBeGreaterThan(300);
    expect(days).toBeLessThanOrEqual(397);
    expect(issued.notBefore).toBeLessThan(Date.now() - 86_000_000);
    expect(authority.issue('example.org').certificatePem).not.toBe(issued.certificatePem);
    expect(new X509Certificate(authority.issue('::1').certificatePem).subjectAltName).toBe('IP Address:0:0:0:0:0:0:0:1');
  });

  it.each(['', 'a b', '*.example.org', 'a\0b', 'é.org', 'a,DNS:evil', `${'a'.repeat(64)}.org`, 'a.'.repeat(127) + 'aaa', '1.2.3', 'fe80::1%eth0'])('refuses %j', (host) => {
    expect(() => authority.issue(host)).toThrow(expect.objectContaining({ code: 'invalid-request' }));
  });
});

describe('a given authority', () => {
  const ecKey = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
  const rsaKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

  it('signs with an EC key', () => {
    const ca = openCertificateAuthority({
      home: scratch,
      certificateFile: file('ec.pem', buildAuthorityCertificate(ecKey, 'EC authority', Date.now())),
      keyFile: file('ec.key', ecKey.export({ type: 'sec1', format: 'pem' }).toString()),
    });
    expect(verifyStrictly(ca, 'ec.example.org', '-verify_hostname')).toContain('OK');
    expect(execFileSync('openssl', ['x509', '-noout', '-text'], { input: ca.issue('x.org').certificatePem, encoding: 'utf8' })).toContain('ecdsa-with-SHA256');
  });

  it.each(['pkcs1', 'pkcs8'] as const)('made by openssl the way craft-application does is read, key in %s', (type) => {
    const keyFile = file(`craft-${type}.key`, rsaKey.export({ type, format: 'pem' }).toString());
    const certificateFile = path.join(scratch, `craft-${type}.pem`);
    execFileSync('openssl', ['req', '-key', keyFile, '-new', '-x509', '-days', '7300', '-sha256', '-out', certificateFile, '-subj', '/CN=root@localhost']);
    const ca = openCertificateAuthority({ home: scratch, certificateFile, keyFile });
    expect(ca.certificateFile).toBe(certificateFile);
    const leafFile = file('craft.leaf.pem', ca.issue('craft.example.org').certificatePem);
    expect(execFileSync('openssl', ['verify', '-verify_hostname', 'craft.example.org', '-CAfile', certificateFile, leafFile], { encoding: 'utf8' })).toContain('OK');
  });

  it('must have files that fit together', () => {
    const certificateFile = file('rsa.pem', buildAuthorityCertificate(rsaKey, 'RSA authority', Date.now()));
    const keyFile = file('rsa.key', rsaKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    const otherKey = file('other.key', ecKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    const locked = file('locked.key', rsaKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString());
    const edKey = file('ed.key', generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    const leaf = authority.issue('leaf.example.org');
    const old = file('old.pem', buildAuthorityCertificate(rsaKey, 'Old', Date.now() - 4000 * 86_400_000));
    const cases: [string | undefined, string | undefined, RegExp][] = [
      [certificateFile, otherKey, /is not the key of/],
      [certificateFile, undefined, /needs both/],
      [undefined, keyFile, /needs both/],
      [file('leaf.pem', leaf.certificatePem), file('leaf.key', leaf.keyPem), /CA:TRUE is missing/],
      [path.join(scratch, 'absent.pem'), keyFile, /cannot be read as a PEM certificate/],
      [keyFile, keyFile, /cannot be read as a PEM certificate/],
      [certificateFile, locked, /cannot be read as a PEM private key/],
      [certificateFile, certificateFile, /cannot be read as a PEM private key/],
      [certificateFile, edKey, /cannot sign here/],
      [old, keyFile, /expired/],
    ];
    for (const [certificate, key, message] of cases) {
      expect(() => openCertificateAuthority({ home: scratch, certificateFile: certificate, keyFile: key })).toThrow(expect.objectContaining({ code: 'invalid-setting', message: expect.stringMatching(message) }));
    }
  });
});
