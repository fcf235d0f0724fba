import { Metadata, status } from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import { blake3 } from 'hash-wasm';
import { randomBytes } from 'node:crypto';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { BatchReadBlobsResponse, BatchUpdateBlobsResponse, GetTreeResponse } from '../../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { Compressor_Value as Compressor, DigestFunction_Value as DigestFunction, Directory } from '../../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { ask, nobody, pusher, sha256 } from '../../__fixtures__/test-clients.js';
import { useTestCache } from '../../__fixtures__/use-test-cache.js';

const scene = useTestCache();

describe('blobs in batches', () => {
  it('come back as they were pushed, and are missing no more', async () => {
    const contents = ['one', 'two', ''].map((text) => Buffer.from(text)).concat(randomBytes(50_000));
    const digests = contents.map(sha256);
    expect(await missing(digests)).toEqual(digests.filter(({ sizeBytes }) => sizeBytes > 0));
    expect(codesOf(await update(contents))).toEqual([status.OK, status.OK, status.OK, status.OK]);
    expect(await missing(digests)).toEqual([]);
    expect((await read(digests)).responses.map(({ data }) => data)).toEqual(contents);
  });

  it('takes and gives ten thousand at a time', async () => {
    const contents = Array.from({ length: 10_000 }, (_, index) => Buffer.from(`blob ${index} `.repeat(20)));
    const digests = contents.map(sha256);
    expect(new Set(codesOf(await update(contents)))).toEqual(new Set([status.OK]));
    expect(await missing(digests)).toEqual([]);
    const { responses } = await read(digests);
    expect(responses.every(({ data }, index) => contents[index]?.equals(data))).toBe(true);
  });

  it('are each taken or refused by themselves', async () => {
    const good = randomBytes(100);
    const bad = { digest: sha256(Buffer.from('something else')), data: Buffer.from('what it says else'), compressor: Compressor.IDENTITY };
    const strange = { digest: { hash: 'ABC', sizeBytes: 3 }, data: Buffer.from('abc'), compressor: Compressor.IDENTITY };
    const none = { digest: undefined, data: Buffer.from('abc'), compressor: Compressor.IDENTITY };
    const deflated = { digest: sha256(good), data: good, compressor: Compressor.DEFLATE };
    const requests = [bad, { digest: sha256(good), data: good, compressor: Compressor.IDENTITY }, strange, none, deflated];
    const response = await ask<BatchUpdateBlobsResponse>((done) => scene.clients.storage.batchUpdateBlobs({ instanceName: '', requests, digestFunction: 0 }, pusher(), done));
    expect(codesOf(response)).toEqual([status.INVALID_ARGUMENT, status.OK, status.INVALID_ARGUMENT, status.INVALID_ARGUMENT, status.INVALID_ARGUMENT]);
    expect(response.responses[4]?.status?.message).toContain('not as DEFLATE');
    expect(await missing([sha256(Buffer.from('something else')), sha256(good)])).toEqual([sha256(Buffer.from('something else'))]);
  });

  it('travel as zstd when both sides want it', async () => {
    const content = Buffer.from('the same again '.repeat(10_000));
    const requests = [
      { digest: sha256(content), data: zstdCompressSync(content), compressor: Compressor.ZSTD },
      { digest: sha256(Buffer.from('x')), data: Buffer.from('no zstd'), compressor: Compressor.ZSTD },
      // Becomes far more than its digest says.
      { digest: { hash: sha256(content).hash, sizeBytes: 10 }, data: zstdCompressSync(content), compressor: Compressor.ZSTD },
    ];
    const response = await ask<BatchUpdateBlobsResponse>((done) => scene.clients.storage.batchUpdateBlobs({ instanceName: 'main', requests, digestFunction: 0 }, pusher(), done));
    expect(codesOf(response)).toEqual([status.OK, status.INVALID_ARGUMENT, status.INVALID_ARGUMENT]);
    const compressed = (await read([sha256(content)], [Compressor.ZSTD])).responses[0];
    expect(compressed?.compressor).toBe(Compressor.ZSTD);
    expect(compressed?.data.length).toBeLessThan(1000);
    expect(zstdDecompressSync(compressed?.data ?? Buffer.alloc(0)).equals(content)).toBe(true);
    const plain = (await read([sha256(content)])).responses[0];
    expect(plain?.data.equals(content)).toBe(true);
  });

  it('that are not there have a status of their own', async () => {
    await update([Buffer.from('here')]);
    const { responses } = await read([sha256(Buffer.from('not here')), sha256(Buffer.from('here'))]);
    expect(responses.map((item) => item.status?.code)).toEqual([status.NOT_FOUND, status.OK]);
  });

  it('may have digests of BLAKE3, which are other blobs', async () => {
    const content = randomBytes(10_000);
    const digest = { hash: await blake3(content), sizeBytes: content.length };
    const blake = DigestFunction.BLAKE3;
    const requests = [{ digest, data: content, compressor: Compressor.IDENTITY }];
    expect(codesOf(await ask<BatchUpdateBlobsResponse>((done) => scene.clients.storage.batchUpdateBlobs({ instanceName: '', requests, digestFunction: blake }, pusher(), done)))).toEqual([status.OK]);
    expect(await missing([digest])).toEqual([digest]);
    const found = await ask<BatchReadBlobsResponse>((done) => scene.clients.storage.batchReadBlobs({ instanceName: '', digests: [digest], acceptableCompressors: [], digestFunction: blake }, nobody(), done));
    expect(found.responses[0]?.data.equals(content)).toBe(true);
  });

  it('of one instance are not in another', async () => {
    const content = randomBytes(20);
    await update([content], 'other');
    expect(await missing([sha256(content)], 'main')).toHaveLength(1);
    expect(await missing([sha256(content)], 'other')).toEqual([]);
  });
});

