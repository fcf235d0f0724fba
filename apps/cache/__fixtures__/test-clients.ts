import { ChannelCredentials, Metadata } from '@grpc/grpc-js';
import type { Client, ServiceError } from '@grpc/grpc-js';
import { createHash } from 'node:crypto';
import { ActionCacheClient, CapabilitiesClient, ContentAddressableStorageClient } from '../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import type { Digest } from '../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { ByteStreamClient } from '../../../libs/remote-apis/generated/google/bytestream/bytestream.js';

export interface TestClients {
  readonly storage: ContentAddressableStorageClient;
  readonly bytes: ByteStreamClient;
  readonly actions: ActionCacheClient;
  readonly capabilities: CapabilitiesClient;
  close(): void;
}

export function connectClients(address: string, credentials = ChannelCredentials.createInsecure()): TestClients {
  const options = { 'grpc.max_receive_message_length': 16 * 1024 * 1024, 'grpc.use_local_subchannel_pool': 1, 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 500 };
  const clients = {
    storage: new ContentAddressableStorageClient(address, credentials, options),
    bytes: new ByteStreamClient(address, credentials, options),
    actions: new ActionCacheClient(address, credentials, options),
    capabilities: new CapabilitiesClient(address, credentials, options),
  };
  return { ...clients, close: () => Object.values(clients).forEach((client: Client) => client.close()) };
}

/** Of the control credentials, who may push. */
export function pusher(more: Readonly<Record<string, string | Buffer>> = {}): Metadata {
  const metadata = new Metadata();
  metadata.set('authorization', `Basic ${Buffer.from('craft:secret').toString('base64')}`);
  for (const [key, value] of Object.entries(more)) metadata.set(key, value);
  return metadata;
}

export const nobody = (): Metadata => new Metadata();

/** A unary call as a promise: `ask((done) => client.method(request, metadata, done))`. */
export async function ask<Response>(start: (done: (error: ServiceError | null, response: Response) => void) => unknown): Promise<Response> {
  return new Promise((resolve, reject) => {
    start((error, response) => (error === null ? resolve(response) : reject(error)));
  });
}

export function sha256(content: Buffer): Digest {
  return { hash: createHash('sha256').update(content).digest('hex'), sizeBytes: content.length };
}

export function blobName(content: Buffer): string {
  const { hash, sizeBytes } = sha256(content);
  return `blobs/${hash}/${sizeBytes}`;
}
