import { readdir } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Inspector } from '../../libs/inspection/inspector.js';
import { ChunkedDecoder } from '../../libs/proxy/http1/chunked-decoder.js';
import { basicField, eventually, openClient, startHarness, startOrigin, talk, type HarnessOptions } from '../../libs/proxy/relay/__fixtures__/relay-harness.js';
import { matchSecret } from '../../libs/proxy/secrets/match-secret.js';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Approves everything. */
const approving: Inspector = {
  id: 'example',
  inspectRequest: () => ({ opinion: 'Pending', reason: 'fine' }),
  inspectResponse: () => Promise.resolve({ opinion: 'Approved', reason: 'fine' }),
};

async function start(answer: (request: string, socket: Socket) => void, options: HarnessOptions = {}) {
  const proxy = await startHarness({ inspectors: [approving], ...options });
  const origin = await startOrigin(answer);
  closers.push(() => proxy.close(), () => origin.close());
  const request = (line: string, fields: readonly string[] = [], body = '') =>
    [line.replace(' /', ` http://127.0.0.1:${origin.port}/`), 'Host: h', basicField, ...fields, '', body].join('\r\n');
  return { proxy, origin, request, ask: (line: string, fields: readonly string[] = [], body = '') => talk(proxy.port, request(line, ['Connection: close', ...fields], body)) };
}

const ok = (body: string, ...fields: string[]) => ['HTTP/1.1 200 OK', `Content-Length: ${body.length}`, ...fields, '', body].join('\r\n');

describe('a hostile registry', () => {
  it('cannot take the content coding away from the build that the inspectors undid', async () => {
    const { ask } = await start((_request, socket) => socket.write(ok('coded', 'Content-Encoding: gzip', 'Connection: content-encoding, content-type', 'Content-Type: a/b')), { policy: 'strict' });
    const answer = await ask('GET /x HTTP/1.1');
    expect(answer).toContain('Content-Encoding: gzip\r\n');
    expect(answer).toContain('Content-Type: a/b\r\n');
  });

  it('cannot name two content codings on two lines, of which an inspector would undo one', async () => {
    const { ask, proxy } = await start((_request, socket) => socket.write(ok('coded', 'Content-Encoding: identity', 'content-encoding: gzip')), { policy: 'strict' });
    expect(await ask('GET /x HTTP/1.1')).toMatch(/^HTTP\/1\.1 502 .*more than one Content-Encoding/s);
    expect(proxy.events).toMatchObject([{ type: 'DownloadFailed' }]);
  });

  it.each([
    ['one long field', [`X-Data: ${'d'.repeat(9000)}`]],
    ['many fields', Array.from({ length: 20 }, (_, index) => `X-Data-${index}: ${'d'.repeat(8000)}`)],
  ])('cannot send more in a head than the record holds, in strict (%s)', async (_name, fields) => {
    const { ask } = await start((_request, socket) => socket.write(ok('', ...fields)), { policy: 'strict' });
    const answer = await ask('GET /x HTTP/1.1');
    expect(answer).toMatch(/^HTTP\/1\.1 502 /);
    expect(answer).not.toContain('dddd');
  });

  it('cannot have a head without a body delivered before its record', async () => {
    const { proxy, request } = await start((_request, socket) => socket.write('HTTP/1.1 304 Not Modified\r\n\r\n'), {
      policy: 'strict',
      limits: { strictHeadAfter: 0 },
      keepBodies: true,
    });
    let recording = false;
    let release = (): void => undefined;
    proxy.state.beforeRecord = () => {
      recording = true;
      return new Promise((resolve) => (release = resolve));
    };
    const client = await openClient(proxy.port);
    client.socket.write(request('GET /x HTTP/1.1'));
    await eventually(() => recording);
    expect(client.received()).toBe('');
    release();
    expect(await client.until((text) => text.includes('\n\r\n') || text.length > 20)).toMatch(/^HTTP\/1\.1 403 /);
    client.socket.destroy();
  });

  it('cannot make an object of every byte with chunks of one byte', () => {
    const body = randomBytes(1000);
    const coded = Buffer.concat([...[...body].flatMap((byte) => [Buffer.from('1;e\r\n'), Buffer.from([byte]), Buffer.from('\r\n')]), Buffer.from('0\r\n\r\nrest')]);
    const seen: Buffer[] = [];
    const decoder = new ChunkedDecoder();
    const end = decoder.decode(coded, 0, (data) => void seen.push(data));
    expect(seen).toHaveLength(1);
    expect(seen[0]?.equals(body)).toBe(true);
    expect(coded.toString('latin1', end)).toBe('rest');
  });

  it('leaves no spool file behind when the record does not take its body', async () => {
    const { proxy, ask } = await start((_request, socket) => socket.write(ok('b'.repeat(600_000))), { policy: 'strict' });
    proxy.state.recordable = false;
    expect(await ask('GET /x HTTP/1.1')).toMatch(/^HTTP\/1\.1 503 /);
    while ((await readdir(proxy.home)).some((name) => name.length === 36)) await new Promise((resolve) => setImmediate(resolve));
    expect((await readdir(proxy.home)).filter((name) => name.length === 36)).toEqual([]);
  });
});

