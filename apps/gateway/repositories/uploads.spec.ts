import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { authorization, startTestGateway } from '../__fixtures__/test-gateway.js';
import type { TestGateway } from '../__fixtures__/test-gateway.js';
import { problem } from '../openapi/error-schemas.js';
import { uploadList, uploadView } from './change-schemas.js';

const limit = 4 * 1024 * 1024;
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ clientMilliseconds: 700, environment: { MILLRACE_PACKAGE_BYTES: String(limit) } });
});
afterAll(() => gateway.close());
beforeEach(async () => {
  const { repositories } = gateway;
  repositories.held.clear();
  repositories.uploads.clear();
  repositories.calls.length = 0;
  repositories.objects.held.clear();
  await fetch(`${gateway.url}/v1/repositories`, { method: 'POST', headers: { authorization }, body: '{"name":"fedora","kind":"rpm"}' });
});
// Whatever a client did, the gateway serves on and holds nothing that was not whole.
afterEach(async () => {
  expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200);
  expect([...gateway.repositories.objects.held.keys()].length).toBe(gateway.repositories.uploads.size);
});

const place = '/v1/repositories/fedora/uploads';
const digest = (bytes: string | Buffer, encoding: 'hex' | 'base64' = 'hex'): string => createHash('sha256').update(bytes).digest(encoding);

async function send(body: NonNullable<RequestInit['body']>, { query = '?fileName=a.rpm', headers = {} }: { query?: string; headers?: Record<string, string> } = {}) {
  const answer = await fetch(`${gateway.url}${place}${query}`, { method: 'POST', body, headers: { authorization, ...headers }, duplex: 'half' });
  return { status: answer.status, headers: answer.headers, json: (await answer.json()) };
}

/** Everything that the server sends until it closes. */
async function converse(head: readonly string[], talk: (socket: Socket) => void, target = `${place}?fileName=a.rpm`): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: gateway.port, allowHalfOpen: true });
  socket.on('error', () => undefined); // the server may cut while we still send
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'connect');
  socket.write(`POST ${target} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n${head.map((line) => `${line}\r\n`).join('')}\r\n`);
  talk(socket);
  await new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
  socket.destroy();
  return Buffer.concat(chunks).toString('latin1');
}

function form(...files: readonly (readonly [field: string, name: string, content: string])[]): FormData {
  const made = new FormData();
  for (const [field, name, content] of files) made.append(field, new Blob([content]), name);
  return made;
}

