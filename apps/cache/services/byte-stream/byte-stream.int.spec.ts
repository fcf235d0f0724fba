import { status } from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { QueryWriteStatusResponse } from '../../../../libs/remote-apis/generated/google/bytestream/bytestream.js';
import { readBytes, until, writeBytes, writeStream } from '../../__fixtures__/byte-streams.js';
import { startTestCache } from '../../__fixtures__/test-cache.js';
import { ask, blobName, connectClients, nobody, pusher, sha256 } from '../../__fixtures__/test-clients.js';
import { useTestCache } from '../../__fixtures__/use-test-cache.js';

const scene = useTestCache();
const mebibyte = 1024 * 1024;

describe('a stream of bytes', () => {
  it.each([
    ['nothing', 0],
    ['a few bytes', 5],
    ['what fits into one message', mebibyte],
    ['many messages', 9 * mebibyte + 7],
  ])('brings a blob and gives it back: %s', async (_, size) => {
    const content = randomBytes(size);
    expect(await writeBytes(scene.clients, uploadName(content), content)).toEqual({ committedSize: size });
    expect((await readBytes(scene.clients, blobName(content))).equals(content)).toBe(true);
  });

  it('reads from an offset on, and no more than a limit', async () => {
    const content = randomBytes(3 * mebibyte);
    await writeBytes(scene.clients, uploadName(content), content);
    expect((await readBytes(scene.clients, blobName(content), { readOffset: 2 * mebibyte })).equals(content.subarray(2 * mebibyte))).toBe(true);
    expect((await readBytes(scene.clients, blobName(content), { readOffset: 5, readLimit: 10 })).equals(content.subarray(5, 15))).toBe(true);
    expect(await readBytes(scene.clients, blobName(content), { readOffset: content.length })).toHaveLength(0);
    for (const readOffset of [-1, content.length + 1]) await expect(readBytes(scene.clients, blobName(content), { readOffset })).rejects.toMatchObject({ code: status.OUT_OF_RANGE });
    await expect(readBytes(scene.clients, blobName(content), { readLimit: -1 })).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  it('of what is not there is not found', async () => {
    await expect(readBytes(scene.clients, blobName(randomBytes(10)))).rejects.toMatchObject({ code: status.NOT_FOUND });
    await expect(readBytes(scene.clients, 'no/such/name')).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  it('is written by those who may, into the instance that its name says', async () => {
    const content = randomBytes(100);
    await expect(writeBytes(scene.clients, uploadName(content), content, { metadata: nobody() })).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
    await writeBytes(scene.clients, `other/${uploadName(content)}/some/file.txt`, content);
    await expect(readBytes(scene.clients, blobName(content))).rejects.toMatchObject({ code: status.NOT_FOUND });
    expect(await readBytes(scene.clients, `other/${blobName(content)}`)).toEqual(content);
    await expect(writeBytes(scene.clients, `nowhere/${uploadName(content)}`, content)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  it('may have the names of BuildStream before 1.2', async () => {
    const content = randomBytes(2 * mebibyte);
    const { hash, sizeBytes } = sha256(content);
    expect(await writeBytes(scene.clients, `${hash}/${sizeBytes}`, content)).toEqual({ committedSize: sizeBytes });
    expect((await readBytes(scene.clients, `${hash}/${sizeBytes}`)).equals(content)).toBe(true);
  });

  it('is answered at once when the blob is there already', async () => {
    const content = randomBytes(3 * mebibyte);
    await writeBytes(scene.clients, uploadName(content), content);
    const again = writeStream(scene.clients);
    again.call.write({ resourceName: uploadName(content), writeOffset: 0, finishWrite: false, data: content.subarray(0, 100) });
    expect(await again.response).toEqual({ committedSize: content.length });
    const compressed = writeStream(scene.clients);
    compressed.call.write({ resourceName: compressedName(content), writeOffset: 0, finishWrite: false, data: zstdCompressSync(content).subarray(0, 100) });
    expect(await compressed.response).toEqual({ committedSize: -1 });
  });
});

describe('a write that goes wrong', () => {
  const content = randomBytes(3 * mebibyte);

  it.each([
    ['other bytes than the digest says', { data: randomBytes(content.length) }],
    ['fewer bytes than it says', { data: content.subarray(1) }],
    ['more bytes than it says', { data: Buffer.concat([content, Buffer.from('x')]) }],
    ['a message out of its place', { data: content, skip: 1 }],
    ['a beginning that is not at 0', { data: content, writeOffset: 10 }],
  ])('is refused, and nothing of it is seen: %s', async (_, { data, ...changes }: { data: Buffer; skip?: number; writeOffset?: number }) => {
    await expect(writeBytes(scene.clients, uploadName(content), data, changes)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
    await expect(readBytes(scene.clients, blobName(content))).rejects.toMatchObject({ code: status.NOT_FOUND });
  });

  it.each(['', 'uploads/x', `uploads/${randomUUID()}/blobs/abc/3`, `uploads/${randomUUID()}/blobs/${'a'.repeat(64)}/-3`, `uploads/${randomUUID()}/compressed-blobs/brotli/${'a'.repeat(64)}/3`, `uploads/${randomUUID()}/blobs/sha1/${'a'.repeat(40)}/3`, 'x'.repeat(2000)])('is told that its name is none: %.60s', async (name) => {
    await expect(writeBytes(scene.clients, name, content)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  it('is refused when it is larger than the instance takes', async () => {
    await expect(writeBytes(scene.clients, `small/${uploadName(content)}`, content)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  it('is refused when its name changes', async () => {
    const stream = writeStream(scene.clients);
    stream.call.write({ resourceName: uploadName(content), writeOffset: 0, finishWrite: false, data: content.subarray(0, 10) });
    stream.call.write({ resourceName: uploadName(content), writeOffset: 10, finishWrite: false, data: content.subarray(10, 20) });
    await expect(stream.response).rejects.toMatchObject({ code: status.INVALID_ARGUMENT, details: expect.stringContaining('goes on as one of') });
  });

  it('is given up when nothing comes', async () => {
    const hasty = await startTestCache({ limits: { streamIdle: 500 } });
    const itsClients = connectClients(hasty.address);
    const stream = writeStream(itsClients);
    stream.call.write({ resourceName: uploadName(content), writeOffset: 0, finishWrite: false, data: content.subarray(0, 10) });
    await expect(stream.response).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED, details: expect.stringContaining('stood still') });
    const silent = writeStream(itsClients);
    await expect(silent.response).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
    itsClients.close();
    await hasty.close();
  });
});

describe('a write that breaks off', () => {
  it('can be taken up where it was, and the cache says where that is', async () => {
    const content = randomBytes(3 * mebibyte);
    const name = uploadName(content);
    const broken = writeStream(scene.clients);
    broken.call.write({ resourceName: name, writeOffset: 0, finishWrite: false, data: content.subarray(0, mebibyte) });
    await until(async () => (await committed(name)) === mebibyte);
    broken.call.cancel();
    await expect(broken.response).rejects.toMatchObject({ code: status.CANCELLED });
    await expect(writeBytes(scene.clients, name, content.subarray(5), { writeOffset: 5 })).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(await committed(name)).toBe(mebibyte);
    expect(await writeBytes(scene.clients, name, content.subarray(mebibyte), { writeOffset: mebibyte })).toEqual({ committedSize: content.length });
    expect((await readBytes(scene.clients, blobName(content))).equals(content)).toBe(true);
    expect(await ask<QueryWriteStatusResponse>((done) => scene.clients.bytes.queryWriteStatus({ resourceName: name }, pusher(), done))).toEqual({ committedSize: content.length, complete: true });
  });

  it('is answered with what came when it ends without saying that it is whole', async () => {
    const content = randomBytes(mebibyte);
    const name = uploadName(content);
    const stream = writeStream(scene.clients);
    stream.call.write({ resourceName: name, writeOffset: 0, finishWrite: false, data: content.subarray(0, 1000) });
    stream.call.end();
    expect(await stream.response).toEqual({ committedSize: 1000 });
    await expect(readBytes(scene.clients, blobName(content))).rejects.toMatchObject({ code: status.NOT_FOUND });
  });

  it('leaves no file behind when others bring the same blob at the same time', async () => {
    const content = randomBytes(2 * mebibyte);
    const before = unfinished();
    await Promise.all([1, 2, 3, 4].map(async () => writeBytes(scene.clients, uploadName(content), content)));
    expect((await readBytes(scene.clients, blobName(content))).equals(content)).toBe(true);
    await until(() => Promise.resolve(unfinished() === before));
  });

  it('is of its own caller alone', async () => {
    const content = randomBytes(2 * mebibyte);
    const name = uploadName(content);
    await expect(ask((done) => scene.clients.bytes.queryWriteStatus({ resourceName: name }, nobody(), done))).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
    expect(await committed(name)).toBe(0);
  });
});

describe('compressed blobs', () => {
  const content = Buffer.from(Array.from({ length: 300_000 }, (_, index) => `line ${index}`).join('\n'));

  it('are taken and given as zstd', async () => {
    const compressed = zstdCompressSync(content);
    expect(await writeBytes(scene.clients, compressedName(content), compressed)).toEqual({ committedSize: compressed.length });
    expect((await readBytes(scene.clients, blobName(content))).equals(content)).toBe(true);
    const { hash, sizeBytes } = sha256(content);
    const read = await readBytes(scene.clients, `compressed-blobs/zstd/${hash}/${sizeBytes}`);
    expect(read.length).toBeLessThan(content.length / 2);
    expect(zstdDecompressSync(read).equals(content)).toBe(true);
    const rest = await readBytes(scene.clients, `compressed-blobs/zstd/${hash}/${sizeBytes}`, { readOffset: 1000 });
    expect(zstdDecompressSync(rest).equals(content.subarray(1000))).toBe(true);
    await expect(readBytes(scene.clients, `compressed-blobs/zstd/${hash}/${sizeBytes}`, { readLimit: 10 })).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  it.each([
    ['no zstd', (bytes: Buffer) => bytes],
    ['what breaks off', (bytes: Buffer) => zstdCompressSync(bytes).subarray(0, -100)],
    ['far more than the digest says', (bytes: Buffer) => zstdCompressSync(Buffer.concat([bytes, Buffer.alloc(100 * mebibyte)]))],
    ['other bytes', (bytes: Buffer) => zstdCompressSync(Buffer.alloc(bytes.length))],
  ])('are refused when they are %s', async (_, make) => {
    const wanted = randomBytes(2 * mebibyte);
    await expect(writeBytes(scene.clients, compressedName(wanted), make(wanted))).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
    await expect(readBytes(scene.clients, blobName(wanted))).rejects.toMatchObject({ code: status.NOT_FOUND });
  });
});

function unfinished(): number {
  return readdirSync(path.join(scene.server.folder, 'uploads')).length;
}

function uploadName(content: Buffer): string {
  return `uploads/${randomUUID()}/${blobName(content)}`;
}

function compressedName(content: Buffer): string {
  const { hash, sizeBytes } = sha256(content);
  return `uploads/${randomUUID()}/compressed-blobs/zstd/${hash}/${sizeBytes}`;
}

async function committed(resourceName: string): Promise<number> {
  const { committedSize } = await ask<QueryWriteStatusResponse>((done) => scene.clients.bytes.queryWriteStatus({ resourceName }, pusher(), done));
  return committedSize;
}