describe('bad requests', () => {
  it.each([
    ['a digest function that is not served', { digestFunction: DigestFunction.MD5 }, 'not of MD5'],
    ['a digest function of the future', { digestFunction: 77 as DigestFunction }, 'not of function 77'],
    ['an instance that is not there', { instanceName: 'nowhere' }, 'nowhere'],
    ['a hash that is none', { blobDigests: [{ hash: 'xyz', sizeBytes: 1 }] }, '64 lower-case hex digits'],
    ['a size below zero', { blobDigests: [{ hash: 'a'.repeat(64), sizeBytes: -1 }] }, 'impossible size'],
  ])('are told what is wrong: %s', async (_, changes, message) => {
    const request = { instanceName: '', blobDigests: [sha256(Buffer.from('a'))], digestFunction: 0, ...changes };
    await expect(ask((done) => scene.clients.storage.findMissingBlobs(request, nobody(), done))).rejects.toMatchObject({ code: status.INVALID_ARGUMENT, details: expect.stringContaining(message) });
  });

  it('are refused when a batch is larger than Capabilities say', async () => {
    const large = sha256(randomBytes(1));
    await expect(read([{ ...large, sizeBytes: 5 * 1024 * 1024 }])).rejects.toMatchObject({ code: status.INVALID_ARGUMENT, details: expect.stringContaining('ByteStream.Read') });
    await expect(update([randomBytes(5 * 1024 * 1024)])).rejects.toMatchObject({ code: status.INVALID_ARGUMENT, details: expect.stringContaining('ByteStream.Write') });
    await expect(update([randomBytes(7 * 1024 * 1024)])).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  });

  it('that are no message at all are told so', async () => {
    const broken = new Promise((resolve, reject) => {
      scene.clients.storage.makeUnaryRequest('/build.bazel.remote.execution.v2.ContentAddressableStorage/FindMissingBlobs', () => Buffer.from([0xff, 0xff, 0xff]), (bytes) => bytes, {}, (error, value) => (error === null ? resolve(value) : reject(error)));
    });
    await expect(broken).rejects.toMatchObject({ code: status.INVALID_ARGUMENT, details: expect.stringContaining('no message of /build.bazel') });
  });

  it('to push need somebody who may', async () => {
    const wrong = new Metadata();
    wrong.set('authorization', `Basic ${Buffer.from('craft:guess').toString('base64')}`);
    const request = { instanceName: '', requests: [], digestFunction: 0 };
    const one = { ...request, requests: [{ digest: sha256(Buffer.from('x')), data: Buffer.from('x'), compressor: Compressor.IDENTITY }] };
    await expect(ask((done) => scene.clients.storage.batchUpdateBlobs(one, nobody(), done))).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
    // With nothing in it, it is only a question.
    await expect(ask((done) => scene.clients.storage.batchUpdateBlobs(request, nobody(), done))).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
    await expect(ask((done) => scene.clients.storage.batchUpdateBlobs(request, wrong, done))).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
    await expect(ask((done) => scene.clients.storage.batchUpdateBlobs(request, pusher(), done))).resolves.toEqual({ responses: [] });
  });
});

