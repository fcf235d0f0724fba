import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { authorization, startTestGateway } from '../__fixtures__/test-gateway.js';
import type { TestGateway } from '../__fixtures__/test-gateway.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ clientMilliseconds: 1500 });
});
afterEach(() => {
  gateway.caches.failure = undefined;
  gateway.caches.revoked = false;
  gateway.caches.bytesCounted = 0;
  gateway.caches.calls.length = 0;
});
afterAll(() => gateway.close());

const hashOf = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
const send = (method: string, address: string, options: { readonly body?: Buffer | string | ReadableStream; readonly header?: Record<string, string>; readonly anonymous?: true } = {}): Promise<Response> =>
  fetch(`${gateway.url}${address}`, { method, headers: { ...(options.anonymous === true ? {} : { authorization }), ...options.header }, ...(options.body === undefined ? {} : { body: options.body as string, duplex: 'half' }) });
const put = (address: string, body: Buffer | string, header: Record<string, string> = {}): Promise<Response> => send('PUT', address, { body, header });
const status = async (answer: Promise<Response>): Promise<number> => {
  const { status: code, ...rest } = { status: (await answer).status, body: await (await answer).arrayBuffer() };
  expect(rest.body).toBeDefined();
  return code;
};

describe('blobs by digest', () => {
  const bytes = randomBytes(100_000);
  const address = `/cas/${hashOf(bytes)}`;
  beforeAll(async () => expect(await status(put(address, bytes))).toBe(201));

  it('come back with a strong tag, for ever', async () => {
    const answer = await send('GET', address, { anonymous: true });
    expect([answer.status, Object.fromEntries(['etag', 'cache-control', 'content-length', 'content-type', 'accept-ranges', 'x-content-type-options'].map((name) => [name, answer.headers.get(name)]))]).toEqual([
      200,
      { etag: `"${hashOf(bytes)}"`, 'cache-control': 'public, max-age=31536000, immutable', 'content-length': '100000', 'content-type': 'application/octet-stream', 'accept-ranges': 'bytes', 'x-content-type-options': 'nosniff' },
    ]);
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
  });

  it('are private to caches between where credentials were shown', async () => {
    expect((await send('HEAD', address)).headers.get('cache-control')).toBe('private, max-age=31536000, immutable');
  });

  it('come in ranges, and not at all to whoever has them', async () => {
    const part = await send('GET', address, { header: { range: 'bytes=99990-' } });
    expect([part.status, part.headers.get('content-range'), Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(99_990))]).toEqual([206, 'bytes 99990-99999/100000', true]);
    const beyond = await send('GET', address, { header: { range: 'bytes=100000-' }, anonymous: true });
    expect([beyond.status, beyond.headers.get('content-range'), beyond.headers.get('cache-control')]).toEqual([416, 'bytes */100000', 'no-store']);
    expect((await send('GET', address, { header: { range: 'bytes=1-2', 'if-range': '"other"' } })).status).toBe(200);
    expect(await status(send('GET', address, { header: { 'if-none-match': `"${hashOf(bytes)}"` } }))).toBe(304);
  });

  it('are asked for without their bytes', async () => {
    const answer = await send('HEAD', address);
    expect([answer.status, answer.headers.get('content-length'), (await answer.arrayBuffer()).byteLength]).toEqual([200, '100000', 0]);
    expect(await status(send('HEAD', `/cas/${'0'.repeat(64)}`))).toBe(404);
  });

  it('are missed when they are not there, or the store has lost them', async () => {
    expect(await status(send('GET', `/cas/${'0'.repeat(64)}`))).toBe(404);
    gateway.caches.lost.add(hashOf(bytes));
    const lost = await send('GET', address);
    expect([lost.status, lost.headers.get('etag'), lost.headers.get('cache-control'), await lost.text()]).toEqual([404, null, 'no-store', '404 Not Found: not in the cache\n']);
    gateway.caches.lost.clear();
  });

  it('come without Content-Length, too, and leave no file behind', async () => {
    const large = randomBytes(700_000);
    const chunked = new Blob([large]).stream();
    expect(await status(send('PUT', `/cas/${hashOf(large)}`, { body: chunked }))).toBe(201);
    expect(await status(send('PUT', `/cas/${hashOf('other')}`, { body: new Blob([large]).stream() }))).toBe(422);
    expect(Buffer.from(await (await send('GET', `/cas/${hashOf(large)}`)).arrayBuffer()).equals(large)).toBe(true);
    expect(readdirSync(path.join(gateway.settings.home, 'http-cache-spool'))).toEqual([]);
  });

  it('that are empty are always there', async () => {
    expect(await status(send('GET', `/cas/${hashOf('')}`))).toBe(200);
    expect(await status(put(`/cas/${hashOf('')}`, ''))).toBe(201);
  });

  it('are refused with the reason', async () => {
    const wrong = await put(`/cas/${hashOf('else')}`, 'something');
    expect([wrong.status, await wrong.text()]).toEqual([422, 'what arrived is something else\n']);
    expect(await status(put('/cas/abc', 'x'))).toBe(400);
    expect(await status(put(address, 'x', { 'content-encoding': 'gzip' }))).toBe(400);
    expect(await status(put(address, 'x', { 'content-range': 'bytes 0-0/1' }))).toBe(400);
    expect(await status(send('PUT', `/cas/${hashOf('x')}`, { body: Buffer.alloc(9 * 1024 * 1024) }))).toBe(413);
    expect(await status(send('PUT', `/cas/${hashOf('x')}`, { body: new Blob([Buffer.alloc(9 * 1024 * 1024)]).stream() }))).toBe(413);
    gateway.caches.failure = new MillraceError('cache-full', 'the cache main is full');
    expect(await status(put(`/cas/${hashOf('new')}`, 'new'))).toBe(507);
    gateway.caches.failure = undefined;
    gateway.caches.bytesCounted = 64 * 1024 * 1024;
    expect(await status(put(`/cas/${hashOf('new')}`, 'new'))).toBe(429);
  });
});

