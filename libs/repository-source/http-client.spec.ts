import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openCertificateAuthority, type CertificateAuthority } from '../proxy/tls/certificate-authority.js';
import { serveFiles, type FileServer } from './__fixtures__/file-server.js';
import { scratchSource, unhurried, type ScratchOverrides, type ScratchSource } from './__fixtures__/scratch-source.js';

let directory: string;
let authority: CertificateAuthority;
let server: FileServer;
let scratch: ScratchSource;
const opened: AsyncDisposable[] = [];

/** Every name leads to loopback, but for those that name their address. */
const resolve = async (host: string): Promise<readonly string[]> => [/^to-(.+)\.test$/.exec(host)?.[1]?.replaceAll('-', '.').replaceAll('_', ':') ?? '127.0.0.1'];

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'millrace-http-'));
  authority = openCertificateAuthority({ home: directory });
  writeFileSync(path.join(directory, 'a'), 'served');
});
afterAll(() => rmSync(directory, { recursive: true }));
beforeEach(async () => {
  server = await serveFiles(directory);
  scratch = await scratchSource({ resolve });
});
afterEach(async () => {
  for (const each of [scratch, server, ...opened.splice(0)]) await each[Symbol.asyncDispose]();
});

const read = async (url: string, overrides?: ScratchOverrides): Promise<string> => (await (overrides === undefined ? scratch.source : scratch.again({ resolve, ...overrides })).read(url, unhurried)).toString();
const redirectTo = (location: string, status = 302): void => {
  server.handle = (request, response) => request.url !== '/a' && response.writeHead(status, { location }).end('moved');
};

/** An https server certified for `mirror.test`. */
async function serveSecurely(answer: (path: string) => { readonly location?: string }): Promise<string> {
  const issued = authority.issue('mirror.test');
  const secure = createSecureServer({ cert: issued.certificatePem, key: issued.keyPem }, (request, response) => {
    const { location } = answer(request.url ?? '');
    if (location === undefined) response.end('secure');
    else response.writeHead(301, { location }).end();
  });
  secure.listen(0, '127.0.0.1');
  await once(secure, 'listening');
  opened.push({
    [Symbol.asyncDispose]: async () => {
      secure.closeAllConnections();
      secure.close();
    },
  });
  return `https://mirror.test:${(secure.address() as AddressInfo).port}`;
}

