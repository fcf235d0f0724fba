import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http2 from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import { ask, blobName, connectClients, pusher, sha256 } from '../__fixtures__/test-clients.js';
import { readBytes, until } from '../__fixtures__/byte-streams.js';
import { startTestCache, type TestCache } from '../__fixtures__/test-cache.js';
import { BatchReadBlobsRequest } from '../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';

const mebibyte = 1024 * 1024;
const content = randomBytes(mebibyte);
let server: TestCache;
let reads = 0;

beforeAll(async () => {
  server = await startTestCache({
    limits: { callsPerConnection: 4, heldBytes: 10 * mebibyte },
    behaviour: {
      readBlobs: async (...asked) => {
        reads += 1;
        return server.cache.readBlobs(...asked);
      },
    },
  });
  const clients = connectClients(server.address);
  const { hash, sizeBytes } = sha256(content);
  await ask((done) => clients.storage.batchUpdateBlobs({ instanceName: '', requests: [{ digest: { hash, sizeBytes }, data: content, compressor: 0 }], digestFunction: 0 }, pusher(), done));
  clients.close();
});
afterAll(async () => server.close());

/** A client that takes nothing of what it asks for. */
function greedy(): ClientHttp2Session {
  const session = http2.connect(`http://${server.address}`, { settings: { initialWindowSize: 0 } });
  session.on('error', () => undefined);
  return session;
}

function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function begin(session: ClientHttp2Session, { bytes, whole }: { readonly bytes: Buffer; readonly whole: boolean }): void {
  const stream = session.request({ ':method': 'POST', ':path': '/build.bazel.remote.execution.v2.ContentAddressableStorage/BatchReadBlobs', 'content-type': 'application/grpc', te: 'trailers' });
  stream.on('error', () => undefined);
  if (whole) stream.end(bytes);
  else stream.write(bytes);
}

const request = framed(BatchReadBlobsRequest.encode(BatchReadBlobsRequest.fromPartial({ digests: [sha256(content)] })).finish());

describe('a client that takes none of its answers', () => {
  it('gets some of them made at a time, and no more while it takes none', async () => {
    reads = 0;
    const session = greedy();
    for (let each = 0; each < 100; each += 1) begin(session, { bytes: request, whole: true });
    await until(() => Promise.resolve(reads === 4));
    const clients = connectClients(server.address);
    expect((await readBytes(clients, blobName(content))).equals(content)).toBe(true);
    expect(reads).toBe(4);
    clients.close();
    session.destroy();
  });

  it('is sent away when all together hold too much, and others are served', async () => {
    const modest = greedy();
    for (let each = 0; each < 2; each += 1) begin(modest, { bytes: request, whole: true });
    const many = Array.from({ length: 4 }, greedy);
    const sentAway = Promise.race(many.map(async (session) => once(session, 'goaway')));
    for (const session of many) for (let each = 0; each < 4; each += 1) begin(session, { bytes: request, whole: true });
    expect((await sentAway)[0]).toBe(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
    expect(modest.destroyed).toBe(false);
    for (const session of [modest, ...many]) session.destroy();
  });
});

it('a client that begins messages and ends none is sent away when all together hold too much', async () => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(5 * mebibyte, 1);
  const session = http2.connect(`http://${server.address}`);
  session.on('error', () => undefined);
  const sentAway = once(session, 'goaway');
  for (let each = 0; each < 4; each += 1) begin(session, { bytes: Buffer.concat([head, Buffer.alloc(4 * mebibyte)]), whole: false });
  expect((await sentAway)[0]).toBe(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
});
