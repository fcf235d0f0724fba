import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { AbortMultipartUploadCommand, CreateMultipartUploadCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startFaultyS3, type FaultyS3 } from '../../testing/start-faulty-s3.js';
import { s3Keys, startS3Server, type S3Server } from '../../testing/start-s3-server.js';
import { chunksOf, keysOf, sha256 } from '../__fixtures__/object-store-contract.js';
import { parseBucketUrl } from '../bucket-location.js';
import type { ObjectStore } from '../object-store.js';
import { sweepUploads } from './multipart-upload.js';
import { openS3Store } from './open-s3-store.js';
import { s3Requests } from './s3-requests.js';

const MiB = 1024 * 1024;
const directory = mkdtempSync(path.join(os.tmpdir(), 'millrace-s3-faults-'));
const large = randomBytes(12 * MiB);
let server: S3Server;
let proxy: FaultyS3;
let store: ObjectStore;
let client: S3Client;

beforeAll(async () => {
  server = await startS3Server(path.join(directory, 's3'));
  server.makeBucket('farm');
  proxy = await startFaultyS3(server.endpoint);
  store = openS3Store(location(), { readKeys: s3Keys, partBytes: 5 * MiB, copyBytes: 5 * MiB, stallTime: 200 });
  client = new S3Client({ endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true, credentials: await s3Keys() });
  // Whether the server knows conditions is found out before the faults.
  await store.put('warm', Buffer.from('x'), { condition: { absent: true } });
  await store.copy('warm', 'warm copy', { condition: { absent: true } });
  await store.put('warm parts', { stream: chunksOf(large) }, { condition: { absent: true } });
});
afterEach(() => proxy.heal());
afterAll(async () => {
  store.close();
  client.destroy();
  await proxy.close();
  await server.kill();
  rmSync(directory, { recursive: true, force: true });
});

const location = () => parseBucketUrl(`s3://farm/faults?endpoint=${proxy.endpoint}`);
const operations = (from: number): string[] => proxy.requests.slice(from).map(({ operation }) => operation);
const unfinished = async (): Promise<number> => (await client.send(new ListMultipartUploadsCommand({ Bucket: 'farm' }))).Uploads?.length ?? 0;
const putLarge = (key: string): ReturnType<ObjectStore['put']> => store.put(key, { stream: chunksOf(large) }, { condition: { absent: true } });

