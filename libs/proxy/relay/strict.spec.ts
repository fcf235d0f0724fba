import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Inspector } from '../../inspection/inspector.js';
import { basicField, eventually, openClient, startHarness, startOrigin, talk, type HarnessOptions } from './__fixtures__/relay-harness.js';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Approves `/good…` whose body does not say "tampered"; has no opinion on other paths. */
const inspector: Inspector = {
  id: 'example',
  inspectRequest: (request) => (request.path.startsWith('/good') ? { opinion: 'Pending', reason: 'a good path' } : undefined),
  async inspectResponse(_request, _response, body) {
    const bytes = await body.read(64 * 1024 * 1024);
    if (bytes.includes('explode')) throw new Error('the parser gave up');
    return bytes.includes('tampered') ? { opinion: 'Rejected', reason: 'its digest is wrong' } : { opinion: 'Approved', reason: 'fine', metadata: { type: 'application/x.example', name: 'good' } };
  },
};

async function strictly(response: string | Buffer, options: HarnessOptions = {}) {
  const proxy = await startHarness({ policy: 'strict', inspectors: [inspector], ...options });
  const origin = await startOrigin((_request, socket) => socket.write(response));
  closers.push(() => proxy.close(), () => origin.close());
  const request = (path: string, ...fields: string[]) => [`GET http://127.0.0.1:${origin.port}${path} HTTP/1.1`, 'Host: h', basicField, 'Connection: close', ...fields, '', ''].join('\r\n');
  return { proxy, origin, fetch: (path: string, ...fields: string[]) => talk(proxy.port, request(path, ...fields)), request };
}

const ok = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

describe('strict', () => {
  it('delivers what is approved and records its metadata', async () => {
    const { proxy, fetch } = await strictly(ok('hello'));
    expect(await fetch('/good')).toMatch(/^HTTP\/1\.1 200 OK\r\n.*hello$/s);
    expect(proxy.events).toMatchObject([{ type: 'ArtefactDownloaded', data: { verdict: 'Approved', delivered: true, metadata: { name: 'good', type: 'application/x.example' } } }]);
  });

  it('refuses a request that nobody recognises before it goes upstream', async () => {
    const { proxy, origin, fetch } = await strictly(ok('hello'));
    const answer = await fetch('/other');
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(answer).toContain('download authorization denied: default: the request was not recognized by any format inspector');
    expect(origin.requests).toEqual([]);
    expect(proxy.events).toMatchObject([{ type: 'RequestRefused', data: { rule: 'policy', status: 403 } }]);
  });

  it.each([
    ['tampered content', 'this was tampered with', 'its digest is wrong'],
    ['content that breaks its inspector', 'explode', 'the parser gave up'],
  ])('refuses %s with the reason, and not a byte of it reaches the build', async (_name, body, reason) => {
    const { proxy, fetch } = await strictly(ok(body));
    const answer = await fetch('/good');
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(answer).toContain(reason);
    expect(answer).not.toContain(body);
    expect(proxy.events).toMatchObject([{ type: 'ArtefactDownloaded', data: { verdict: 'Rejected', delivered: false } }]);
  });

  it('holds a body larger than memory in a file, delivers it whole, keeps it and leaves no spool file', async () => {
    const body = randomBytes(3 * 1024 * 1024);
    const { proxy, fetch } = await strictly(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`), body]), { keepBodies: true });
    const answer = await fetch('/good');
    expect(Buffer.from(answer.slice(answer.indexOf('\r\n\r\n') + 4), 'latin1').equals(body)).toBe(true);
    const [file] = [...proxy.kept.values()];
    await eventually(() => proxy.running() === 0);
    expect(proxy.kept.size).toBe(1);
    expect(typeof file).toBe('string');
    expect((await readdir(proxy.home)).filter((name) => name !== 'ca')).toEqual([]);
  });

  it('asks for the whole artefact when the build asks for a range or revalidates, and refuses a partial answer', async () => {
    const { proxy, origin, fetch } = await strictly('HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-3/10\r\nContent-Length: 4\r\n\r\nhell');
    const answer = await fetch('/good', 'Range: bytes=0-3', 'If-None-Match: "a"', 'If-Modified-Since: x', 'If-Range: "a"', 'X-Other: 1');
    expect(origin.requests[0]).not.toMatch(/range|if-/i);
    expect(origin.requests[0]).toContain('X-Other: 1');
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(answer).not.toContain('hell\n');
    expect(proxy.events).toMatchObject([{ type: 'ArtefactDownloaded', data: { verdict: 'Rejected', delivered: false, response: { status: 206 } } }]);
  });

  it('refuses a 304, which would make the build use bytes that were never seen', async () => {
    const { fetch } = await strictly('HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n');
    expect(await fetch('/good')).toMatch(/^HTTP\/1\.1 403 /);
  });

  it.each([404, 500, 302])('withholds the body of a %i, but passes on status and fields', async (status) => {
    const { proxy, fetch } = await strictly(`HTTP/1.1 ${status} Whatever\r\nLocation: /x\r\nContent-Length: 7\r\n\r\npayload`);
    const answer = await fetch('/good');
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} Whatever\r\nLocation: /x\r\nContent-Length: 0\r\n`));
    expect(answer).not.toContain('payload');
    expect(proxy.events).toMatchObject([{ type: 'ArtefactDownloaded', data: { verdict: 'Approved', delivered: false, body: { size: 7 } } }]);
  });

  it('sends the head when the verdict takes long, and tears the connection when it is bad', async () => {
    let decide = (): void => undefined;
    const slow: Inspector = { ...inspector, inspectResponse: () => new Promise((resolve) => (decide = () => resolve({ opinion: 'Rejected', reason: 'bad' }))) };
    const { proxy, request } = await strictly(ok('hello'), { inspectors: [slow], limits: { strictHeadAfter: 10 } });
    const client = await openClient(proxy.port);
    client.socket.write(request('/good'));
    await client.until((text) => text.includes('Content-Length: 5'));
    decide();
    const all = await client.until((_text, ended) => ended);
    expect(all).not.toContain('hello');
    expect(proxy.events).toMatchObject([{ data: { delivered: false } }]);
  });
});

describe('permissive', () => {
  it('delivers what strict would refuse and records the violation', async () => {
    const { proxy, fetch } = await strictly(ok('this was tampered with'), { policy: 'permissive' });
    expect(await fetch('/good')).toContain('tampered');
    expect(await fetch('/other')).toContain('tampered');
    expect(proxy.events).toMatchObject([{ data: { verdict: 'Rejected', delivered: true } }, { data: { verdict: 'Rejected', delivered: true } }]);
  });

  it('does not keep a body that holds a credential', async () => {
    const token: Inspector = { ...inspector, inspectResponse: () => Promise.resolve({ opinion: 'Approved', reason: 'a token', confidential: true }) };
    const { proxy, fetch } = await strictly(ok('secret'), { policy: 'permissive', keepBodies: true, inspectors: [token] });
    await fetch('/good');
    expect(proxy.events).toMatchObject([{ data: { verdict: 'Approved', kept: false } }]);
    expect(proxy.kept.size).toBe(0);
  });

  it('keeps inspected bodies by digest', async () => {
    const { proxy, fetch } = await strictly(ok('hello'), { policy: 'permissive', keepBodies: true });
    await fetch('/good');
    await fetch('/other');
    expect([...proxy.kept.values()].map(String)).toEqual(['hello']);
  });
});
