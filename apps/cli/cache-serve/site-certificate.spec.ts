import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect, createServer } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { keepSiteCertificate, type SiteCertificate } from './site-certificate.js';

let directory: string;
beforeEach(() => void (directory = mkdtempSync(path.join(tmpdir(), 'millrace-site-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const names = ['cache.example.test', 'localhost', '127.0.0.1', '::1'] as const;
const day = 24 * 60 * 60 * 1000;

/** `trusted`, or why a client that trusts the authority alone does not trust the server. */
async function handshake({ certificate, key, authority }: SiteCertificate, servername: string): Promise<string> {
  const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    return await new Promise((resolve) => {
      const options = { port: (server.address() as AddressInfo).port, host: '127.0.0.1', ca: readFileSync(authority), ...(/^[\d.]+$/.test(servername) ? {} : { servername }) };
      const socket = connect(options, () => resolve('trusted')).once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      socket.once('secureConnect', () => socket.destroy());
    });
  } finally {
    server.close();
  }
}

describe('the certificate of a small site', () => {
  it('is trusted by whoever trusts its authority, for each of its names and no other', async () => {
    const made = keepSiteCertificate(directory, names, Date.now());
    for (const name of ['cache.example.test', 'localhost', '127.0.0.1']) expect([name, await handshake(made, name)]).toEqual([name, 'trusted']);
    expect(await handshake(made, 'other.example.test')).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('stays from one start to the next, and its keys are the owner\'s alone', () => {
    const made = keepSiteCertificate(directory, names, Date.now());
    const before = readFileSync(made.certificate, 'utf8');
    expect(made.renewed).toBe(true);
    expect(keepSiteCertificate(directory, names, Date.now() + day).renewed).toBe(false);
    expect(readFileSync(made.certificate, 'utf8')).toBe(before);
    for (const file of ['ca-key.pem', 'server-key.pem']) expect(statSync(path.join(directory, file)).mode & 0o777).toBe(0o600);
  });

  it('is renewed a month before its end, and for another name, by the same authority', async () => {
    const made = keepSiteCertificate(directory, names, Date.now());
    const authority = readFileSync(made.authority, 'utf8');
    const end = Date.parse(new X509Certificate(readFileSync(made.certificate)).validTo);
    expect(keepSiteCertificate(directory, names, end - 31 * day).renewed).toBe(false);
    expect(keepSiteCertificate(directory, names, end - 29 * day).renewed).toBe(true);
    const other = keepSiteCertificate(directory, ['new.example.test'], Date.now());
    expect(other.renewed).toBe(true);
    expect(readFileSync(made.authority, 'utf8')).toBe(authority);
    expect(await handshake(other, 'new.example.test')).toBe('trusted');
  });

  it('is made whole after a start that broke off, whatever that left', async () => {
    const made = keepSiteCertificate(directory, names, Date.now());
    for (const gone of ['server-key.pem', 'server.pem', 'ca.pem', 'ca-key.pem']) {
      rmSync(path.join(directory, gone));
      writeFileSync(path.join(directory, `${gone}.new`), 'half');
      keepSiteCertificate(directory, names, Date.now());
      expect([gone, await handshake(made, 'localhost')]).toEqual([gone, 'trusted']);
    }
  });
});
