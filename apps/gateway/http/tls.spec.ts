import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createOpensslAuthority } from '../../../libs/testing/openssl-authority.js';
import type { CertificateFiles } from '../../../libs/testing/test-certificates.js';
import { startTestGateway, type TestGateway } from '../__fixtures__/test-gateway.js';

let folder: string;
let certificates: { readonly authority: string } & Readonly<Record<'server' | 'client' | 'stranger', CertificateFiles>>;
let gateway: TestGateway;
let accessFile: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-tls-'));
  const farm = createOpensslAuthority(folder, 'farm');
  certificates = { authority: farm.certificate, server: farm.issue('/CN=localhost'), client: farm.issue('/CN=builder'), stranger: createOpensslAuthority(folder, 'stranger').issue('/CN=builder') };
  accessFile = path.join(folder, 'access.yaml');
  const { authority, server } = certificates;
  writeFileSync(accessFile, `authentication:\n  tls: { certificate-file: ${server.certificate}, key-file: ${server.key}, client-certificates: optional, client-authorities-file: ${authority} }\nauthorization: {}\n`);
  gateway = await startTestGateway({ environment: { MILLRACE_ACCESS: accessFile }, clientMilliseconds: 700 });
});
afterAll(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true, force: true });
});

function get(host: string, place: string, options: https.RequestOptions = {}): Promise<{ readonly status: number | undefined; readonly text: string; readonly headers: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    https.get({ host, port: gateway.port, path: place, ca: readFileSync(certificates.authority), servername: 'localhost', agent: false, ...options }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString(), headers: response.headers }));
    }).on('error', reject);
  });
}

describe('a gateway on TLS', () => {
  it('serves https on both loopback addresses, and says so', async () => {
    expect(gateway.url).toMatch(/^https:/);
    for (const host of ['127.0.0.1', '::1']) expect((await get(host, '/healthz')).status).toBe(200);
  });

  it('leads the clients of ODCS from page to page by https', async () => {
    const first = async (headers: Readonly<Record<string, string>>): Promise<unknown> => (JSON.parse((await get('127.0.0.1', '/api/1/composes/?per_page=1', { headers })).text) as { meta: { first: unknown } }).meta.first;
    expect(await first({})).toBe(`https://127.0.0.1:${gateway.port}/api/1/composes/?page=1&per_page=1`);
    expect(await first({ 'x-scheme': 'http' })).toMatch(/^http:/);
  });

  it('lets the control credentials in, and tells others what to show', async () => {
    expect((await get('127.0.0.1', '/v1/sessions', { auth: 'craft:craft' })).status).toBe(200);
    const refused = await get('127.0.0.1', '/v1/sessions');
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([401, 'Basic realm="millrace", charset="UTF-8"']);
  });

  it('knows the client by its certificate', async () => {
    const shown = { cert: readFileSync(certificates.client.certificate), key: readFileSync(certificates.client.key) };
    expect((await get('::1', '/v1/sessions', shown)).status).toBe(200);
    expect((await get('127.0.0.1', '/v1/sessions', { cert: readFileSync(certificates.stranger.certificate), key: readFileSync(certificates.stranger.key) })).status).toBe(401);
    expect((await get('127.0.0.1', '/metrics')).text).toMatch(/millrace_logins_total\{by="certificate",outcome="accepted"\} 1\n/);
    expect(gateway.log()).toMatch(/"by":"certificate","outcome":"refused","reason":"the certificate of [^}]*login failed/);
  });

  it.each([
    ['plain HTTP', 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['nothing', ''],
    ['half of a greeting', Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01])],
  ])('cuts whoever sends %s', async (_name, bytes) => {
    const socket = connect(gateway.port, '127.0.0.1').on('error', () => undefined);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.write(bytes);
    await new Promise((resolve) => socket.once('close', resolve));
    expect(Buffer.concat(chunks).toString('latin1')).not.toContain('200 OK');
    expect((await get('127.0.0.1', '/healthz')).status).toBe(200);
  });

  it('cuts a client that does not finish its request', async () => {
    const request = https.request({ host: '127.0.0.1', port: gateway.port, path: '/session', method: 'POST', auth: 'craft:craft', headers: { 'content-length': 100 }, ca: readFileSync(certificates.authority), servername: 'localhost', agent: false });
    const outcome = new Promise((resolve) => request.once('response', ({ statusCode }) => resolve(statusCode)).once('error', ({ message }) => resolve(message)));
    request.write('{');
    expect([408, 'socket hang up']).toContain(await outcome);
  });

  it('says that the port is taken', async () => {
    await expect(startTestGateway({ environment: { MILLRACE_ACCESS: accessFile, MILLRACE_CONTROL_PORT: String(gateway.port) } })).rejects.toMatchObject({ code: 'port-in-use' });
  });
});