describe('a hostile build', () => {
  it.each(['TRACE', 'track', 'Connect'])('cannot have the injected credentials repeated by %s', async (method) => {
    const { ask, origin, proxy } = await start((request, socket) => socket.write(ok(request)), {
      secrets: [{ url: '**', type: 'basic-auth', credentials: 'user:secret' }],
    });
    expect(await ask(`${method} /x HTTP/1.1`)).toMatch(/^HTTP\/1\.1 501 /);
    expect(origin.requests).toEqual([]);
    expect(proxy.events).toMatchObject([{ type: 'RequestRefused', data: { rule: 'method' } }]);
  });

  it('cannot have the answer to a request hidden in a body taken for that of its next request', async () => {
    // An origin that passes over Content-Length and reads the body as a request: its answer waits on the kept connection.
    const sockets = new Set<Socket>();
    const { proxy, request } = await start((head, socket) => {
      sockets.add(socket);
      socket.write(ok(head.startsWith('POST') ? 'first' : 'second'));
    });
    const client = await openClient(proxy.port);
    client.socket.write(request('POST /one HTTP/1.1', ['Content-Length: 4'], 'GET '));
    await client.until((text) => text.endsWith('first'));
    client.socket.write(request('GET /two HTTP/1.1'));
    await client.until((text) => text.endsWith('second'));
    client.socket.destroy();
    expect(sockets.size).toBe(2);
  });

  it.each(['https://h:443/org/a%2f..%2f..%2fother', 'https://h:443/org/..;/other', 'https://h:443/org/..%3bx/other', 'https://h:443/org%5c..%5cother'])('gets no credentials for %s', (url) => {
    const secrets = [{ url: 'https://h:443/**', type: 'basic-auth' as const, credentials: 'user:secret' }];
    expect(matchSecret(secrets, url)).toBeUndefined();
    expect(matchSecret(secrets, 'https://h:443/org/a..b/..c')).toBe(secrets[0]);
  });

  it('cannot end the process by a request that its handling fails on', async () => {
    const failing: Inspector = { ...approving, inspectRequest: () => ({ opinion: 'Pending', reason: 'fine', annotations: {} }) };
    const { proxy, request } = await start((_request, socket) => socket.write(ok('fine')), { inspectors: [failing] });
    const { session } = proxy;
    const admits = session.admits.bind(session);
    const client = await openClient(proxy.port);
    client.socket.write(request('GET /one HTTP/1.1'));
    await client.until((text) => text.endsWith('fine'));
    session.admits = () => {
      throw new Error('a defect');
    };
    client.socket.write(request('GET /two HTTP/1.1'));
    await eventually(client.ended);
    session.admits = admits;
    expect(await talk(proxy.port, request('GET /three HTTP/1.1', ['Connection: close']))).toMatch(/fine$/);
  });

  it.each([
    ['two lengths', 'Content-Length: 1\r\nContent-Length: 1'],
    ['length and chunked', 'Content-Length: 1\r\nTransfer-Encoding: chunked'],
    ['two codings', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity'],
    ['an odd coding', 'Transfer-Encoding: xchunked'],
    ['a tab in the coding', 'Transfer-Encoding:\x0bchunked'],
    ['white space before the colon', 'Content-Length : 1'],
    ['a folded line', 'X: a\r\n Content-Length: 1'],
    ['a bare line feed', 'X: a\nContent-Length: 1'],
    ['a bare carriage return', 'X: a\rContent-Length: 1'],
    ['NUL', 'X: a\0b'],
    ['a signed length', 'Content-Length: +1'],
  ])('cannot smuggle with %s', async (_name, field) => {
    const { ask, origin } = await start((_request, socket) => socket.write(ok('reached')));
    expect(await ask('POST /x HTTP/1.1', [field], 'x')).toMatch(/^HTTP\/1\.1 (400|501) /);
    expect(origin.requests).toEqual([]);
  });
});