describe('trees', () => {
  it('are given whole, in pages that can be asked for again', async () => {
    const leaves = Array.from({ length: 25 }, (_, index) => directory({ files: [{ name: `file ${index}`, digest: sha256(Buffer.from(`${index}`)) }] }));
    const root = directory({ directories: leaves.map((leaf, index) => ({ name: `leaf ${index}`, digest: sha256(leaf) })) });
    await update([root, ...leaves]);
    const pages = await tree(root, { pageSize: 10 });
    expect(pages.map(({ directories, nextPageToken }) => [directories.length, nextPageToken])).toEqual([[10, '10'], [10, '20'], [6, '']]);
    const all = pages.flatMap(({ directories }) => directories.map((each) => sha256(Buffer.from(Directory.encode(each).finish())).hash));
    expect(new Set(all)).toEqual(new Set([root, ...leaves].map((each) => sha256(each).hash)));
    expect(all[0]).toBe(sha256(root).hash);
    const rest = await tree(root, { pageSize: 0, pageToken: '20' });
    expect(rest).toEqual([pages[2]]);
  });

  it('that are not whole, or are none, are told', async () => {
    const lonely = directory({ directories: [{ name: 'gone', digest: sha256(Buffer.from('gone')) }] });
    const text = Buffer.from('\n this is no directory');
    await update([lonely, text]);
    await expect(tree(lonely)).rejects.toMatchObject({ code: status.NOT_FOUND });
    await expect(tree(text)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
    await expect(tree(Buffer.from('never pushed'))).rejects.toMatchObject({ code: status.NOT_FOUND });
    await expect(tree(lonely, { pageSize: -1 })).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
    await expect(tree(lonely, { pageToken: 'x' })).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });
});

async function missing(blobDigests: ReturnType<typeof sha256>[], instanceName = ''): Promise<unknown[]> {
  const { missingBlobDigests } = await ask<{ missingBlobDigests: unknown[] }>((done) => scene.clients.storage.findMissingBlobs({ instanceName, blobDigests, digestFunction: 0 }, nobody(), done));
  return missingBlobDigests;
}

async function update(contents: readonly Buffer[], instanceName = ''): Promise<BatchUpdateBlobsResponse> {
  const requests = contents.map((data) => ({ digest: sha256(data), data, compressor: Compressor.IDENTITY }));
  return ask<BatchUpdateBlobsResponse>((done) => scene.clients.storage.batchUpdateBlobs({ instanceName, requests, digestFunction: 0 }, pusher(), done));
}

async function read(digests: ReturnType<typeof sha256>[], acceptableCompressors: Compressor[] = []): Promise<BatchReadBlobsResponse> {
  return ask<BatchReadBlobsResponse>((done) => scene.clients.storage.batchReadBlobs({ instanceName: '', digests, acceptableCompressors, digestFunction: 0 }, nobody(), done));
}

async function tree(root: Buffer, { pageSize = 0, pageToken = '' } = {}): Promise<GetTreeResponse[]> {
  const pages: GetTreeResponse[] = [];
  for await (const page of scene.clients.storage.getTree({ instanceName: '', rootDigest: sha256(root), pageSize, pageToken, digestFunction: 0 })) pages.push(page as GetTreeResponse);
  return pages;
}

function codesOf({ responses }: BatchUpdateBlobsResponse): (number | undefined)[] {
  return responses.map((response) => response.status?.code);
}

function directory({ files = [], directories = [] }: { files?: { name: string; digest: ReturnType<typeof sha256> }[]; directories?: { name: string; digest: ReturnType<typeof sha256> }[] }): Buffer {
  return Buffer.from(Directory.encode({ files: files.map((file) => ({ ...file, isExecutable: false, nodeProperties: undefined })), directories, symlinks: [], nodeProperties: undefined }).finish());
}
