import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryComposes } from '../__fixtures__/memory-composes.js';
import { startTestGateway } from '../__fixtures__/test-gateway.js';
import type { TestGateway } from '../__fixtures__/test-gateway.js';

const digest = 'c'.repeat(64);
const repodata = 'odcs-1/compose/Temporary/x86_64/os/repodata';
let folder: string;
let root: string;
let gateway: TestGateway;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'millrace-files-'));
  root = path.join(folder, '.hidden', 'composes');
  const write = (name: string, content: string): void => {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), content);
  };
  write(`${repodata}/repomd.xml`, '<repomd/>');
  write(`${repodata}/${digest}-primary.xml.gz`, '0123456789');
  write('odcs-1/compose/Temporary/x86_64/os/Packages/b/bash-5.2-1.x86_64.rpm', 'rpm');
  write('odcs-1/compose/Temporary/x86_64/os/Packages/l/libstdc++ 100%?#-1.rpm', 'odd');
  write('odcs-1/compose/Temporary/odcs-1.repo', '[odcs-1]\n');
  write('odcs-1/<img src=x onerror=alert(1)>/file', 'x');
  write('odcs-1/COMPOSE_ID', 'odcs-1-1-20261121.t.0');
  write('odcs-1/pungi-stderr.log', 'first\n');
  write('odcs-1/.secret', 'dot');
  write('odcs-2/pungi-stderr.log', 'of the other');
  write('.staging/odcs-1/attempt/file', 'half');
  write('beside', 'not a compose');
  writeFileSync(path.join(folder, 'outside'), 'outside');
  symlinkSync(path.join(folder, 'outside'), path.join(root, 'odcs-1/link-out'));
  symlinkSync('../.staging', path.join(root, 'odcs-1/link-staging'));
  symlinkSync('COMPOSE_ID', path.join(root, 'odcs-1/link-in'));
  symlinkSync('loop', path.join(root, 'odcs-1/loop'));
  gateway = await startTestGateway({ environment: { MILLRACE_COMPOSES: root } });
  for (let id = 1; id <= 5; id += 1) await fetch(`${gateway.url}/api/1/composes/`, { method: 'POST', body: '{"source":{"type":"repo","source":"http://r.test/"}}' });
});
afterAll(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true, force: true });
});

const get = (file: string, init: RequestInit = {}): Promise<Response> => fetch(`${gateway.url}/composes/${file}`, { redirect: 'manual', ...init });