describe('where sources may be', () => {
  it.each([
    'http://to-169-254-169-254.test/latest/meta-data', 'http://169.254.169.254/latest/meta-data', 'http://[fd00:ec2::254]/', 'http://[::ffff:169.254.169.254]/', 'http://[::ffff:a9fe:a9fe]/', 'http://[64:ff9b::a9fe:a9fe]/', 'http://[2002:a9fe:a9fe::]/',
    'http://2852039166/', 'http://0xa9fea9fe/', 'http://to-10-0-0-1.test/', 'http://192.168.1.1/', 'http://0.0.0.0/', 'http://[::]/', 'http://[fe80::1]/', 'http://to-fd00_ec2__254.test/',
  ])('is not %s', async (url) => {
    await expect(read(url)).rejects.toMatchObject({ code: 'forbidden', message: expect.stringContaining('sources of composes may not connect') });
  });

  it('is not this machine, unless that is allowed, and never its own ports', async () => {
    const allow = (composeAllowDestinations: string[], forbiddenPorts: number[] = []): ScratchOverrides => ({ settings: { composeAllowDestinations, forbiddenPorts } });
    await expect(read(`${server.url}/a`, allow([]))).rejects.toMatchObject({ code: 'forbidden', message: expect.stringContaining('MILLRACE_COMPOSE_ALLOW_DESTINATIONS does not allow it') });
    await expect(read(`${server.url}/a`, allow(['0.0.0.0/0', '::/0'], [server.port]))).rejects.toMatchObject({ code: 'forbidden', message: expect.stringContaining('belongs to Millrace itself') });
    expect(await read(`${server.url}/a`, allow(['127.0.0.1/32']))).toBe('served');
    expect(server.requests).toEqual(['/a']);
  });

  it('is connected to at the address that was checked', async () => {
    const answers = [['127.0.0.1'], ['169.254.169.254']];
    const rebinding = scratch.again({ resolve: async () => answers.shift() ?? [] });
    expect((await rebinding.read(`http://mirror.test:${server.port}/a`, unhurried)).toString()).toBe('served');
    expect(answers).toHaveLength(1);
  });

  it('is a name that resolves', async () => {
    await expect(read('http://mirror.test/', { resolve: () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' })) })).rejects.toMatchObject({ code: 'source-unavailable', message: expect.stringContaining('no such host') });
  });
});

describe('redirects', () => {
  it.each([301, 302, 303, 307, 308])('are followed after %d', async (status) => {
    redirectTo('/a', status);
    expect(await read(`${server.url}/old`)).toBe('served');
  });

  it('are followed five times', async () => {
    let left = 5;
    server.handle = (_request, response) => left-- > 0 && response.writeHead(302, { location: left === 0 ? '/a' : '/again' }).end();
    expect(await read(`${server.url}/old`)).toBe('served');
    left = 6;
    await expect(read(`${server.url}/old`)).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('more than 5 redirects') });
    redirectTo('/loop');
    await expect(read(`${server.url}/loop`)).rejects.toMatchObject({ code: 'source-invalid' });
  });

  it.each([
    ['file:///etc/passwd', 'source-invalid', 'a file of this machine'],
    ['ftp://mirror.test/', 'source-invalid', 'not over ftp'],
    ['gopher://127.0.0.1:25/', 'source-invalid', 'not over gopher'],
    ['http://user:s3cret@mirror.test/', 'source-invalid', 'credentials'],
    ['http://[', 'source-invalid', 'no URL'],
    ['http://169.254.169.254/latest', 'forbidden', 'may not connect'],
    ['//to-10-1-2-3.test/', 'forbidden', 'may not connect'],
  ])('to %s are not followed', async (location, code, words) => {
    redirectTo(location);
    await expect(read(`${server.url}/old`)).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
    await expect(read(`${server.url}/old`)).rejects.not.toMatchObject({ message: expect.stringContaining('s3cret') });
  });

  it('lead from http to https, and not back', async () => {
    const secure = await serveSecurely((asked) => (asked === '/down' ? { location: `http://mirror.test:${server.port}/a` } : {}));
    const trusting = { settings: { upstreamCa: authority.certificateFile } };
    redirectTo(`${secure}/up`);
    expect(await read(`${server.url}/old`, trusting)).toBe('secure');
    await expect(read(`${secure}/down`, trusting)).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('from https to http') });
  });
});

describe('https', () => {
  it('trusts the authorities of the settings and no others', async () => {
    const secure = await serveSecurely(() => ({}));
    expect(await read(`${secure}/`, { settings: { upstreamCa: authority.certificateFile } })).toBe('secure');
    await expect(read(`${secure}/`)).rejects.toMatchObject({ code: 'source-unavailable', message: expect.stringContaining('authority that is not trusted') });
    await expect(read(secure.replace('mirror.test', 'other.test'), { settings: { upstreamCa: authority.certificateFile } })).rejects.toMatchObject({ code: 'source-unavailable', message: expect.stringContaining('certificate') });
  });
});

describe('the upstream proxy', () => {
  it('is asked, with its credentials, for what does not go around it', async () => {
    const heads: string[] = [];
    const proxy = createServer((request, response) => {
      heads.push(`${request.method} ${request.url} ${request.headers['proxy-authorization']}`);
      response.end('by the proxy');
    });
    proxy.on('connect', (request, socket) => {
      heads.push(`${request.method} ${request.headers['proxy-authorization']}`);
      const up = connect(Number(request.url?.split(':')[1]), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        up.pipe(socket).pipe(up);
      });
      for (const each of [up, socket]) each.on('error', () => undefined);
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    opened.push({ [Symbol.asyncDispose]: async () => void proxy.close().closeAllConnections() });
    const secure = await serveSecurely(() => ({}));
    const settings = { upstreamProxy: `http://ada:s3cret@127.0.0.1:${(proxy.address() as AddressInfo).port}`, upstreamNoProxy: ['near.test'], upstreamCa: authority.certificateFile };
    const source = scratch.again({ resolve, settings });
    expect((await source.read('http://far.test/x', unhurried)).toString()).toBe('by the proxy');
    expect((await source.read(`http://near.test:${server.port}/a`, unhurried)).toString()).toBe('served');
    expect((await source.read(`${secure}/`, unhurried)).toString()).toBe('secure');
    await expect(source.read('http://to-169-254-169-254.test/', unhurried)).rejects.toMatchObject({ code: 'forbidden' });
    const credentials = `Basic ${Buffer.from('ada:s3cret').toString('base64')}`;
    expect(heads).toEqual([`GET http://far.test/x ${credentials}`, `CONNECT ${credentials}`]);
  });
});