describe('who may', () => {
  it('push is for the cache to say, and a stranger is told how to log in', async () => {
    const answer = await send('PUT', `/cas/${hashOf('x')}`, { body: 'x', anonymous: true });
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="cache", Bearer']);
    expect(await status(send('GET', `/cache/closed/cas/${hashOf('x')}`, { anonymous: true }))).toBe(401);
    expect(await status(send('GET', `/cache/closed/cas/${hashOf('x')}`))).toBe(404);
  });

  it('push is asked before the body is sent', async () => {
    const answers = await conversation(`PUT /cas/${hashOf('x')} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5000000\r\n\r\n`);
    expect(answers).toMatch(/^HTTP\/1\.1 401 [^]*connection: close/i);
    const go = await conversation(`PUT /ccache/k HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n`, 'ok');
    expect(go).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 /);
    const other = await conversation(`POST /v8/artifacts/events HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n`, '[]');
    expect(other).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
  });

  it('instances are caches of their own', async () => {
    await put('/cache/team/one/ccache/k1', 'one');
    expect([await (await send('GET', '/cache/team/one/ccache/k1')).text(), await status(send('GET', '/ccache/k1'))]).toEqual(['one', 404]);
    const unknown = await send('GET', '/cache/nowhere/ccache/k1');
    expect([unknown.status, await unknown.text()]).toEqual([400, 'there is no cache instance "nowhere"\n']);
    expect([await status(send('GET', '/cache/main')), await status(send('GET', '/cache/main/%2e%2e/ccache/k1')), await status(send('GET', '/cache/main/maven/x'))]).toEqual([404, 404, 404]);
  });
});

