import { AbortMultipartUploadCommand, CompleteMultipartUploadCommand, CreateMultipartUploadCommand, ListMultipartUploadsCommand, type CompletedPart } from '@aws-sdk/client-s3';
import type { StoredObject, WriteCondition } from '../object-store.js';
import type { ConditionalWrites } from './conditional-writes.js';
import { metadataOf, newWriteId, requiredEtag, requiredOf } from './s3-objects.js';
import type { S3Requests } from './s3-requests.js';

export interface UnfinishedUpload {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string | undefined;
}

export interface MultipartWrite {
  readonly key: string;
  readonly condition: WriteCondition | undefined;
  /** Known before the first byte is sent: remembered with the object. */
  readonly sha256: string | undefined;
  readonly described: { ContentType?: string; CacheControl?: string };
  readonly signal: AbortSignal | undefined;
  /** Fails when the parts are not what was promised: then nothing becomes visible. */
  readonly sendParts: (upload: UnfinishedUpload) => Promise<{ readonly parts: CompletedPart[]; readonly size: number }>;
}

/** Milliseconds after which no upload is still going on. */
const givenUp = 7 * 24 * 60 * 60 * 1000;

/** Sends parts, and makes an object of them when they are all there and right. Whatever fails leaves no parts that somebody pays for. */
export async function multipartWrite(requests: S3Requests, conditional: ConditionalWrites, { key, condition, sha256, described, signal, sendParts }: MultipartWrite): Promise<Omit<StoredObject, 'sha256'>> {
  const object = { Bucket: requests.bucket, Key: requests.keyOf(key) };
  const writeId = newWriteId();
  const { UploadId } = await requests.ask(signal, (client, how) => client.send(new CreateMultipartUploadCommand({ ...object, ...described, Metadata: metadataOf(writeId, sha256) }), how));
  const upload = { ...object, UploadId: requiredOf(UploadId, key) };
  try {
    const { parts, size } = await sendParts(upload);
    signal?.throwIfAborted();
    return await conditional.write({
      key,
      kind: 'parts',
      condition,
      writeId,
      size,
      send: async (headers) => requiredEtag((await requests.ask(signal, (client, how) => client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts }, ...headers }), how))).ETag, key),
    });
  } catch (error) {
    await requests.ask(undefined, (client) => client.send(new AbortMultipartUploadCommand(upload))).catch(() => undefined);
    throw error;
  }
}

/** Ends uploads of processes that died long ago; the service keeps, and charges for, their parts for ever. Answers how many. */
export async function sweepUploads(requests: S3Requests, now: number, age = givenUp): Promise<number> {
  let swept = 0;
  let marker: { KeyMarker?: string; UploadIdMarker?: string } = {};
  for (;;) {
    const page = await requests.ask(undefined, (client) => client.send(new ListMultipartUploadsCommand({ Bucket: requests.bucket, Prefix: requests.prefix, ...marker })));
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      if (Key?.startsWith(requests.prefix) !== true || Initiated === undefined || Initiated.getTime() >= now - age) continue;
      await requests.ask(undefined, (client) => client.send(new AbortMultipartUploadCommand({ Bucket: requests.bucket, Key, UploadId })));
      swept += 1;
    }
    if (page.IsTruncated !== true || page.NextKeyMarker === undefined) return swept;
    marker = { KeyMarker: page.NextKeyMarker, ...(page.NextUploadIdMarker === undefined ? {} : { UploadIdMarker: page.NextUploadIdMarker }) };
  }
}
