import type { ClientWritableStream, Metadata } from '@grpc/grpc-js';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { ReadResponse, WriteRequest, WriteResponse } from '../../../libs/remote-apis/generated/google/bytestream/bytestream.js';
import type { TestClients } from './test-clients.js';
import { nobody, pusher } from './test-clients.js';

const messageBytes = 1024 * 1024;

export function writeStream({ bytes }: TestClients, metadata: Metadata = pusher()): { readonly call: ClientWritableStream<WriteRequest>; readonly response: Promise<WriteResponse> } {
  const { promise, resolve, reject } = Promise.withResolvers<WriteResponse>();
  const call = bytes.write(metadata, (error, response) => (error === null ? resolve(response) : reject(error)));
  // Whoever writes on after the answer hears of it by the answer.
  call.on('error', () => undefined);
  promise.catch(() => undefined);
  return { call, response: promise };
}

export interface WriteChanges {
  readonly metadata?: Metadata;
  readonly writeOffset?: number;
  /** Bytes that the offsets of later messages are wrong by. */
  readonly skip?: number;
}

/** Writes it in messages of a mebibyte, the last of which says that it is whole. */
export async function writeBytes(clients: TestClients, resourceName: string, content: Buffer, { metadata, writeOffset = 0, skip = 0 }: WriteChanges = {}): Promise<WriteResponse> {
  const { call, response } = writeStream(clients, metadata);
  let answered = false;
  const over = response.then(() => (answered = true), () => (answered = true));
  for (let from = 0; !answered; from += messageBytes) {
    const data = content.subarray(from, from + messageBytes);
    const finishWrite = from + messageBytes >= content.length;
    const taken = call.write({ resourceName: from === 0 ? resourceName : '', writeOffset: writeOffset + from + (from === 0 ? 0 : skip), finishWrite, data });
    if (finishWrite) break;
    if (!taken) await Promise.race([once(call, 'drain'), over]);
  }
  call.end();
  return response;
}

export async function readBytes({ bytes }: TestClients, resourceName: string, { readOffset = 0, readLimit = 0 } = {}): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const { data } of bytes.read({ resourceName, readOffset, readLimit }, nobody()) as AsyncIterable<ReadResponse>) pieces.push(data);
  return Buffer.concat(pieces);
}

export async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await delay(10);
}
