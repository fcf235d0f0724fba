import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import { ContentAddressableStorageService as Storage } from '../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import type { Digest } from '../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { ByteStreamService as Bytes } from '../../libs/remote-apis/generated/google/bytestream/bytestream.js';
import type { WriteResponse } from '../../libs/remote-apis/generated/google/bytestream/bytestream.js';
import type { BenchBlob } from './bench-blobs.js';
import type { CacheClient } from './cache-client.js';
import type { CacheSubject } from './cache-subject.js';

export interface GrpcClient extends CacheClient {
  /** How many of them are absent. */
  findMissing(digests: readonly Digest[]): Promise<number>;
  batchUpdate(blobs: readonly { readonly digest: Digest; readonly data: Buffer }[]): Promise<void>;
}

const mebibyte = 1024 * 1024;

export function connectGrpc(subject: CacheSubject): GrpcClient {
  const client = new Client(subject.grpc, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_receive_message_length': 64 * mebibyte,
    'grpc-node.flow_control_window': 8 * mebibyte,
  });
  const metadata = new Metadata();
  if (subject.authorization !== undefined) metadata.set('authorization', subject.authorization);
  return {
    read: (digest) => read(client, digest, metadata),
    write: (blob) => write(client, blob, metadata),
    findMissing: async (digests) => (await unary(client, Storage.findMissingBlobs, { instanceName: '', blobDigests: [...digests], digestFunction: 0 }, metadata)).missingBlobDigests.length,
    async batchUpdate(blobs) {
      const requests = blobs.map(({ digest, data }) => ({ digest, data, compressor: 0 }));
      const { responses } = await unary(client, Storage.batchUpdateBlobs, { instanceName: '', requests, digestFunction: 0 }, metadata);
      const failed = responses.find(({ status }) => (status?.code ?? 0) !== 0);
      if (failed !== undefined) throw new MillraceError('internal', `BatchUpdateBlobs: ${failed.status?.message ?? ''}`);
    },
    close() {
      client.close();
      return Promise.resolve();
    },
  };
}

interface Unary<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (value: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

async function unary<Request, Response>(client: Client, method: Unary<Request, Response>, request: Request, metadata: Metadata): Promise<Response> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(method.path, method.requestSerialize, method.responseDeserialize, request, metadata, (error, response) => {
      if (error !== null) reject(error);
      else if (response === undefined) reject(new MillraceError('internal', `${method.path} has no answer`));
      else resolve(response);
    });
  });
}

async function read(client: Client, { hash, sizeBytes }: Digest, metadata: Metadata): Promise<void> {
  const call = client.makeServerStreamRequest(Bytes.read.path, Bytes.read.requestSerialize, dataLength, { resourceName: `blobs/${hash}/${sizeBytes}`, readOffset: 0, readLimit: 0 }, metadata);
  let received = 0;
  for await (const length of call) received += length as number;
  if (received !== sizeBytes) throw new MillraceError('internal', `${received} bytes of a blob of ${sizeBytes}`);
}

/** Bytes in a ReadResponse, without copying them. */
function dataLength(message: Buffer): number {
  let at = 1;
  while ((message[at] ?? 0) > 0x7f) at += 1;
  return Math.max(0, message.length - at - 1);
}

async function write(client: Client, { digest, pieces }: BenchBlob, metadata: Metadata): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<WriteResponse | undefined>();
  const call = client.makeClientStreamRequest(Bytes.write.path, Bytes.write.requestSerialize, Bytes.write.responseDeserialize, metadata, (error, response) => {
    if (error === null) resolve(response);
    else reject(error);
  });
  const ended = new AbortController();
  void promise.catch(() => undefined).then(() => ended.abort());
  let writeOffset = 0;
  for (const data of messagesOf(pieces)) {
    const message = { resourceName: writeOffset === 0 ? `uploads/${randomUUID()}/blobs/${digest.hash}/${digest.sizeBytes}` : '', writeOffset, finishWrite: writeOffset + data.length === digest.sizeBytes, data };
    if (!call.write(message)) await once(call, 'drain', { signal: ended.signal }).catch(() => undefined);
    if (ended.signal.aborted) break;
    writeOffset += data.length;
  }
  call.end();
  const response = await promise;
  if (response?.committedSize !== digest.sizeBytes) throw new MillraceError('internal', `${response?.committedSize} bytes of ${digest.sizeBytes} were taken`);
}

function* messagesOf(pieces: readonly Buffer[]): Generator<Buffer> {
  const [shared = Buffer.alloc(0), own = Buffer.alloc(0)] = pieces;
  let at = 0;
  for (; shared.length - at >= mebibyte; at += mebibyte) yield shared.subarray(at, at + mebibyte);
  yield Buffer.concat([shared.subarray(at), own]);
}
