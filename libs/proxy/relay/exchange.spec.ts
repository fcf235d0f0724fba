import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { basicField, eventually, openClient, startHarness, startOrigin, talk, type Harness, type HarnessOptions } from './__fixtures__/relay-harness.js';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function harness(options: HarnessOptions = {}): Promise<Harness> {
  const started = await startHarness(options);
  closers.push(() => started.close());
  return started;
}

async function origin(...args: Parameters<typeof startOrigin>) {
  const started = await startOrigin(...args);
  closers.push(() => started.close());
  return started;
}

const get = (port: number, path = '/', ...fields: string[]) => [`GET http://127.0.0.1:${port}${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, basicField, ...fields, '', ''].join('\r\n');
const close = 'Connection: close';

describe('an exchange', () => {
  it('is relayed, digested and recorded, without what belongs to one connection only', async () => {
    const proxy = await harness();
    const server = await origin((_request, socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\nKeep-Alive: timeout=5\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\n\r\nhello'));
    const answer = await talk(proxy.port, get(server.port, '/file?x=1', close, 'Proxy-Connection: keep-alive', 'X-Mine: 1', 'User-Agent: test/1'));

    expect(answer).toBe('HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello');
    expect(server.requests).toEqual([`GET /file?x=1 HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nX-Mine: 1\r\nUser-Agent: test/1\r\n\r\n`]);
    expect(proxy.events).toEqual([
      {
        type: 'ArtefactDownloaded',
        data: expect.objectContaining({
          delivered: true,
          body: { sha1: createHash('sha1').update('hello').digest('hex'), sha256: createHash('sha256').update('hello').digest('hex'), size: 5 },
          request: expect.objectContaining({ method: 'GET', url: `http://127.0.0.1:${server.port}/file?x=1`, userAgent: 'test/1', requestBody: null }),
          response: expect.objectContaining({ status: 200, statusText: 'OK', upstreamAddress: `127.0.0.1:${server.port}` }),
        }),
      },
    ]);
    expect(JSON.stringify(proxy.events)).not.toContain(basicField.split(' ').at(-1));
  });

  it.each([
    ['a known length', 'Content-Length: 10\r\n\r\n0123456789'],
    ['the chunked coding', 'Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n'],
    ['an end by closing', '\r\n0123456789'],
  ])('with %s is not complete for the build before its record is durable', async (_name, rest) => {
    const proxy = await harness();
    let release = (): void => undefined;
    const recording = new Promise<void>((resolve) => {
      proxy.state.beforeRecord = () => {
        resolve();
        return new Promise((go) => (release = go));
      };
    });
    const server = await origin((_request, socket) => (rest.startsWith('\r\n') ? socket.end(`HTTP/1.1 200 OK\r\n${rest}`) : socket.write(`HTTP/1.1 200 OK\r\n${rest}`)));
    const client = await openClient(proxy.port);
    client.socket.write(get(server.port));
    await recording;
    expect(client.received()).not.toContain('9');
    release();
    await client.until((text) => text.includes('9'));
    client.socket.destroy();
  });

  it('whose record fails never reaches the build whole', async () => {
    const proxy = await harness();
    proxy.state.recordable = false;
    const server = await origin((_request, socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'));
    const answer = await talk(proxy.port, get(server.port));
    expect(answer).toMatch(/^HTTP\/1\.1 503 /);
    expect(answer).not.toContain('hello');
  });

  it('streams a large body with its record of every byte, in both directions', async () => {
    const proxy = await harness();
    const size = 8 * 1024 * 1024;
    const body = Buffer.alloc(size, 'abcdefghij');
    const server = await origin((_request, socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      socket.write(`${size.toString(16)}\r\n`);
      socket.write(body);
      socket.write('\r\n0\r\n\r\n');
    });
    const upload = 'x'.repeat(300_000);
    const answer = await talk(proxy.port, `POST http://127.0.0.1:${server.port}/ HTTP/1.1\r\nHost: h\r\n${basicField}\r\n${close}\r\nContent-Length: ${upload.length}\r\n\r\n${upload}`);
    expect(answer.length).toBeGreaterThan(size);
    expect(answer.endsWith('0\r\n\r\n')).toBe(true);
    expect(server.requests[0]?.endsWith(upload)).toBe(true);
    expect(proxy.events[0]).toMatchObject({ type: 'ArtefactDownloaded', data: { body: { size, sha256: createHash('sha256').update(body).digest('hex') }, request: { requestBody: { size: upload.length } } } });
  });

  it.each([
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n'],
    ['GET', 'HTTP/1.1 204 No Content\r\n\r\n', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 7\r\n\r\n', 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 7\r\n\r\n'],
    ['GET', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-0/5\r\nContent-Length: 1\r\n\r\nh', '206 Partial Content'],
    ['GET', 'HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n', 'Location: /there\r\nContent-Length: 0'],
    ['GET', 'HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy', 'busy'],
  ])('%s answered with %j is passed on and recorded, the connection kept', async (method, raw, expected) => {
    const proxy = await harness();
    const server = await origin((_request, socket) => socket.write(raw));
    const client = await openClient(proxy.port);
    client.socket.write(get(server.port).replace('GET', method));
    await client.until((text) => text.includes(expected));
    client.socket.write(get(server.port).replace('GET', method));
    await eventually(() => proxy.events.length === 2);
    expect(server.connections()).toBe(1);
    expect(proxy.events.map((event) => event.type)).toEqual(['ArtefactDownloaded', 'ArtefactDownloaded']);
    client.socket.destroy();
  });

  it('answers pipelined requests one after the other', async () => {
    const proxy = await harness();
    const server = await origin((request, socket) => {
      const path = request.split(' ')[1] as string;
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`);
    });
    const answer = await talk(proxy.port, get(server.port, '/one') + get(server.port, '/two') + get(server.port, '/three', close));
    expect([...answer.matchAll(/\/(one|two|three)/g)].map((match) => match[1])).toEqual(['one', 'two', 'three']);
    expect(proxy.state.lookups).toBe(1);
  });

  it('is sent again when a kept upstream connection turns out to be closed', async () => {
    const proxy = await harness();
    let count = 0;
    const server = await origin((_request, socket) => {
      count += 1;
      if (count === 2) socket.destroy();
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    const answer = await talk(proxy.port, get(server.port) + get(server.port, '/', close));
    expect(answer.match(/200 OK/g)).toHaveLength(2);
    expect(count).toBe(3);
  });

  it('gives a half-closed client its answer', async () => {
    const proxy = await harness();
    const server = await origin((_request, socket) => setImmediate(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')));
    const client = await openClient(proxy.port);
    client.socket.end(get(server.port));
    expect(await client.until((_text, ended) => ended)).toContain('ok');
  });
});

describe('an origin that fails', () => {
  it.each([
    ['closes before an answer', '', 'response-head', 502],
    ['sends half a head', 'HTTP/1.1 200 OK\r\nContent-', 'response-head', 502],
    ['answers garbage', 'hello there\r\n\r\n', 'response-head', 502],
    ['sends both framings', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 'response-head', 502],
    ['switches protocols unasked', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n', 'response-head', 502],
  ])('and %s: 502 with a reason, recorded', async (_name, raw, stage, status) => {
    const proxy = await harness();
    const server = await origin((_request, socket) => socket.end(raw));
    const answer = await talk(proxy.port, get(server.port, '/', close));
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(proxy.events).toMatchObject([{ type: 'DownloadFailed', data: { stage, response: null } }]);
  });

  it.each([
    ['a body shorter than its length', 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort'],
    ['a torn chunked body', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n'],
    ['a malformed chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\nzz\r\n'],
  ])('with %s: the build sees it torn, the record says so', async (_name, raw) => {
    const proxy = await harness();
    const server = await origin((_request, socket) => socket.end(raw));
    const answer = await talk(proxy.port, get(server.port));
    expect(answer).not.toContain('\r\n0\r\n\r\n');
    expect(proxy.events).toMatchObject([{ type: 'DownloadFailed', data: { stage: 'response-body', response: { status: 200 }, receivedBytes: 5 } }]);
  });

  it('sends more than its length: the rest is dropped with the connection and never taken for an answer', async () => {
    const proxy = await harness();
    const server = await origin((_request, socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'));
    const answer = await talk(proxy.port, get(server.port) + get(server.port, '/', close));
    expect(answer).not.toContain('evil');
    expect(answer.match(/\r\n\r\nok/g)).toHaveLength(2);
  });

  it('cannot be connected to: 502, recorded', async () => {
    const proxy = await harness();
    const server = await origin(() => undefined);
    await server.close();
    closers.pop();
    expect(await talk(proxy.port, get(server.port, '/', close))).toMatch(/^HTTP\/1\.1 502 /);
    expect(proxy.events).toMatchObject([{ type: 'DownloadFailed', data: { stage: 'connect' } }]);
  });

  it('is forbidden: 403, recorded as refused, nothing connected', async () => {
    const proxy = await harness({ allow: [] });
    const server = await origin(() => undefined);
    expect(await talk(proxy.port, get(server.port, '/', close))).toMatch(/^HTTP\/1\.1 403 /);
    expect(proxy.events).toMatchObject([{ type: 'RequestRefused', data: { rule: 'destination' } }]);
    expect(server.connections()).toBe(0);
  });

  it('never answers: the exchange ends by its time limit', async () => {
    const proxy = await harness({ limits: { upstreamTimeout: 50 } });
    const server = await origin(() => undefined);
    expect(await talk(proxy.port, get(server.port, '/', close))).toMatch(/^HTTP\/1\.1 502 /);
    expect(proxy.events).toMatchObject([{ type: 'DownloadFailed', data: { stage: 'response-head' } }]);
  });
});

describe('a build that is refused', () => {
  it.each([
    ['no credentials', `GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: h\r\n\r\n`],
    ['wrong credentials', `GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: h\r\nProxy-Authorization: Basic ${Buffer.from('a:b').toString('base64')}\r\n\r\n`],
    ['another scheme', `GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: h\r\nProxy-Authorization: Bearer x\r\n\r\n`],
    ['CONNECT without credentials', `CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n`],
  ])('with %s gets the 407 that clients know', async (_name, bytes) => {
    const proxy = await harness();
    const answer = await talk(proxy.port, bytes);
    expect(answer).toMatch(/^HTTP\/1\.1 407 Proxy Authentication Required\r\n/);
    expect(answer).toContain('Proxy-Authenticate: Basic realm="fetch-service"\r\n');
    expect(answer).toContain('Proxy-Connection: close\r\n');
    expect(answer).toContain('407 Proxy Authentication Required\n');
  });

  it.each([
    ['user information in the target', `GET http://user:pass@127.0.0.1:1/ HTTP/1.1\r\nHost: h\r\n${basicField}\r\n\r\n`, 400],
    ['origin form', `GET / HTTP/1.1\r\nHost: h\r\n${basicField}\r\n\r\n`, 400],
    ['another scheme', `GET ftp://h/ HTTP/1.1\r\nHost: h\r\n${basicField}\r\n\r\n`, 400],
    ['conflicting framing', `POST http://127.0.0.1:1/ HTTP/1.1\r\nHost: h\r\n${basicField}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    ['a CONNECT with a body', `CONNECT h:443 HTTP/1.1\r\nHost: h\r\n${basicField}\r\nContent-Length: 5\r\n\r\nhello`, 400],
    ['an oversized head', `GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: h\r\nX: ${'a'.repeat(70_000)}\r\n\r\n`, 431],
    ['TLS bytes on the plain port', Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0, 13, 10, 13, 10]).toString('latin1'), 400],
  ])('for %s is told so and disconnected', async (_name, bytes, status) => {
    const proxy = await harness();
    expect(await talk(proxy.port, bytes)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    await eventually(() => proxy.context.connections.size === 0);
  });

  it('for a WebSocket gets a reason, and the record has it', async () => {
    const proxy = await harness();
    const server = await origin(() => undefined);
    const answer = await talk(proxy.port, get(server.port, '/', 'Connection: Upgrade', 'Upgrade: websocket', close));
    expect(answer).toMatch(/^HTTP\/1\.1 501 /);
    expect(answer).toContain('websocket');
    expect(proxy.events).toMatchObject([{ type: 'RequestRefused', data: { rule: 'upgrade' } }]);
    expect(server.requests).toHaveLength(0);
  });

  it('for h2c goes on in HTTP/1.1', async () => {
    const proxy = await harness();
    const server = await origin((_request, socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    expect(await talk(proxy.port, get(server.port, '/', 'Connection: Upgrade, HTTP2-Settings, close', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQ'))).toContain('ok');
    expect(server.requests[0]).not.toMatch(/upgrade|h2c|http2/i);
  });

  it('that drips its head is cut off', async () => {
    const proxy = await harness({ limits: { requestHeadTimeout: 50 } });
    expect(await talk(proxy.port, 'GET http://h/ HTTP/1.1\r\nHo')).toMatch(/^HTTP\/1\.1 400 .*did not arrive in time/s);
  });

  it('that goes away in the middle of a download leaves a record of it and no upstream connection', async () => {
    const proxy = await harness();
    const server = await origin((_request, socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello'));
    const client = await openClient(proxy.port);
    client.socket.write(get(server.port));
    await client.until((text) => text.includes('hello'));
    client.socket.resetAndDestroy();
    await eventually(() => proxy.events.length === 1 && server.connections() === 0);
    expect(proxy.events).toMatchObject([{ type: 'DownloadFailed', data: { stage: 'client', receivedBytes: 5 } }]);
    expect(proxy.running()).toBe(0);
  });
});

describe('a revoked session', () => {
  it('ends what runs, records it, and lets nothing more upstream on an open connection', async () => {
    const proxy = await harness();
    const server = await origin((request, socket) => {
      if (request.includes('/slow')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello');
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    const slow = await openClient(proxy.port);
    slow.socket.write(get(server.port, '/slow'));
    await slow.until((text) => text.includes('hello'));
    const idle = await openClient(proxy.port);
    idle.socket.write(get(server.port, '/quick'));
    await idle.until((text) => text.includes('ok'));
    proxy.revoke();
    await eventually(() => proxy.running() === 0);
    await slow.until((_text, ended) => ended);
    expect(proxy.events.at(-1)).toMatchObject({ type: 'DownloadFailed', data: { stage: 'revoked' } });
    const before = server.requests.length;
    idle.socket.write(get(server.port, '/more'));
    expect(await idle.until((_text, ended) => ended)).toContain('407 Proxy Authentication Required');
    expect(server.requests).toHaveLength(before);
  });
});
