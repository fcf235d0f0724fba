import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { authorization, startTestGateway } from '../__fixtures__/test-gateway.js';
import type { TestGateway } from '../__fixtures__/test-gateway.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ clientMilliseconds: 700 });
});
afterAll(() => gateway.close());

/** Everything that the server sends until it closes. */
async function converse(talk: (socket: Socket) => void): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: gateway.port, allowHalfOpen: true });
  socket.on('error', () => undefined); // the server may cut while we still send
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'connect');
  talk(socket);
  await new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
  socket.destroy();
  return Buffer.concat(chunks).toString('latin1');
}

async function stillServes(): Promise<void> {
  expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200);
}

describe('a hostile client', () => {
  afterAll(stillServes);

  it('with an oversized head gets 431', async () => {
    const answer = await converse((socket) => socket.write(`GET /status HTTP/1.1\r\nHost: x\r\nX-Padding: ${'x'.repeat(20_000)}\r\n\r\n`));
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  });

  it.each([
    ['declared', `Content-Length: ${2 * 1024 * 1024}\r\n\r\n`],
    ['chunked', 'Transfer-Encoding: chunked\r\n\r\n'],
  ])('with an oversized body, %s, gets 413', async (_name, framing) => {
    const answer = await converse((socket) => {
      socket.write(`POST /session HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n${framing}`);
      if (framing.startsWith('Transfer')) for (let sent = 0; sent < 20; sent += 1) socket.write(`10000\r\n${'x'.repeat(0x10000)}\r\n`);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('413 Payload Too Large');
  });

  it('with an oversized body gets a problem under /v1', async () => {
    const answer = await converse((socket) => socket.write(`POST /v1/sessions HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Length: 9999999\r\n\r\n`));
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('"code":"payload-too-large"');
  });

  it('that never finishes its head is cut', async () => {
    const start = performance.now();
    const answer = await converse((socket) => socket.write('GET /status HTTP/1.1\r\nHost: x\r\n'));
    expect(answer).toMatch(/^(HTTP\/1\.1 408 |$)/);
    expect(performance.now() - start).toBeLessThan(5000);
  });

  it('that never finishes its body is cut', async () => {
    const start = performance.now();
    const answer = await converse((socket) => socket.write(`POST /session HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Length: 100\r\n\r\n{`));
    expect(answer).not.toContain('HTTP/1.1 200');
    expect(performance.now() - start).toBeLessThan(5000);
  });

  it('that drips its body is cut although it never pauses for long', async () => {
    const start = performance.now();
    let dripping: NodeJS.Timeout | undefined;
    await converse((socket) => {
      socket.write(`POST /session HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Length: 1000\r\n\r\n`);
      dripping = setInterval(() => socket.writable && socket.write(' '), 100);
    });
    clearInterval(dripping);
    expect(performance.now() - start).toBeLessThan(5000);
  });

  it('that closes its sending half after the request gets its answer', async () => {
    const answer = await converse((socket) => socket.end(`POST /session HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}`));
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toContain('"token"');
  });

  it('that goes away in the middle of a body opens nothing', async () => {
    const before = gateway.record.opened;
    const socket = connect(gateway.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(`POST /session HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Length: 100\r\n\r\n{"policy":`);
    socket.destroy();
    await once(socket, 'close');
    await stillServes();
    expect(gateway.record.opened).toBe(before);
  });

  it.each([
    ['two lengths', 'Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}'],
    ['a length and an encoding', 'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a length that is none', 'Content-Length: two\r\n\r\n{}'],
    ['a folded field', 'X: a\r\n b\r\nContent-Length: 2\r\n\r\n{}'],
  ])('that sends %s gets 400 and is cut', async (_name, rest) => {
    const before = gateway.record.opened;
    const answer = await converse((socket) => socket.write(`POST /session HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n${rest}`));
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('Connection: close');
    expect(gateway.record.opened).toBe(before);
  });

  it('that does not speak HTTP gets 400', async () => {
    expect(await converse((socket) => socket.write('\u0016\u0003\u0001\u0002\u0000\u0001'))).toMatch(/^HTTP\/1\.1 400 /);
  });

  it.each([
    ['/session/%zz', 'text/plain; charset=utf-8'],
    ['/v1/sessions/%zz', 'application/problem+json'],
  ])('with the malformed target %s gets 400', async (target, mediaType) => {
    const answer = await converse((socket) => socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nConnection: close\r\n\r\n`));
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer.toLowerCase()).toContain(`content-type: ${mediaType}`);
  });
});

describe('what real clients send', () => {
  const head = (method: string, path: string, extra: string): string =>
    `${method} ${path} HTTP/1.1\r\nHost: localhost:13555\r\nUser-Agent: python-requests/2.34.2\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: close\r\nContent-type: application/json\r\n${extra}Authorization: ${authorization}\r\n\r\n`;

  it('an empty body with a JSON content type is no mistake', async () => {
    expect(await converse((socket) => socket.write(head('GET', '/status', '')))).toMatch(/^HTTP\/1\.1 200 /);
    expect(await converse((socket) => socket.write(head('DELETE', '/resources/0', 'Content-Length: 0\r\n')))).toMatch(/^HTTP\/1\.1 200 /);
    expect(await converse((socket) => socket.write(head('DELETE', '/session/0', 'Content-Length: 0\r\n')))).toMatch(/^HTTP\/1\.1 404 /);
  });

  it('a body on GET is ignored, and the connection stays usable', async () => {
    const first = head('GET', '/session/00000000000000000000000000000000', 'Content-Length: 2\r\n').replace('Connection: close', 'Connection: keep-alive');
    const answers = await converse((socket) => socket.write(`${first}{}${head('GET', '/status', '')}`));
    expect(answers).toMatch(/^HTTP\/1\.1 404 [\s\S]*HTTP\/1\.1 200 /);
  });
});

describe('localhost', () => {
  it('is both loopback addresses with one port', async () => {
    const ipv6 = Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'));
    const hosts = ipv6 ? ['127.0.0.1', '[::1]'] : ['127.0.0.1'];
    const statuses = await Promise.all(hosts.map(async (host) => (await fetch(`http://${host}:${gateway.port}/healthz`)).status));
    expect(statuses).toEqual(hosts.map(() => 200));
  });

  it('with a port that is taken is an error with the words that clients look for', async () => {
    await expect(startTestGateway({ environment: { MILLRACE_CONTROL_PORT: String(gateway.port) } })).rejects.toMatchObject({ code: 'port-in-use', message: expect.stringContaining('bind: address already in use') });
  });
});
