import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';
import { openCertificateAuthority, type CertificateAuthority } from '../tls/certificate-authority.js';
import { createUpstreamConnector, type ConnectRequest, type ConnectResult, type UpstreamConnectorOptions } from './connect.js';
import { createDestinationGuard } from './destination-guard.js';

let home: string;
let authority: CertificateAuthority;
const open: { close(): void }[] = [];

beforeAll(() => {
  home = mkdtempSync(path.join(tmpdir(), 'millrace-upstream-'));
  authority = openCertificateAuthority({ home });
});
afterAll(() => rmSync(home, { recursive: true, force: true }));
afterEach(() => {
  for (const item of open.splice(0)) item.close();
});

async function listen(server: Server, host = '127.0.0.1'): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  server.listen(0, host);
  await once(server, 'listening');
  open.push({ close: () => void server.close(), });
  open.push({ close: () => sockets.forEach((socket) => socket.destroy()) });
  return (server.address() as AddressInfo).port;
}

/** A TLS server certified for `names`, by the authority that `connector()` trusts. It greets with the name and protocol it was asked for. */
async function tlsServer(name: string, ca = authority): Promise<number> {
  const issued = ca.issue(name);
  const server = createTlsServer({ cert: issued.certificatePem, key: issued.keyPem, ALPNProtocols: ['h2', 'http/1.1'] }, (socket) => {
    socket.on('error', () => undefined);
    socket.write(`sni=${String(socket.servername)} alpn=${String(socket.alpnProtocol)} reused=${socket.isSessionReused()}`);
  });
  server.on('tlsClientError', () => undefined);
  return listen(server);
}

/** A parent proxy that answers every request head with `answer`, and tunnels to `port` when that is a 200. */
async function parentProxy(answer: string, port?: number): Promise<{ url: string; heads: string[] }> {
  const heads: string[] = [];
  const server = createServer((socket) => {
    let head = '';
    socket.on('data', function read(chunk: Buffer) {
      head += chunk.toString('latin1');
      if (!head.includes('\r\n\r\n')) return;
      socket.off('data', read);
      heads.push(head);
      socket.write(answer);
      if (port === undefined) return;
      import('node:net').then(({ connect }) => {
        const up = connect(port, '127.0.0.1');
        up.on('error', () => socket.destroy());
        socket.on('close', () => up.destroy());
        socket.pipe(up).pipe(socket);
      }, () => undefined);
    });
  });
  return { url: `http://user:p%40ss@127.0.0.1:${await listen(server)}`, heads };
}

function connector(options: Partial<UpstreamConnectorOptions> = {}, names: Record<string, readonly string[]> = {}, allow = ['127.0.0.0/8', '::1']) {
  const guard = createDestinationGuard({
    allow,
    forbiddenPorts: [],
    resolve: (host) => (names[host] === undefined ? Promise.reject(Object.assign(new Error(host), { code: 'ENOTFOUND' })) : Promise.resolve(names[host])),
  });
  return createUpstreamConnector({ guard, caFile: authority.certificateFile, ...options });
}

async function connected(promise: Promise<ConnectResult>): Promise<Extract<ConnectResult, { ok: true }>> {
  const result = await promise;
  if (!result.ok) throw new Error(`${result.stage}: ${result.reason}`);
  open.push({ close: () => result.socket.destroy() });
  return result;
}

async function firstText(socket: Socket): Promise<string> {
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  return chunk.toString();
}