describe('a package file', () => {
  it('larger than any other body may be is taken in as it comes', async () => {
    const bytes = Buffer.alloc(3 * 1024 * 1024, 'package');
    const { status, headers, json } = await send(new Uint8Array(bytes));
    const upload = uploadView.parse(json);
    expect([status, headers.get('location')]).toEqual([201, `${place}/${upload.id}`]);
    expect(upload).toMatchObject({ repository: 'fedora', fileName: 'a.rpm', sha256: digest(bytes), size: bytes.length, by: 'craft', key: null });
    expect(gateway.repositories.objects.held.get(`.incoming/${upload.id}`)?.equals(bytes)).toBe(true);
    expect(uploadView.parse(await (await fetch(`${gateway.url}${place}/${upload.id}`, { headers: { authorization } })).json())).toEqual(upload);
    const discard = async (): Promise<number> => (await fetch(`${gateway.url}${place}/${upload.id}`, { method: 'DELETE', headers: { authorization } })).status;
    expect([await discard(), gateway.repositories.uploads.size, await discard()]).toEqual([204, 0, 404]);
  });

  it('of no announced length, in chunks, is taken in', async () => {
    const stream = new Blob(['one', 'two']).stream();
    expect(uploadView.parse((await send(stream)).json)).toMatchObject({ size: 6, sha256: digest('onetwo') });
  });

  it.each(['application/json', 'text/plain', 'application/x-rpm', 'application/x-www-form-urlencoded', 'multipart/mixed; boundary=x', 'multipart/form-datax'])('is bytes, although its client calls it %s', async (type) => {
    expect(uploadView.parse((await send('{"a":1}', { headers: { 'content-type': type } })).json)).toMatchObject({ sha256: digest('{"a":1}') });
  });

  it.each(['repr-digest', 'content-digest'])('whose %s is wrong leaves nothing', async (field) => {
    const wrong = await send('bytes', { headers: { [field]: `sha-256=:${digest('other', 'base64')}:` } });
    expect(problem.parse(wrong.json)).toMatchObject({ status: 422, code: 'digest-mismatch' });
    expect([...gateway.repositories.uploads.keys()]).toEqual([]);
    expect((await send('bytes', { headers: { [field]: `sha-512=:abcd:, sha-256=:${digest('bytes', 'base64')}:` } })).status).toBe(201);
  });

  it.each(['sha-256=abc', 'sha-256=:YWJj:', 'sha-256', '{}', 'sha-256=:*:'])('with the digest field %s is refused before it is read', async (value) => {
    expect(problem.parse((await send('bytes', { headers: { 'repr-digest': value } })).json)).toMatchObject({ status: 400, code: 'invalid-request' });
  });

  it('with two digests that differ is refused', async () => {
    expect((await send('bytes', { headers: { 'repr-digest': `sha-256=:${digest('a', 'base64')}:`, 'content-digest': `sha-256=:${digest('b', 'base64')}:` } })).status).toBe(400);
  });

  it('sent again under its id is the upload that is there', async () => {
    const id = '00000000-0000-4000-8000-000000000001';
    const headers = { 'repr-digest': `sha-256=:${digest('bytes', 'base64')}:` };
    const answers = [await send('bytes', { query: `?fileName=a.rpm&id=${id}`, headers }), await send('bytes', { query: `?fileName=a.rpm&id=${id}`, headers })];
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    expect(answers[1]?.json).toEqual(answers[0]?.json);
    expect(problem.parse((await send('others', { query: `?id=${id}` })).json)).toMatchObject({ status: 422, code: 'idempotency-conflict' });
  });

  it.each(['../../etc/passwd', 'a/b.rpm', '.hidden', '..', 'a\\b', 'a%00b', 'a%0ab', 'a%e2%80%aeb', '', 'x'.repeat(256)])('named %.40s is refused', async (name) => {
    const query = `?fileName=${/%/.test(name) ? name : encodeURIComponent(name)}`;
    expect(problem.parse((await send('bytes', { query })).json)).toMatchObject({ status: 400 });
  });

  it('for no repository, with an id that is none, or empty, is refused', async () => {
    const none = await fetch(`${gateway.url}/v1/repositories/none/uploads`, { method: 'POST', body: 'x', headers: { authorization } });
    expect([none.status, (await send('x', { query: '?id=one' })).status, (await send('')).status, (await send('x', { query: '?colour=red' })).status]).toEqual([404, 400, 400, 400]);
  });

  it('of nobody is not read', async () => {
    const before = gateway.repositories.calls.length;
    const answer = await fetch(`${gateway.url}${place}`, { method: 'POST', body: 'x' });
    expect([answer.status, gateway.repositories.calls.length]).toEqual([401, before]);
  });

  it('that a store refuses while it comes is answered with the reason', async () => {
    const receive = async (_name: string, content: AsyncIterable<Buffer>): Promise<never> => {
      for await (const chunk of content) if (chunk.length > 0) break;
      throw new MillraceError('storage-full', 'the bucket is full');
    };
    const full = await startTestGateway({ dependencies: { repositories: { ...gateway.repositories.dependencies(), engine: { receive, discard: () => Promise.resolve(), inspect: () => Promise.resolve() } } } });
    try {
      const answer = await fetch(`${full.url}${place}`, { method: 'POST', body: 'x'.repeat(1_000_000), headers: { authorization } });
      expect(problem.parse(await answer.json())).toMatchObject({ status: 507, code: 'storage-full', detail: 'the bucket is full' });
    } finally {
      await full.close();
    }
  });
});

