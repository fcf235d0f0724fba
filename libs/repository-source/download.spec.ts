import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { serveFiles, type FileServer } from './__fixtures__/file-server.js';
import { quick, scratchSource, unhurried, type ScratchSource } from './__fixtures__/scratch-source.js';
import { sha256Of } from './__fixtures__/written-repository.js';

const bytes = randomBytes(600_000);
const checksum = { algorithm: 'sha256' as const, hex: sha256Of(bytes) };
let directory: string;
let server: FileServer;
let scratch: ScratchSource;

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'millrace-files-'));
  writeFileSync(path.join(directory, 'a.rpm'), bytes);
  writeFileSync(path.join(directory, 'b.json'), '{"a":1}');
});
afterAll(() => rmSync(directory, { recursive: true }));
beforeEach(async () => {
  server = await serveFiles(directory);
  scratch = await scratchSource();
});
afterEach(async () => {
  await scratch[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const at = (name: string): string => `${server.url}/${name}`;
const fetchPackage = (size = bytes.length, location = at('a.rpm')) => scratch.source.fetch({ location, checksum, size }, unhurried);
const read = (name: string) => scratch.source.read(at(name), unhurried);

describe('a package download', () => {
  it('names the client and is not repeated for what is there', async () => {
    const agents: (string | undefined)[] = [];
    server.handle = (request) => agents.push(request.headers['user-agent']) < 0;
    expect(await fetchPackage()).toEqual({ sha256: checksum.hex, size: bytes.length });
    await fetchPackage();
    expect(await fetchPackage(0)).toEqual({ sha256: checksum.hex, size: bytes.length });
    expect(agents).toEqual(['millrace/1.2.3']);
  });

  it('is not repeated either for what is known by another checksum', async () => {
    for (const algorithm of ['md5', 'sha512'] as const) {
      const other = { algorithm, hex: createHash(algorithm).update(bytes).digest('hex') };
      const one = { location: at('a.rpm'), checksum: other, size: bytes.length };
      for (const source of [scratch.source, scratch.again()]) expect(await source.fetch(one, unhurried)).toEqual({ sha256: checksum.hex, size: bytes.length });
    }
    expect(server.requests).toEqual(['/a.rpm', '/a.rpm']);
  });

  it('goes on where it broke off, as often as it gets on', async () => {
    server.handle = (request, response) => cutAfter(response, request.headers.range, 100_000);
    expect(await fetchPackage()).toEqual({ sha256: checksum.hex, size: bytes.length });
    expect(server.requests).toEqual(['/a.rpm', '/a.rpm bytes=100000-', '/a.rpm bytes=200000-', '/a.rpm bytes=300000-', '/a.rpm bytes=400000-', '/a.rpm bytes=500000-']);
    expect(readFileSync(scratch.content.file(checksum.hex))).toEqual(bytes);
  });

  it('passes over what it has when the server knows no ranges', async () => {
    let first = true;
    server.handle = (_request, response) => {
      if (first) {
        first = false;
        return cutAfter(response, undefined, 100_000, {});
      }
      return response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    };
    expect(await fetchPackage()).toMatchObject({ sha256: checksum.hex });
  });

  it('says when the file was replaced in between', async () => {
    let first = true;
    server.handle = (_request, response) => {
      if (!first) return false;
      first = false;
      return cutAfter(response, undefined, 100_000, { etag: '"before"' });
    };
    await expect(fetchPackage()).rejects.toMatchObject({ code: 'source-changed', message: expect.stringContaining('was replaced') });
  });

  it('refuses another part than it asked for', async () => {
    server.handle = (request, response) => {
      if (request.headers.range === undefined) return cutAfter(response, undefined, 100_000);
      response.writeHead(206, { 'content-range': `bytes 0-${bytes.length - 1}/${bytes.length}`, 'content-length': bytes.length }).end(bytes);
      return true;
    };
    await expect(fetchPackage()).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('another part') });
  });

  it('gives up when nothing comes any more, and leaves nothing', async () => {
    server.handle = (request, response) => cutAfter(response, request.headers.range, request.headers.range === undefined ? 100_000 : 0);
    await expect(fetchPackage()).rejects.toMatchObject({ code: 'source-unavailable', message: expect.stringContaining('a.rpm') });
    expect(server.requests).toHaveLength(quick.attempts);
    expect(await scratch.content.has(checksum.hex)).toBe(false);
  });

  it.each([
    ['longer than declared, by its header', { 'content-length': bytes.length }, bytes.length - 1],
    ['shorter than declared, by its header', { 'content-length': bytes.length }, bytes.length + 1],
    ['longer than declared', {}, bytes.length - 1],
    ['shorter than declared', {}, bytes.length + 1],
  ])('is refused when the file is %s', async (_what, headers, size) => {
    server.handle = (_request, response) => response.writeHead(200, headers).end(bytes);
    await expect(fetchPackage(size)).rejects.toMatchObject({ code: 'source-changed', message: expect.stringContaining('a.rpm') });
    expect(await scratch.content.has(checksum.hex)).toBe(false);
  });

  it('is refused when the file is another one', async () => {
    server.handle = (_request, response) => response.end(randomBytes(bytes.length));
    await expect(fetchPackage()).rejects.toMatchObject({ code: 'source-changed', message: expect.stringContaining('is not the file that the metadata declare') });
  });

  it('is refused when the file does not exist any more', async () => {
    await expect(fetchPackage(5, at('none.rpm'))).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringMatching(/none\.rpm does not exist.*metadata list it/) });
    expect(server.requests).toEqual(['/none.rpm']);
  });

  it('ends at once when nobody wants it any more', async () => {
    const stop = new AbortController();
    server.handle = (_request, response) => {
      response.writeHead(200).write('x');
      stop.abort(new Error('cancelled'));
      return true;
    };
    await expect(scratch.source.fetch({ location: at('a.rpm'), checksum, size: 0 }, stop)).rejects.toThrow();
    await expect(scratch.source.fetch({ location: at('a.rpm'), checksum, size: 0 }, stop)).rejects.toThrow('cancelled');
  });

  it('asks one host for so much at once, and gets all', async () => {
    const waiting: ServerResponse[] = [];
    let most = 0;
    server.handle = (_request, response) => {
      // Three are answered together, when a fourth has had time to come.
      if (waiting.push(response) === 3) setTimeout(() => waiting.splice(0).forEach((each) => each.end('x')), 20);
      most = Math.max(most, waiting.length);
    };
    const few = scratch.again({ limits: { concurrency: 3 } });
    await Promise.all(Array.from({ length: 30 }, (_, index) => few.read(at(String(index)), unhurried)));
    expect(most).toBe(3);
  });
});

