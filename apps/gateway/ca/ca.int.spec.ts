import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestGateway } from '../__fixtures__/test-gateway.js';
import type { TestGateway } from '../__fixtures__/test-gateway.js';
import { createBuildEnvironment } from '../sessions/build-environment.js';
import { openAuthorityCertificate } from './authority-certificate.js';

let gateway: TestGateway;
let home: string;
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'millrace-ca-'));
  const authority = openAuthorityCertificate({ home, caCertificate: undefined });
  gateway = await startTestGateway({ dependencies: { authority, buildEnvironment: createBuildEnvironment(authority, home) } });
});
afterAll(async () => {
  await gateway.close();
  rmSync(home, { recursive: true, force: true });
});

async function download(name: string): Promise<string> {
  const answer = await fetch(`${gateway.url}/v1/${name}`);
  expect(answer.status).toBe(200);
  const file = path.join(home, name);
  writeFileSync(file, Buffer.from(await answer.arrayBuffer()));
  return file;
}

describe('the certificate of the authority', () => {
  it('is PEM of a certificate, and no key', async () => {
    const pem = await (await fetch(`${gateway.url}/v1/ca.pem`)).text();
    expect(new X509Certificate(pem).ca).toBe(true);
    expect(pem).not.toContain('PRIVATE KEY');
  });

  it('is PKCS#12 that openssl reads', async () => {
    const read = execFileSync('openssl', ['pkcs12', '-in', await download('ca.p12'), '-nokeys', '-passin', 'pass:changeit'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const pem = await (await fetch(`${gateway.url}/v1/ca.pem`)).text();
    expect(new X509Certificate(read).fingerprint256).toBe(new X509Certificate(pem).fingerprint256);
  });

  it.each(['ca.p12', 'ca.jks'])('is %s that keytool lists as trusted', async (name) => {
    const listed = execFileSync('keytool', ['-list', '-keystore', await download(name), '-storepass', 'changeit'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    expect(listed).toMatch(/millrace,.*trustedCertEntry/);
  });

  it('is what the variables of a build name', async () => {
    const opened = (await (await fetch(`${gateway.url}/session`, { method: 'POST', headers: { authorization: `Basic ${btoa('craft:craft')}` }, body: '{}' })).json()) as { id: string; token: string };
    const environment = async (query: string): Promise<Record<string, string>> =>
      (await (await fetch(`${gateway.url}/v1/sessions/${opened.id}/env?shell=json${query}`, { headers: { 'millrace-session-token': opened.token } })).json()) as Record<string, string>;
    expect(await environment('')).toMatchObject({ SSL_CERT_FILE: path.join(home, 'ca', 'bundle.pem'), https_proxy: expect.stringContaining(`${opened.id}:${opened.token}@`) });
    expect(await environment('&ca-file=/etc/millrace.pem')).toMatchObject({ SSL_CERT_FILE: '/etc/millrace.pem' });
  });
});