describe('direct connections', () => {
  it('go to the checked address, without asking for the name again', async () => {
    const port = await listen(createServer((socket) => socket.end('plain')));
    const { socket, ...rest } = await connected(connector({}, { 'origin.test': ['127.0.0.1'] }).connect({ scheme: 'http', host: 'origin.test', port }));
    expect(rest).toEqual({ ok: true, remoteAddress: `127.0.0.1:${port}`, absoluteForm: false, proxyAuthorization: undefined });
    expect(await firstText(socket)).toBe('plain');
  });

  it('try the next address when one fails', async () => {
    const port = await listen(createServer((socket) => socket.end('second')));
    const result = await connected(connector({}, { 'two.test': ['127.0.0.9', '127.0.0.1'] }).connect({ scheme: 'http', host: 'two.test', port }));
    expect(result.remoteAddress).toBe(`127.0.0.1:${port}`);
  });

  it('send the name, speak HTTP/1.1 only, and resume the TLS session of the same origin', async () => {
    const port = await tlsServer('origin.test');
    const upstream = connector({}, { 'origin.test': ['127.0.0.1'] });
    const first = await connected(upstream.connect({ scheme: 'https', host: 'origin.test', port }));
    const ticket = once(first.socket, 'session');
    expect(await firstText(first.socket)).toBe('sni=origin.test alpn=http/1.1 reused=false');
    expect(first.socket).toBeInstanceOf(TLSSocket);
    await ticket;
    const second = await connected(upstream.connect({ scheme: 'https', host: 'origin.test', port }));
    expect(await firstText(second.socket)).toBe('sni=origin.test alpn=http/1.1 reused=true');
  });

  it('verify the certificate of an address, without a name in the handshake', async () => {
    const port = await tlsServer('127.0.0.1');
    const result = await connected(connector().connect({ scheme: 'https', host: '127.0.0.1', port }));
    expect(await firstText(result.socket)).toContain('sni=false');
    const wrong = await tlsServer('127.0.0.2');
    expect(await connector().connect({ scheme: 'https', host: '127.0.0.1', port: wrong })).toMatchObject({ ok: false, stage: 'tls', reason: expect.stringContaining('for another host') });
  });

  it('fail with the stage and a reason', async () => {
    const names = { 'origin.test': ['127.0.0.1'], 'inside.test': ['10.0.0.1'] };
    const other = openCertificateAuthority({ home: path.join(home, 'other') });
    const expired = openCertificateAuthority({ home: path.join(home, 'expired'), now: () => Date.now() - 500 * 86_400_000 });
    writeFileSync(path.join(home, 'both.pem'), authority.certificatePem + expired.certificatePem);
    const closed = await listen(createServer());
    open.splice(0).forEach((item) => item.close());
    const plain = await listen(createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
    const hangUp = await listen(createServer((socket) => socket.destroy()));
    const cases: [Pick<ConnectRequest, 'scheme' | 'host' | 'port'>, object][] = [
      [{ scheme: 'http', host: 'nowhere.test', port: 80 }, { stage: 'resolve', rule: 'unresolved' }],
      [{ scheme: 'http', host: 'inside.test', port: 80 }, { stage: 'resolve', rule: 'destination' }],
      [{ scheme: 'http', host: '169.254.169.254', port: 80 }, { stage: 'resolve', rule: 'destination' }],
      [{ scheme: 'http', host: 'origin.test', port: closed }, { stage: 'connect', reason: expect.stringContaining('connection refused') }],
      [{ scheme: 'https', host: 'origin.test', port: plain }, { stage: 'tls' }],
      [{ scheme: 'https', host: 'origin.test', port: hangUp }, { stage: 'tls', reason: expect.stringMatching(/closed|reset/) }],
      [{ scheme: 'https', host: 'origin.test', port: await tlsServer('else.test') }, { stage: 'tls', reason: expect.stringContaining('for another host') }],
      [{ scheme: 'https', host: 'origin.test', port: await tlsServer('origin.test', other) }, { stage: 'tls', reason: expect.stringContaining('trusted') }],
      [{ scheme: 'https', host: 'origin.test', port: await tlsServer('origin.test', expired) }, { stage: 'tls', reason: expect.stringContaining('expired') }],
    ];
    const upstream = connector({ caFile: path.join(home, 'both.pem') }, names);
    for (const [request, expected] of cases) expect([request.port, await upstream.connect(request)]).toMatchObject([request.port, { ok: false, ...expected }]);
  });

  it('time out on a server that accepts and says nothing, and leave no connection behind', async () => {
    const closes: Promise<unknown>[] = [];
    const port = await listen(createServer((socket) => closes.push(once(socket.resume(), 'close'))));
    const upstream = connector({ tlsTimeout: 50 }, { 'origin.test': ['127.0.0.1'] });
    expect(await upstream.connect({ scheme: 'https', host: 'origin.test', port })).toMatchObject({ ok: false, stage: 'tls', reason: expect.stringContaining('no answer within') });
    expect(closes).toHaveLength(1);
    await Promise.all(closes);
  });

  it('stop when the session is revoked', async () => {
    const port = await listen(createServer((socket) => void socket.resume()));
    const upstream = connector({}, { 'origin.test': ['127.0.0.1'] });
    const controller = new AbortController();
    const running = upstream.connect({ scheme: 'https', host: 'origin.test', port, signal: controller.signal });
    setImmediate(() => controller.abort());
    expect(await running).toMatchObject({ ok: false, stage: 'aborted' });
    expect(await upstream.connect({ scheme: 'http', host: 'origin.test', port, signal: controller.signal })).toMatchObject({ ok: false, stage: 'aborted' });
  });
});

describe('through a parent proxy', () => {
  const established = 'HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n';

  it('https is tunnelled with credentials and verified end to end', async () => {
    const port = await tlsServer('origin.test');
    const { url, heads } = await parentProxy(established, port);
    const result = await connected(connector({ upstreamProxy: url }).connect({ scheme: 'https', host: 'origin.test', port: 443 }));
    expect(await firstText(result.socket)).toContain('sni=origin.test alpn=http/1.1');
    expect(heads).toEqual([`CONNECT origin.test:443 HTTP/1.1\r\nHost: origin.test:443\r\nProxy-Authorization: Basic ${btoa('user:p@ss')}\r\n\r\n`]);
    expect(result).toMatchObject({ absoluteForm: false, proxyAuthorization: undefined, remoteAddress: new URL(url).host });
    const wrong = await parentProxy(established, await tlsServer('else.test'));
    expect(await connector({ upstreamProxy: wrong.url }).connect({ scheme: 'https', host: 'origin.test', port: 443 })).toMatchObject({ ok: false, stage: 'tls' });
  });

  it('http is left to the caller, in absolute form with credentials', async () => {
    const { url, heads } = await parentProxy('');
    const result = await connected(connector({ upstreamProxy: url }).connect({ scheme: 'http', host: 'origin.test', port: 80 }));
    expect(result).toMatchObject({ absoluteForm: true, proxyAuthorization: `Basic ${btoa('user:p@ss')}` });
    expect(heads).toEqual([]);
  });

  it('hosts of noProxy are connected to directly', async () => {
    const port = await listen(createServer((socket) => socket.end('direct')));
    const { url } = await parentProxy('');
    const names = { 'a.inside.test': ['127.0.0.1'], 'exact.test': ['127.0.0.1'], 'glob-1.test': ['127.0.0.1'] };
    const upstream = connector({ upstreamProxy: url, noProxy: ['.inside.test', 'exact.test', 'glob-*.test', '127.0.0.0/8'] }, names);
    for (const host of [...Object.keys(names), '127.0.0.1']) {
      expect(await connected(upstream.connect({ scheme: 'http', host, port }))).toMatchObject({ absoluteForm: false, remoteAddress: `127.0.0.1:${port}` });
    }
    expect(await connected(upstream.connect({ scheme: 'http', host: 'sub.exact.test', port }))).toMatchObject({ absoluteForm: true });
  });

  it('forbidden places are refused before the parent is asked', async () => {
    const { url, heads } = await parentProxy(established);
    const upstream = connector({ upstreamProxy: url }, { 'rebind.test': ['10.0.0.1'] }, []);
    for (const host of ['127.0.0.1', '::1', '169.254.169.254', 'rebind.test', 'localhost', 'x.localhost', 'metadata.google.internal']) {
      expect([host, await upstream.connect({ scheme: 'https', host, port: 443 })]).toMatchObject([host, { ok: false, stage: 'resolve' }]);
    }
    expect(heads).toEqual([]);
  });

  it.each([
    ['a 407', 'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n', /credentials/],
    ['a 403', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nabc', /403/],
    ['another version', 'HTTP/2 200 OK\r\n\r\n', /HTTP\/1\.1/],
    ['another protocol', 'SSH-2.0-x\r\n\r\n', /HTTP\/1\.1/],
    ['data of its own', 'HTTP/1.1 200 OK\r\n\r\nsurprise', /before the tunnel was used/],
    ['a long head', `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`, /too long/],
  ])('a parent that answers with %s is an error of the connection', async (_name, answer, reason) => {
    const { url } = await parentProxy(answer);
    const result = await connector({ upstreamProxy: url }).connect({ scheme: 'https', host: 'origin.test', port: 443 });
    expect(result).toMatchObject({ ok: false, stage: 'connect', reason: expect.stringMatching(reason) });
    expect(JSON.stringify(result)).not.toMatch(/p@ss|p%40ss|dXNlcjpwQHNz/);
  });

  it('a parent that hangs or hangs up is an error in time', async () => {
    const silent = await listen(createServer((socket) => void socket.resume()));
    const gone = await listen(createServer((socket) => socket.destroy()));
    for (const port of [silent, gone]) {
      const upstream = connector({ upstreamProxy: `http://127.0.0.1:${port}`, connectTimeout: 100 });
      expect(await upstream.connect({ scheme: 'https', host: 'origin.test', port: 443 })).toMatchObject({ ok: false, stage: 'connect' });
    }
  });
});

describe('settings', () => {
  it.each([{ upstreamProxy: 'ftp://user:secret@x/' }, { upstreamProxy: 'nonsense' }, { caFile: '/nonexistent.pem' }, { noProxy: ['10.0.0.0/99'] }])('are refused when wrong: %j', (options) => {
    let caught: unknown;
    try {
      connector(options);
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({ code: 'invalid-setting', message: expect.not.stringContaining('secret') });
  });
});