describe('a form of package files', () => {
  it('is as many uploads, also of one name', async () => {
    const { status, json } = await send(form(['packages', 'a.rpm', 'one'], ['packages', 'b.rpm', 'two'], ['other', 'a.rpm', 'three']), { query: '' });
    expect([status, uploadList.parse(json).items.map(({ fileName, sha256 }) => [fileName, sha256])]).toEqual([201, [['a.rpm', digest('one')], ['b.rpm', digest('two')], ['a.rpm', digest('three')]]]);
  });

  it('names files and never paths', async () => {
    const { json } = await send(form(['p', '../../etc/passwd', 'one']), { query: '' });
    expect(uploadList.parse(json).items.map(({ fileName }) => fileName)).toEqual(['passwd']);
  });

  it('with a field that is no file, without files, or of nonsense, is refused', async () => {
    const withField = form(['p', 'a.rpm', 'one']);
    withField.append('colour', 'red');
    const boundary = { 'content-type': 'multipart/form-data; boundary=x' };
    const answers = [await send(withField, { query: '' }), await send(new FormData(), { query: '' }), await send('nonsense', { query: '', headers: boundary }), await send('--x\r\nContent-Disposition: form-data; name="p"; filename="a.rpm"\r\n\r\nhalf', { query: '', headers: boundary }), await send('x', { query: '', headers: { 'content-type': 'multipart/form-data' } }), await send(form(['__proto__', 'a.rpm', 'x']), { query: '' })];
    expect(answers.map(({ json }) => problem.parse(json).status)).toEqual([400, 400, 400, 400, 400, 400]);
    gateway.repositories.uploads.forEach(({ id }) => gateway.repositories.uploads.delete(id));
    gateway.repositories.objects.held.clear();
  });

  it('of more files than one change takes is refused', async () => {
    const many = form(...Array.from({ length: 1001 }, (_, index) => ['p', `${index}.rpm`, 'x'] as const));
    expect(problem.parse((await send(many, { query: '' })).json)).toMatchObject({ status: 400, detail: 'a form may have 1000 files' });
  });
});

describe('a hostile client', () => {
  it('that announces more than a package may have is refused before it sends', async () => {
    const answer = await converse([`Content-Length: ${limit + 1}`], (socket) => socket.end());
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('"code":"payload-too-large"');
  });

  it.each([
    ['without a pause between its bytes', (socket: Socket) => setInterval(() => socket.writable && socket.write('1\r\nx\r\n'), 50)],
    ['and then nothing', () => setInterval(() => undefined, 1000)],
  ])('that drips a body, %s, is told so and cut', async (_name, drip) => {
    let dripping: NodeJS.Timeout | undefined;
    const answer = await converse(['Transfer-Encoding: chunked'], (socket) => {
      socket.write('3\r\nabc\r\n');
      dripping = drip(socket);
    });
    clearInterval(dripping);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('that sends steadily may take longer than any other request', async () => {
    const piece = 'x'.repeat(16 * 1024);
    let sent = 0;
    const answer = await converse([`Content-Length: ${piece.length * 10}`, 'Connection: close'], (socket) => {
      const steady = setInterval(() => {
        socket.write(piece);
        if ((sent += 1) === 10) clearInterval(steady);
      }, 150);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 201 /);
    expect(answer).toContain(digest('x'.repeat(160 * 1024)));
  });

  it('that drips into as many uploads as are taken in at once gives way to those who wait', async () => {
    const piece = `4000\r\n${'x'.repeat(16 * 1024)}\r\n`;
    const steady: NodeJS.Timeout[] = [];
    const dripping = Array.from({ length: 24 }, () => converse(['Transfer-Encoding: chunked'], (socket) => {
      socket.write(piece);
      steady.push(setInterval(() => socket.writable && socket.write(piece), 300));
    }));
    while (gateway.repositories.calls.filter(({ method }) => method === 'receive').length < 24) await new Promise((resolve) => setTimeout(resolve, 5));
    const { status } = await send('honest');
    steady.forEach(clearInterval);
    expect([status, (await Promise.all(dripping)).some((answer) => answer.startsWith('HTTP/1.1 408 '))]).toEqual([201, true]);
  });

  it('that goes away before the end leaves nothing', async () => {
    const socket = connect(gateway.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(`POST ${place} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Length: 100\r\n\r\nhalf`);
    while (gateway.repositories.calls.at(-1)?.method !== 'receive') await new Promise((resolve) => setTimeout(resolve, 5));
    socket.destroy();
    await once(socket, 'close');
  });

  it('that sends more than it announced has uploaded what it announced', async () => {
    const answer = await converse(['Content-Length: 5', `Repr-Digest: sha-256=:${digest('12345', 'base64')}:`], (socket) => socket.end('12345GET / HTTP/1.1\r\n'));
    expect(answer).toMatch(/^HTTP\/1\.1 201 /);
  });

  it('that is refused while it sends is answered all the same', async () => {
    const answer = await converse(['Content-Length: 2000000', 'Connection: close'], (socket) => socket.end(Buffer.alloc(2_000_000)), '/v1/repositories/none/uploads');
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
    expect(answer).toContain('"code":"repository-not-found"');
  });

  it('reaches no stream by another address', async () => {
    const answer = await converse(['Content-Length: 3000000', 'Content-Type: application/x-millrace-stream'], () => undefined, '/v1/repositories/fedora/publish');
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });
});