describe('a server that fails', () => {
  it.each([500, 503, 429, 408])('is asked again after %d', async (status) => {
    let failures = quick.attempts - 1;
    server.handle = (_request, response) => failures-- > 0 && response.writeHead(status, { 'retry-after': '0' }).end('later');
    expect((await read('b.json')).toString()).toBe('{"a":1}');
    failures = 100;
    await expect(read('b.json')).rejects.toMatchObject({ code: 'source-unavailable', message: expect.stringContaining(`answers ${status}`) });
  });

  it.each([400, 401, 403, 404, 410, 204, 206, 304, 418])('is not asked again after %d', async (status) => {
    server.handle = (_request, response) => response.writeHead(status).end();
    await expect(read('b.json')).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining(String(status)) });
    expect(server.requests).toHaveLength(1);
  });

  it('of a document ends in time, however steadily a server drips it', async () => {
    server.handle = (_request, response) => {
      const drip = setInterval(() => response.write(' '.repeat(100)), 5);
      response.on('close', () => clearInterval(drip));
    };
    const patient = scratch.again({ limits: { documentTime: 300 } });
    await expect(patient.read(at('b.json'), unhurried)).rejects.toMatchObject({ code: 'source-unavailable', message: `${at('b.json')} was not here as a whole after 0.3 s: its server is too slow` });
    await expect(patient.pin(server.url, unhurried)).rejects.toMatchObject({ code: 'source-unavailable' });
    const stop = AbortSignal.timeout(50);
    await expect(patient.read(at('b.json'), { signal: stop })).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('may break off a document: it is read anew', async () => {
    let failures = 2;
    server.handle = (_request, response) => failures-- > 0 && cutAfter(response, undefined, 3, { 'content-length': 7 }, Buffer.from('{"b":2}'));
    expect((await read('b.json')).toString()).toBe('{"a":1}');
    expect(server.requests).toEqual(['/b.json', '/b.json', '/b.json']);
  });

  it.each([
    ['never answers', () => undefined],
    ['stops in the middle', (response: ServerResponse) => response.writeHead(200, { 'content-length': 100 }).write('x')],
    ['sends a byte now and then', (response: ServerResponse) => drip(response.writeHead(200))],
  ])('is given up when it %s', async (_what, answer) => {
    server.handle = (_request, response) => answer(response);
    const hasty = scratch.again({ limits: { progressTime: 120, attempts: 2 } });
    await expect(hasty.read(at('b.json'), unhurried)).rejects.toMatchObject({ code: 'source-unavailable', message: expect.stringContaining('0.12 s') });
    expect(server.requests).toHaveLength(2);
  });

  it('may not send without end, nor more than a document has', async () => {
    server.handle = (_request, response) => endless(response.writeHead(200));
    const narrow = scratch.again({ limits: { documentBytes: 100_000 } });
    await expect(narrow.read(at('b.json'), unhurried)).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('more than 100000 bytes') });
    await expect(narrow.fetch({ location: at('a.rpm'), checksum, size: 1000 }, unhurried)).rejects.toMatchObject({ code: 'source-changed' });
    server.handle = (_request, response) => response.writeHead(200, { 'content-length': 200_000 }).write('x');
    await expect(narrow.read(at('b.json'), unhurried)).rejects.toMatchObject({ code: 'source-invalid' });
  });

  it('may not pack what was not asked for packed', async () => {
    server.handle = (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x');
    await expect(read('b.json')).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('encodes') });
  });

  it('may be away', async () => {
    await expect(scratch.source.read('http://127.0.0.1:1/x', unhurried)).rejects.toMatchObject({ code: 'source-unavailable', message: expect.stringContaining('connection refused') });
  });
});

/** Sends what was asked for, but breaks off after so many bytes. */
function cutAfter(response: ServerResponse, range: string | undefined, count: number, headers: Record<string, string | number> = { etag: '"same"' }, body = bytes): true {
  const start = Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0);
  response.writeHead(start > 0 ? 206 : 200, { 'content-length': body.length - start, ...(start > 0 ? { 'content-range': `bytes ${start}-${body.length - 1}/${body.length}` } : {}), ...headers });
  response.flushHeaders();
  response.write(body.subarray(start, start + count), () => setTimeout(() => response.destroy(), 20));
  return true;
}

function drip(response: ServerResponse): void {
  const timer = setInterval(() => response.write('x'), 10);
  response.on('close', () => clearInterval(timer));
}

function endless(response: ServerResponse): void {
  const chunk = Buffer.alloc(65_536);
  const more = (): void => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', more);
  more();
}