/** As a client sends it that does not tidy up paths. */
async function raw(target: string, ...headers: readonly string[]): Promise<string> {
  const socket = connect(gateway.port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.write(`GET ${target} HTTP/1.1\r\n${['Host: x', 'Connection: close', ...headers].join('\r\n')}\r\n\r\n`);
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('latin1');
}

describe('a file of a compose', () => {
  it.each([
    [`${repodata}/${digest}-primary.xml.gz`, 'application/gzip', 'public, max-age=31536000, immutable'],
    ['odcs-1/compose/Temporary/x86_64/os/Packages/b/bash-5.2-1.x86_64.rpm', 'application/x-rpm', 'public, max-age=31536000, immutable'],
    [`${repodata}/repomd.xml`, 'application/xml', 'public, no-cache'],
    ['odcs-1/compose/Temporary/odcs-1.repo', 'text/plain; charset=utf-8', 'public, no-cache'],
    ['odcs-1/pungi-stderr.log', 'text/plain; charset=utf-8', 'public, no-cache'],
    ['odcs-1/COMPOSE_ID', 'text/plain; charset=utf-8', 'public, no-cache'],
  ])('%s has its media type and may be kept for as long as it holds', async (file, type, cache) => {
    for (const method of ['GET', 'HEAD']) {
      const answer = await get(file, { method });
      const length = (await answer.arrayBuffer()).byteLength;
      expect({ status: answer.status, type: answer.headers.get('content-type'), cache: answer.headers.get('cache-control'), length: method === 'GET' ? String(length) : answer.headers.get('content-length') }).toEqual({ status: 200, type, cache, length: answer.headers.get('content-length') });
      expect([answer.headers.get('accept-ranges'), answer.headers.get('x-content-type-options'), answer.headers.get('content-security-policy')]).toEqual(['bytes', 'nosniff', expect.stringMatching(/^sandbox;/)]);
      expect(method === 'HEAD' ? length : 0).toBe(0);
    }
  });

  it.each([
    ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
    ['bytes=-3', 206, '789', 'bytes 7-9/10'],
    ['bytes=8-', 206, '89', 'bytes 8-9/10'],
    ['bytes=10-', 416, undefined, 'bytes */10'],
  ])('with Range %s is %d', async (range, status, text, contentRange) => {
    const answer = await get(`${repodata}/${digest}-primary.xml.gz`, { headers: { range } });
    expect([answer.status, answer.headers.get('content-range')]).toEqual([status, contentRange]);
    const body = await answer.text();
    if (text !== undefined) expect(body).toBe(text);
  });

  it('below a name that moves on is asked for again, although it is a package', async () => {
    const file = 'compose/Temporary/x86_64/os/Packages/b/bash-5.2-1.x86_64.rpm';
    mkdirSync(path.join(root, 'nightly'));
    for (const name of ['latest-Kitchen-1.0', 'Kitchen-1.0-20261121.n.0']) symlinkSync('../odcs-1', path.join(root, 'nightly', name));
    expect((await get(`nightly/latest-Kitchen-1.0/${file}`)).headers.get('cache-control')).toBe('public, no-cache');
    expect((await get(`nightly/Kitchen-1.0-20261121.n.0/${file}`)).headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  });

  it('is 304 for whoever has it', async () => {
    const first = await get(`${repodata}/repomd.xml`);
    await first.text();
    expect(await raw(`/composes/${repodata}/repomd.xml`, `If-None-Match: ${first.headers.get('etag')}`)).toMatch(/^HTTP\/1\.1 304 /);
    expect(await raw(`/composes/${repodata}/repomd.xml`, `If-Modified-Since: ${first.headers.get('last-modified')}`)).toMatch(/^HTTP\/1\.1 304 /);
  });

  it('may be a log that grows: its clients ask for what is new', async () => {
    const log = 'odcs-1/pungi-stderr.log';
    expect((await get(log, { headers: { range: 'bytes=6-' } })).status).toBe(416);
    appendFileSync(path.join(root, log), 'second\n');
    const more = await get(log, { headers: { range: 'bytes=6-' } });
    expect([more.status, await more.text()]).toEqual([206, 'second\n']);
  });

  it('may have an odd name', async () => {
    expect(await (await get(`odcs-1/compose/Temporary/x86_64/os/Packages/l/${encodeURIComponent('libstdc++ 100%?#-1.rpm')}`)).text()).toBe('odd');
    expect(await (await get('odcs-1/link-in')).text()).toBe('odcs-1-1-20261121.t.0');
  });
});

describe('what is not for anybody', () => {
  const longName = `odcs-1/${'x'.repeat(300)}`;
  const deepPath = `/composes/odcs-1/${'a/'.repeat(3000)}`;

  it.each(['odcs-1/.secret', '.staging/odcs-1/attempt/file', 'odcs-1/link-staging/odcs-1/attempt/file', 'odcs-1/link-out', 'odcs-1/loop', 'beside', 'odcs-1/COMPOSE_ID/', 'odcs-1/COMPOSE_ID/x', 'odcs-1/nowhere', longName, 'odcs-99/', 'odcs-0/', 'odcs-01/COMPOSE_ID', 'odcs-1x/'])('%.60s is 404 and not to be kept', async (file) => {
    const answer = await get(file);
    expect([answer.status, answer.headers.get('cache-control'), await answer.text()]).toEqual([404, 'no-store', expect.stringMatching(/^404 Not Found: /)]);
  });

  it.each(['/composes/odcs-1/../../outside', '/composes/odcs-1/%2e%2e/%2e%2e/outside', '/composes/odcs-1/..%2f..%2foutside', '/composes/..%5coutside', '/composes/odcs-1//COMPOSE_ID', '/composes//etc/passwd', '/composes/odcs-1/%00', '/composes/odcs-1/./COMPOSE_ID', deepPath, '/composes/odcs-1/%ff'])('%.60s leads nowhere', async (target) => {
    const answer = await raw(target);
    expect(answer).toMatch(/^HTTP\/1\.1 40[04] /);
    expect(answer).not.toContain('outside\n');
    expect(answer).not.toContain('root:');
  });
});

describe('a directory', () => {
  it('is a page of its names, without a script', async () => {
    const answer = await get('odcs-1/');
    const text = await answer.text();
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect([...text.matchAll(/<a href="([^"]+)">/g)].map((match) => match[1])).toEqual(['../', './%3Cimg%20src=x%20onerror=alert(1)%3E/', './compose/', './COMPOSE_ID', './link-in', './link-out', './link-staging', './loop', './pungi-stderr.log']);
    expect(text).toContain('&lt;img src=x');
    expect(text).not.toContain('<img');
    expect(await (await get('')).text()).not.toContain('staging');
  });

  it('without a slash at its end leads to the one with it', async () => {
    const answer = await get('odcs-1/compose');
    expect([answer.status, answer.headers.get('location')]).toEqual([301, './compose/']);
    expect((await fetch(`${gateway.url}/composes`, { redirect: 'follow' })).status).toBe(200);
    expect((await fetch(`${gateway.url}/composes/odcs-1/compose`, { redirect: 'follow' })).url).toBe(`${gateway.url}/composes/odcs-1/compose/`);
  });
});

describe('a compose', () => {
  let composes: MemoryComposes;
  let other: TestGateway;
  beforeEach(() => {
    composes = gateway.composes;
  });

  it('that has the files of another has them under its own name, too', async () => {
    composes.set(3, { state: 'done', reusedId: 1 });
    expect(await (await get('odcs-3/COMPOSE_ID')).text()).toBe('odcs-1-1-20261121.t.0');
  });

  const removed = { state: 'removed', removedAt: '2026-11-21T12:00:00.000Z', stateReason: 'Compose is generated successfully\nCompose is expired.' } as const;

  it.each([[4, 'that had files of its own', null], [5, 'that had those of another', 1]])('(%d) %s is 410 when it is removed, and says why', async (id, _name, reusedId) => {
    composes.set(id, { ...removed, reusedId });
    const answer = await get(`odcs-${id}/COMPOSE_ID`);
    expect([answer.status, answer.headers.get('cache-control'), await answer.text()]).toEqual([410, 'no-store', `410 Gone: odcs-${id} was removed on 2026-11-21T12:00:00.000Z: Compose is expired. PATCH /api/1/composes/${id} makes a new compose with the same packages.\n`]);
  });

  it('that is removed while others have its files still has them, because their addresses name it', async () => {
    composes.set(2, removed);
    expect(await (await get('odcs-2/pungi-stderr.log')).text()).toBe('of the other');
    expect((await get('odcs-2/nothing')).status).toBe(410);
  });

  it('is served while the record is away', async () => {
    const away = { ...new MemoryComposes().dependencies(), reads: { ...new MemoryComposes().reads, get: () => Promise.reject(new Error('away')) } };
    other = await startTestGateway({ dependencies: { composes: away }, environment: { MILLRACE_COMPOSES: root } });
    try {
      expect(await (await fetch(`${other.url}/composes/odcs-2/pungi-stderr.log`)).text()).toBe('of the other');
    } finally {
      await other.close();
    }
  });
});