describe('a bucket behind a bad connection', () => {
  it('gets through when it answers 500 a few times', async () => {
    for (const on of ['PutObject', 'UploadPart', 'CreateMultipartUpload', 'CompleteMultipartUpload', 'GetObject', 'ListObjects', 'DeleteObject', 'CopyObject']) proxy.inject({ answer: 500, code: 'InternalError' }, { on, times: 2 });
    await store.put('some/small', Buffer.from('small'));
    await putLarge('some/large');
    await store.copy('some/small', 'some/copy');
    expect(sha256(await buffer((await store.get('some/large')).content))).toBe(sha256(large));
    expect(await keysOf(store, 'some/')).toEqual(['some/copy', 'some/large', 'some/small']);
    await store.remove(['some/copy', 'some/large', 'some/small']);
    expect(await keysOf(store, 'some/')).toEqual([]);
  });

  it('slows down when it is asked to', async () => {
    for (const on of ['PutObject', 'UploadPart']) proxy.inject({ answer: 503, code: 'SlowDown' }, { on, times: 1 });
    await store.put('slow/small', Buffer.from('small'));
    await putLarge('slow/large');
    expect(await keysOf(store, 'slow/')).toEqual(['slow/large', 'slow/small']);
  });

  it('signs with the time of the service when clocks are apart', async () => {
    const skewed = { answer: 403, body: '<Error><Code>RequestTimeTooSkewed</Code><Message>injected</Message></Error>', headers: { date: new Date(Date.now() + 7_200_000).toUTCString() } };
    proxy.inject(skewed, { on: 'PutObject', times: 1 });
    const from = proxy.requests.length;
    await store.put('skewed/object', Buffer.from('x'));
    // Two hours ahead at the second attempt, which the service itself, whose clock is right, refuses with its own time.
    const times = proxy.requests.slice(from).map(({ headers }) => String(headers['x-amz-date']).slice(9, 11));
    expect([times.length, times[0] === times[1], times[0] === times[2]]).toEqual([3, false, true]);
  });

  it('knows its own write again when the answer was lost', async () => {
    for (const on of ['PutObject', 'CompleteMultipartUpload', 'CopyObject']) proxy.inject({ lost: true }, { on, times: 1 });
    await store.put('lost/small', Buffer.from('small'), { condition: { absent: true } });
    const { etag } = await putLarge('lost/large');
    await store.copy('lost/small', 'lost/copy', { condition: { absent: true } });
    expect([(await store.head('lost/large'))?.etag, await keysOf(store, 'lost/'), await unfinished()]).toEqual([etag, ['lost/copy', 'lost/large', 'lost/small'], 0]);
    proxy.inject({ lost: true }, { on: 'PutObject', times: 1 });
    const old = await store.head('lost/small');
    await store.put('lost/small', Buffer.from('other'), { condition: { etag: old?.etag ?? '' } });
    await expect(store.put('lost/small', Buffer.from('third'), { condition: { etag: old?.etag ?? '' } })).rejects.toMatchObject({ code: 'storage-conflict' });
  });

  it('does not take another’s write for its own', async () => {
    const other = openS3Store(parseBucketUrl(`s3://farm/faults?endpoint=${server.endpoint}`), { readKeys: s3Keys });
    proxy.before('PutObject', async () => void (await other.put('others/object', Buffer.from('theirs'))));
    await expect(store.put('others/object', Buffer.from('ours'), { condition: { absent: true } })).rejects.toMatchObject({ code: 'storage-conflict' });
    expect(await text((await store.get('others/object')).content)).toBe('theirs');
    other.close();
  });

  it('goes on reading where a connection broke, or fell silent', async () => {
    await store.put('reads/object', large);
    proxy.inject({ truncated: 1_000_000 }, { on: 'GetObject', times: 2 });
    proxy.inject({ stalled: 2_000_000 }, { on: 'GetObject', times: 1 });
    const from = proxy.requests.length;
    expect(sha256(await buffer((await store.get('reads/object')).content))).toBe(sha256(large));
    expect(operations(from)).toEqual(['GetObject', 'GetObject', 'GetObject', 'GetObject']);
    expect(proxy.requests.slice(from + 1).every(({ headers }) => headers['if-match'] !== undefined && headers.range !== undefined)).toBe(true);
    proxy.inject({ truncated: 100_000 }, { on: 'GetObject', times: 1 });
    expect((await buffer((await store.get('reads/object', { range: { start: 5, end: 3_000_004 } })).content)).equals(large.subarray(5, 3_000_005))).toBe(true);
  });

  it('fails rather than end early, and rather than mix two objects', async () => {
    await store.put('ends/object', large);
    proxy.inject({ truncated: 0 }, { on: 'GetObject' });
    await expect(store.get('ends/object').then(({ content }) => buffer(content))).rejects.toMatchObject({ code: 'storage-unavailable' });
    proxy.heal();
    proxy.inject({ truncated: 1000 }, { on: 'GetObject', times: 1 });
    const body = await store.get('ends/object');
    await store.put('ends/object', Buffer.alloc(large.length));
    await expect(buffer(body.content)).rejects.toMatchObject({ code: 'storage-conflict' });
  });

  it('keeps nothing of bytes that were changed on their way', async () => {
    proxy.inject({ corrupted: 'request' }, { on: ({ operation }) => operation === 'PutObject' || operation === 'UploadPart' });
    await expect(store.put('damaged/small', Buffer.from('small'))).rejects.toMatchObject({ code: 'storage-unavailable' });
    await expect(putLarge('damaged/large')).rejects.toMatchObject({ code: 'storage-unavailable' });
    expect([await keysOf(store, 'damaged/'), await unfinished()]).toEqual([[], 0]);
  });

  it('leaves no parts behind when it gives up, is stopped, or is told wrong', async () => {
    proxy.inject({ answer: 400, code: 'InvalidArgument' }, { on: 'CompleteMultipartUpload' });
    await expect(putLarge('parts/refused')).rejects.toMatchObject({ code: 'storage-refused' });
    proxy.heal();
    const controller = new AbortController();
    proxy.before('UploadPart', async () => controller.abort(new Error('given up')));
    await expect(store.put('parts/stopped', { stream: chunksOf(large) }, { signal: controller.signal })).rejects.toThrow('given up');
    await expect(store.put('parts/wrong', { stream: chunksOf(large) }, { sha256: 'ab'.repeat(32) })).rejects.toMatchObject({ code: 'digest-mismatch' });
    expect([await keysOf(store, 'parts/'), await unfinished()]).toEqual([[], 0]);
  });

  it('ends uploads that a dead process left, and no younger or foreign ones', async () => {
    const begin = async (Key: string) => ({ Key, Bucket: 'farm', UploadId: (await client.send(new CreateMultipartUploadCommand({ Bucket: 'farm', Key }))).UploadId });
    await begin('faults/dead');
    const foreign = await begin('foreign');
    const requests = s3Requests(location(), s3Keys);
    expect(await sweepUploads(requests, Date.now())).toBe(0);
    expect(await sweepUploads(requests, Date.now() + 8 * 24 * 3600 * 1000)).toBe(1);
    requests.close();
    expect(await unfinished()).toBe(1);
    await client.send(new AbortMultipartUploadCommand(foreign));
  });

  it('copies what is too large for one request in parts, with its digest', async () => {
    await store.put('copies/large', large, { sha256: sha256(large), contentType: 'application/x-rpm' });
    const from = proxy.requests.length;
    await store.copy('copies/large', 'copies/copy', { condition: { absent: true } });
    expect(operations(from).filter((operation) => operation === 'UploadPartCopy')).toHaveLength(3);
    expect(await store.head('copies/copy')).toMatchObject({ size: large.length, sha256: sha256(large) });
    const { content, contentType } = await store.get('copies/copy');
    expect([sha256(await buffer(content)), contentType]).toEqual([sha256(large), 'application/x-rpm']);
    await expect(store.copy('copies/large', 'copies/copy', { condition: { absent: true } })).rejects.toMatchObject({ code: 'storage-conflict' });
  });

  it('signs what it sends: the service checks the SHA-256 of every body', async () => {
    const from = proxy.requests.length;
    await store.put('signed/small', Buffer.from('small'));
    await putLarge('signed/large');
    const sent = proxy.requests.slice(from).filter(({ operation }) => operation === 'PutObject' || operation === 'UploadPart');
    expect(sent).toHaveLength(4);
    for (const { headers } of sent) expect(headers['x-amz-content-sha256']).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    [507, 'InsufficientStorage', 'storage-full'],
    [400, 'XMinioStorageFull', 'storage-full'],
    [403, 'AccessDenied', 'storage-refused'],
    [403, 'RequestTimeTooSkewed', 'storage-refused'],
    [401, 'Unauthorized', 'storage-refused'],
    [500, 'InternalError', 'storage-unavailable'],
  ])('says what %d %s means', async (answer, code, expected) => {
    proxy.inject({ answer, code });
    await expect(store.put('said/object', Buffer.from('x'))).rejects.toMatchObject({ code: expected, message: expect.stringContaining(code) });
    await expect(putLarge('said/large')).rejects.toMatchObject({ code: expected });
  });

  it.each([
    ['a page of a portal', { answer: 200, body: '<html><p>Log in</body>', headers: { 'content-type': 'text/html' } }],
    ['a redirect', { answer: 301, body: '', headers: { location: 'http://elsewhere.example/' } }],
    ['nothing', { lost: true }],
    ['XML without an end', { answer: 200, body: `<?xml version="1.0"?>${'<a>'.repeat(100_000)}` }],
  ] as const)('does not take %s for a list', async (_, fault) => {
    proxy.inject(fault, { on: 'ListObjects' });
    await expect(keysOf(store, '')).rejects.toMatchObject({ code: expect.stringMatching(/^storage-(unavailable|refused)$/) });
  });

  it.each(['PutObject', 'HeadObject', 'GetObject', 'CopyObject', 'CreateMultipartUpload', 'UploadPart', 'CompleteMultipartUpload'])('does not take a page of a portal for the answer to %s', async (on) => {
    await store.put('portal/object', Buffer.from('x'));
    const ask = { HeadObject: () => store.head('portal/object'), GetObject: () => store.get('portal/object'), CopyObject: () => store.copy('portal/object', 'portal/copy'), PutObject: () => store.put('portal/new', Buffer.from('x')) }[on] ?? (() => store.put('portal/large', { stream: chunksOf(large) }));
    proxy.inject({ answer: 200, body: '<html><p>Log in</body>', headers: { 'content-type': 'text/html' } }, { on });
    await expect(ask()).rejects.toMatchObject({ code: 'storage-unavailable' });
    proxy.heal();
    expect(await keysOf(store, 'portal/')).toEqual(['portal/object']);
  });

  it('does not take a bucket that is not there for one without objects', async () => {
    const absent = openS3Store(parseBucketUrl(`s3://absent?endpoint=${server.endpoint}`), { readKeys: s3Keys });
    for (const ask of [() => absent.head('a'), () => absent.get('a'), () => absent.copy('a', 'b'), () => absent.put('a', Buffer.from('a')), () => keysOf(absent, ''), () => absent.put('a', Buffer.from('a'), { condition: { absent: true } })]) {
      await expect(ask()).rejects.toMatchObject({ code: 'storage-refused', message: expect.stringContaining('NoSuchBucket') });
    }
    absent.close();
  });

  it('works again after the server was away', async () => {
    await store.put('away/object', Buffer.from('x'));
    await server.kill();
    await expect(store.head('away/object')).rejects.toMatchObject({ code: 'storage-unavailable' });
    await server.start();
    expect(await text((await store.get('away/object')).content)).toBe('x');
  });
});
