import { PutObjectCommand, UploadPartCommand, type CompletedPart } from '@aws-sdk/client-s3';
import { MillraceError } from '../../errors/millrace-error.js';
import { checkedContent, sizeOfContent } from '../object-content.js';
import type { ObjectContent, PutOptions, StoredObject } from '../object-store.js';
import type { ConditionalWrites } from './conditional-writes.js';
import { multipartWrite, type UnfinishedUpload } from './multipart-upload.js';
import { described, metadataOf, newWriteId, requiredEtag, requiredOf } from './s3-objects.js';
import type { S3Requests } from './s3-requests.js';

export interface Upload {
  readonly key: string;
  readonly content: ObjectContent;
  readonly options: PutOptions;
  /** Bytes of a part, where the object does not need larger ones. */
  readonly partBytes: number;
}

/** Of S3's contract. */
const mostParts = 10_000;
/** Parts of one object on their way; one more is being gathered. */
const partsAtOnce = 2;

/** With one request where the content fits in a part, else in parts, of which a few are in memory. The digest is checked before the object can be seen. */
export async function putObject(requests: S3Requests, conditional: ConditionalWrites, { key, content, options, partBytes }: Upload): Promise<StoredObject> {
  const size = await sizeOfContent(content);
  const { chunks, result } = checkedContent(key, content, options);
  const parts = partsOf(chunks, Math.max(partBytes, Math.ceil((size ?? 0) / (mostParts - 1))));
  try {
    const first = await parts.next();
    const second = first.done === true ? first : await parts.next();
    if (second.done === true) return { ...(await putWhole(requests, conditional, { key, options, body: first.done === true ? Buffer.alloc(0) : first.value, sha256: result().sha256 })), sha256: result().sha256 };
    const stored = await multipartWrite(requests, conditional, {
      key,
      condition: options.condition,
      sha256: options.sha256,
      described: described(options),
      signal: options.signal,
      sendParts: async (upload) => ({ parts: await sendParts(requests, upload, { ready: [first.value as Buffer, second.value], rest: parts, signal: options.signal }), size: result().size }),
    });
    return { ...stored, sha256: result().sha256 };
  } finally {
    await parts.return(undefined);
  }
}

async function putWhole(requests: S3Requests, conditional: ConditionalWrites, { key, options, body, sha256 }: { key: string; options: PutOptions; body: Buffer; sha256: string }): Promise<Omit<StoredObject, 'sha256'>> {
  const writeId = newWriteId();
  options.signal?.throwIfAborted();
  return conditional.write({
    key,
    kind: 'put',
    condition: options.condition,
    writeId,
    size: body.length,
    send: async (headers) => {
      const command = new PutObjectCommand({ Bucket: requests.bucket, Key: requests.keyOf(key), Body: body, ...described(options), Metadata: metadataOf(writeId, sha256), ...headers });
      return requiredEtag((await requests.ask(options.signal, (client, how) => client.send(command, how))).ETag, key);
    },
  });
}

interface PartsToSend {
  readonly ready: readonly Buffer[];
  readonly rest: AsyncGenerator<Buffer, void, undefined>;
  readonly signal: AbortSignal | undefined;
}

async function sendParts(requests: S3Requests, upload: UnfinishedUpload, { ready, rest, signal }: PartsToSend): Promise<CompletedPart[]> {
  const sending = new Set<Promise<void>>();
  const done: CompletedPart[] = [];
  let number = 0;

  async function send(Body: Buffer, PartNumber: number): Promise<void> {
    const { ETag } = await requests.ask(signal, (client, how) => client.send(new UploadPartCommand({ ...upload, PartNumber, Body }), how));
    done.push({ PartNumber, ETag: requiredOf(ETag, upload.Key) });
  }

  async function begin(part: Buffer): Promise<void> {
    number += 1;
    if (number > mostParts) throw new MillraceError('payload-too-large', `${upload.Key} is larger than ${mostParts} parts of ${part.length} bytes: say its size, so that parts can be larger`);
    const sent = send(part, number).finally(() => sending.delete(sent));
    sending.add(sent);
    if (sending.size >= partsAtOnce) await Promise.race(sending);
  }

  try {
    for (const part of ready) await begin(part);
    for await (const part of rest) await begin(part);
    await Promise.all(sending);
  } catch (error) {
    await Promise.allSettled(sending);
    throw error;
  }
  return done.toSorted((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0));
}

/** All of the same size but the last one. */
async function* partsOf(chunks: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer, void, undefined> {
  let gathered: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const piece = chunk.subarray(at, at + bytes - length);
      gathered.push(piece);
      length += piece.length;
      at += piece.length;
      if (length < bytes) continue;
      yield gathered.length === 1 ? piece : Buffer.concat(gathered, length);
      gathered = [];
      length = 0;
    }
  }
  if (length > 0) yield gathered.length === 1 ? (gathered[0] as Buffer) : Buffer.concat(gathered, length);
}
