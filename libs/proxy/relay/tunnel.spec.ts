import { writeFile } from 'node:fs/promises';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { connect as connectTls, createSecureContext, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { openCertificateAuthority } from '../tls/certificate-authority.js';
import { basicField, eventually, openClient, startHarness, startOrigin, talk, type Harness, type HarnessOptions } from './__fixtures__/relay-harness.js';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A proxy, and an HTTPS origin whose authority it trusts for upstream (a different one than it intercepts with). */
async function withSecureOrigin(options: HarnessOptions & { readonly trust?: boolean; readonly hostname?: string } = {}) {
  const scratch = await startHarness();
  closers.push(() => scratch.close());
  const authority = openCertificateAuthority({ home: path.join(scratch.home, 'origin') });
  const issued = authority.issue(options.hostname ?? 'localhost');
  const urls: string[] = [];
  const server = https.createServer({ cert: issued.certificatePem, key: issued.keyPem }, (request, response) => {
    urls.push(`${request.headers.host ?? ''}${request.url ?? ''}`);
    response.end(`secure ${request.url ?? ''}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => new Promise((resolve) => (server.closeAllConnections(), server.close(() => resolve()))));
  const caFile = path.join(scratch.home, 'origin-ca.pem');
  await writeFile(caFile, authority.certificatePem);
  const proxy = await startHarness({ ...options, caFile: options.trust === false ? undefined : caFile });
  closers.push(() => proxy.close());
  return { proxy, port: (server.address() as AddressInfo).port, urls };
}

async function tunnel(proxy: Harness, authority: string): Promise<TLSSocket> {
  const client = await openClient(proxy.port);
  client.socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${basicField}\r\n\r\n`);
  await client.until((text) => text.endsWith('\r\n\r\n'));
  expect(client.received()).toMatch(/^HTTP\/1\.1 200 /);
  client.socket.removeAllListeners('data');
  const host = authority.slice(0, authority.lastIndexOf(':'));
  const secure = connectTls({ socket: client.socket, servername: host, secureContext: createSecureContext({ ca: proxy.authority.certificatePem }) });
  await new Promise<void>((resolve, reject) => secure.once('secureConnect', resolve).once('error', reject));
  return secure;
}

function ask(socket: TLSSocket, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const onData = (chunk: Buffer): void => {
      answer += chunk.toString('latin1');
      const length = /content-length: (\d+)/i.exec(answer);
      const end = answer.indexOf('\r\n\r\n');
      if (end === -1 || length === null || answer.length < end + 4 + Number(length[1])) return;
      socket.off('data', onData);
      resolve(answer);
    };
    socket.on('data', onData).once('error', reject);
    socket.once('close', () => resolve(answer));
    socket.write(request);
  });
}

describe('a tunnel', () => {
  it('is intercepted with a certificate for its host; requests in it are relayed, recorded with the port, and kept apart', async () => {
    const { proxy, port, urls } = await withSecureOrigin();
    const socket = await tunnel(proxy, `localhost:${port}`);
    expect(socket.getPeerCertificate().subjectaltname).toBe('DNS:localhost');
    expect(socket.alpnProtocol || 'http/1.1').toBe('http/1.1');
    expect(await ask(socket, `GET /one HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`)).toContain('secure /one');
    expect(await ask(socket, `GET /two HTTP/1.1\r\nHost: LOCALHOST:${port}\r\n\r\n`)).toContain('secure /two');
    expect(urls).toEqual([`localhost:${port}/one`, `localhost:${port}/two`]);
    expect(proxy.events.map((event) => event.data.request.url)).toEqual([`https://localhost:${port}/one`, `https://localhost:${port}/two`]);
    socket.destroy();
  });

  it('refuses a Host that names another place, and records that', async () => {
    const { proxy, port, urls } = await withSecureOrigin();
    const socket = await tunnel(proxy, `localhost:${port}`);
    expect(await ask(socket, `GET / HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n`)).toMatch(/^HTTP\/1\.1 421 /);
    expect(proxy.events).toMatchObject([{ type: 'RequestRefused', data: { rule: 'host-mismatch', request: { url: `https://localhost:${port}/` } } }]);
    expect(urls).toEqual([]);
    socket.destroy();
  });

  it('refuses smuggled framing inside, and records it', async () => {
    const { proxy, port, urls } = await withSecureOrigin();
    const socket = await tunnel(proxy, `localhost:${port}`);
    const answer = await ask(socket, `POST / HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /evil HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    await eventually(() => proxy.events.length === 1);
    expect(proxy.events).toMatchObject([{ type: 'RequestRefused', data: { rule: 'malformed' } }]);
    expect(urls).toEqual([]);
  });

  it.each([
    ['an authority that is not trusted', { trust: false }],
    ['a certificate for another host', { hostname: 'other.example' }],
  ])('to an origin with %s: 502 inside, recorded as a TLS failure', async (_name, options) => {
    const { proxy, port, urls } = await withSecureOrigin(options);
    const socket = await tunnel(proxy, `localhost:${port}`);
    expect(await ask(socket, `GET / HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 502 .*certificate/s);
    expect(proxy.events).toMatchObject([{ type: 'DownloadFailed', data: { stage: 'tls' } }]);
    expect(urls).toEqual([]);
    socket.destroy();
  });

  it('lets nothing through after the revocation', async () => {
    const { proxy, port, urls } = await withSecureOrigin();
    const socket = await tunnel(proxy, `localhost:${port}`);
    expect(await ask(socket, `GET /before HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`)).toContain('secure');
    proxy.revoke();
    expect(await ask(socket, `GET /after HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 407 /);
    expect(urls).toEqual([`localhost:${port}/before`]);
  });

  it('may carry plain HTTP', async () => {
    const proxy = await startHarness();
    closers.push(() => proxy.close());
    const origin = await startOrigin((_request, socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    closers.push(() => origin.close());
    const client = await openClient(proxy.port);
    client.socket.write(`CONNECT 127.0.0.1:${origin.port} HTTP/1.1\r\nHost: x\r\n${basicField}\r\n\r\n`);
    await client.until((text) => text.includes('200'));
    client.socket.write(`GET /plain HTTP/1.1\r\nHost: 127.0.0.1:${origin.port}\r\nConnection: close\r\n\r\n`);
    await client.until((text) => text.includes('ok'));
    expect(proxy.events[0]?.data.request.url).toBe(`http://127.0.0.1:${origin.port}/plain`);
  });

  it('with anything but TLS or HTTP inside is cut and recorded', async () => {
    const proxy = await startHarness();
    closers.push(() => proxy.close());
    const answer = await talk(proxy.port, `CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: x\r\n${basicField}\r\n\r\n\x00\x01binary`);
    expect(answer).toBe('HTTP/1.1 200 Connection Established\r\n\r\n');
    expect(proxy.events).toMatchObject([{ type: 'RequestRefused', data: { rule: 'protocol' } }]);
  });
});