describe('a client that', () => {
  it('goes away in the middle leaves nothing', async () => {
    const { port } = gateway;
    const socket = connect(port, '127.0.0.1');
    socket.write(`PUT /gradle/${'a'.repeat(32)} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(400_000)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    socket.destroy();
    expect(await status(send('GET', `/gradle/${'a'.repeat(32)}`))).toBe(404);
    expect([...gateway.caches.entries.values()].some(({ kind }) => kind === 'gradle')).toBe(false);
  });

  it('may not push any more hears it in the middle of a push, which leaves nothing', async () => {
    const address = `/gradle/${'b'.repeat(32)}`;
    let chunks = 0;
    const body = new ReadableStream({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        controller.enqueue(Buffer.alloc(32 * 1024));
        gateway.caches.revoked = (chunks += 1) > 3;
        if (chunks === 100) controller.close();
      },
    });
    expect(await status(send('PUT', address, { body }))).toBe(403);
    expect(chunks).toBeLessThan(100);
    gateway.caches.revoked = false;
    expect(await status(send('GET', address))).toBe(404);
  });

  it('drips is cut', async () => {
    const answer = await conversation(`PUT /gradle/${'a'.repeat(32)} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Length: 1000000\r\n\r\n`, 'x');
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('was refused has all the time for what it sends next on its connection', async () => {
    const head = (size: number): string => `PUT /gradle/${'c'.repeat(32)} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Length: ${size}\r\n`;
    const socket = connect(gateway.port, '127.0.0.1');
    let answers = '';
    socket.setEncoding('latin1').on('data', (text: string) => (answers += text));
    gateway.caches.bytesCounted = 64 * 1024 * 1024;
    socket.write(`${head(3)}\r\nnew`);
    await once(socket, 'data');
    gateway.caches.bytesCounted = 0;
    const [piece, pieces] = ['x'.repeat(20_000), 9];
    socket.write(`${head(piece.length * pieces)}Connection: close\r\n\r\n`);
    for (let count = 0; count < pieces; count += 1) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      socket.write(piece);
    }
    await once(socket, 'close');
    expect(answers).toMatch(/^HTTP\/1\.1 429 [^]*HTTP\/1\.1 201 /);
  });

  it('uses a wrong method hears which there are', async () => {
    const answer = await send('DELETE', `/cas/${'a'.repeat(64)}`);
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, PUT, OPTIONS']);
  });
});

/** Everything that is answered to these bytes until the connection is closed; `rest` is sent when something was answered, or after a moment. */
function conversation(head: string, rest = ''): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(gateway.port, '127.0.0.1');
    const chunks: Buffer[] = [];
    const go = setTimeout(() => socket.write(rest), 200);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.once('data', () => {
      clearTimeout(go);
      socket.write(rest);
    });
    socket.once('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    socket.write(head);
  });
}

describe('entries', () => {
  it('of Gradle keep their type, and ask to be looked at again', async () => {
    const key = 'b'.repeat(32);
    expect(await status(put(`/gradle/${key}`, 'artifact', { 'content-type': 'application/vnd.gradle.build-cache-artifact.v1' }))).toBe(201);
    const answer = await send('GET', `/gradle/${key}`, { anonymous: true });
    expect([answer.status, answer.headers.get('content-type'), answer.headers.get('cache-control'), answer.headers.get('etag'), await answer.text()]).toEqual([200, 'application/vnd.gradle.build-cache-artifact.v1', 'public, no-cache', `"${hashOf('artifact')}"`, 'artifact']);
  });

  it('never have a type that a browser would run', async () => {
    await put(`/gradle/${'c'.repeat(32)}`, '<script>', { 'content-type': 'text/html' });
    const answer = await send('GET', `/gradle/${'c'.repeat(32)}`);
    expect([answer.headers.get('content-type'), answer.headers.get('content-security-policy')]).toEqual(['application/octet-stream', expect.stringContaining("default-src 'none'")]);
  });

  it('are what was sent, whatever type the client calls it', async () => {
    const form = '--b\r\ncontent-disposition: form-data; name="a"; filename="a"\r\n\r\nartifact\r\n--b--\r\n';
    for (const type of ['multipart/form-data; boundary=b', 'application/x-www-form-urlencoded', 'application/json', 'no type at all']) {
      expect(await status(put('/gradle/types', form, { 'content-type': type }))).toBe(201);
      expect([type, await (await send('GET', '/gradle/types')).text()]).toEqual([type, form]);
    }
  });

  it('are not taken from bodies that are encoded on their way', async () => {
    const answer = await conversation(`PUT /ccache/encoded HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\nTransfer-Encoding: gzip, chunked\r\nConnection: close\r\n\r\n`, '3\r\nabc\r\n0\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 .*Transfer-Encoding: .*chunked/s);
    expect(await status(send('GET', '/ccache/encoded'))).toBe(404);
  });

  it('of actions are values that are found by the hash of the action alone', async () => {
    const action = Buffer.from('an action');
    const result = Buffer.from([0x20, 0x00]);
    await put(`/cas/${hashOf(action)}`, action);
    expect(await status(put(`/ac/${hashOf(action)}`, result))).toBe(201);
    const [entry] = [...gateway.caches.entries.values()].filter(({ kind }) => kind === 'action');
    expect([entry?.key, entry?.value, entry?.target]).toEqual([`sha256:${hashOf(action)}/9`, result, undefined]);
    expect(Buffer.from(await (await send('GET', `/ac/${hashOf(action)}`)).arrayBuffer())).toEqual(result);
    expect(await status(send('DELETE', `/ac/${hashOf(action)}`))).toBe(204);
    expect(await status(send('GET', `/ac/${hashOf(action)}`))).toBe(404);
  });

  it('say where they come from, and who took them', async () => {
    await put('/ccache/ab/cdef', 'object', { 'user-agent': 'ccache/4.7', 'millrace-build': 'build 7', 'millrace-session': 's1' });
    expect([...gateway.caches.entries.values()].at(-1)).toMatchObject({ kind: 'ccache', key: 'ab/cdef', pushedBy: 'craft', origin: { tool: 'ccache/4.7', build: 'build 7', session: 's1' } });
    await (await send('GET', '/ccache/ab/cdef', { anonymous: true })).text();
    expect(gateway.caches.calls.map(({ options }) => options)).toEqual([{ name: 'craft', kind: 'ccache', key: 'ab/cdef', how: 'pushed' }, { name: 'anonymous', kind: 'ccache', key: 'ab/cdef', how: 'pulled' }]);
  });

  it('have keys that cannot be mistaken', async () => {
    for (const key of ['a%0ab', 'a'.repeat(2049), '%ff', 'a%00']) expect([key.slice(0, 9), [400, 404, 414].includes(await status(send('GET', `/ccache/${key}`)))]).toEqual([key.slice(0, 9), true]);
  });
});

describe('Turborepo', () => {
  it('has its artifacts by team, with what it said of them', async () => {
    const header = { 'x-artifact-duration': '400', 'x-artifact-tag': 'Tc0BmHvJYMIYJ62/zx87YqO0Flxk+5Ovip25NY825CQ=', authorization: 'Bearer craft' };
    const stored = await put('/v8/artifacts/12HKQaOmR5t5Uy6v?slug=my-team', 'tarball', header);
    expect([stored.status, await stored.json()]).toEqual([202, { urls: ['my-team/12HKQaOmR5t5Uy6v'] }]);
    const answer = await send('GET', '/v8/artifacts/12HKQaOmR5t5Uy6v?slug=my-team');
    expect([answer.headers.get('x-artifact-duration'), answer.headers.get('x-artifact-tag'), await answer.text()]).toEqual(['400', header['x-artifact-tag'], 'tarball']);
    expect(await status(send('HEAD', '/v8/artifacts/12HKQaOmR5t5Uy6v?slug=my-team'))).toBe(200);
    expect(await status(send('GET', '/v8/artifacts/12HKQaOmR5t5Uy6v?slug=other'))).toBe(404);
    expect(await status(send('GET', '/v8/artifacts/12HKQaOmR5t5Uy6v?slug=a%2Fb'))).toBe(400);
    expect(await status(put('/v8/artifacts/1', 'x', { 'x-artifact-duration': 'long' }))).toBe(400);
  });

  it('asks whether there is a cache, for many at once, and tells of its hits', async () => {
    expect(await (await send('GET', '/v8/artifacts/status', { anonymous: true })).json()).toEqual({ status: 'enabled' });
    await put('/cache/team/one/v8/artifacts/aaa', 'a', { 'x-artifact-duration': '7' });
    const ask = (address: string, body: unknown): Promise<Response> => send('POST', address, { body: JSON.stringify(body), header: { 'content-type': 'application/json' } });
    expect(await (await ask('/cache/team/one/v8/artifacts', { hashes: ['aaa', 'bbb'] })).json()).toEqual({ aaa: { size: 1, taskDurationMs: 7 }, bbb: null });
    expect(await (await ask('/v8/artifacts', { hashes: ['aaa'] })).json()).toEqual({ aaa: null });
    expect(await status(ask('/v8/artifacts/events', [{ sessionId: 's', source: 'REMOTE', event: 'HIT', hash: 'aaa', duration: 7 }]))).toBe(200);
    expect(await status(ask('/v8/artifacts', { hashes: 'aaa' }))).toBe(400);
    expect(await status(ask('/cache/main/v8/artifacts', { hashes: Array.from({ length: 1001 }, () => 'a') }))).toBe(400);
    expect(await status(send('POST', '/cache/main/v8/artifacts', { body: 'x'.repeat(1024 * 1024 + 1) }))).toBe(413);
    expect(await status(ask('/cache/main/gradle/x', {}))).toBe(404);
  });
});

describe('WebDAV, for sccache', () => {
  const dav = (method: string, address: string, header: Record<string, string> = {}): Promise<{ readonly status: number; readonly text: string }> =>
    new Promise((resolve, reject) => {
      const sent = httpRequest(`${gateway.url}${address}`, { method, headers: { authorization, ...header } }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
      });
      sent.on('error', reject).end();
    });

  it('has any folder, and files with their sizes', async () => {
    expect((await send('OPTIONS', '/sccache/')).headers.get('dav')).toBe('1');
    expect((await dav('MKCOL', '/sccache/a/b/')).status).toBe(201);
    expect((await dav('PROPFIND', '/sccache/', { depth: '0' })).text).toContain('<D:collection/>');
    expect((await dav('PROPFIND', '/sccache/a/b/c%26', { depth: '0' })).status).toBe(404);
    expect(await status(put('/sccache/a/b/c%26', 'object'))).toBe(201);
    const found = await dav('PROPFIND', '/sccache/a/b/c%26', { depth: '0' });
    expect([found.status, found.text]).toEqual([207, expect.stringContaining(`<D:href>/sccache/a/b/c%26</D:href><D:propstat><D:prop><D:resourcetype/><D:getcontentlength>6</D:getcontentlength><D:getetag>"${hashOf('object')}"</D:getetag>`)]);
    expect(await (await send('GET', '/sccache/a/b/c%26')).text()).toBe('object');
    expect([await status(send('DELETE', '/sccache/a/b/c%26')), await status(send('DELETE', '/sccache/a/b/c%26'))]).toEqual([204, 404]);
  });

  it('lists nothing', async () => {
    expect((await dav('PROPFIND', '/sccache/', { depth: '1' })).status).toBe(403);
    expect((await dav('PROPFIND', '/sccache/')).status).toBe(403);
    expect(await status(send('GET', '/sccache/a/'))).toBe(404);
  });
});

describe('metrics', () => {
  it('tell hits, misses, bytes and how full the instances are', async () => {
    const text = await (await send('GET', '/metrics')).text();
    for (const line of ['millrace_cache_http_requests_total{instance="main",kind="blob",result="miss"}', 'millrace_cache_http_requests_total{instance="team/one",kind="turborepo",result="stored"} 1', 'millrace_cache_http_bytes_total{instance="main",direction="out"}', 'millrace_cache_quota_bytes{instance="closed"} 1000', 'millrace_cache_bytes{instance="team/one",part="all"}']) expect(text).toContain(line);
  });
});
