import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { rm } from 'node:fs/promises';
import type { BucketLocation } from '../bucket-location.js';
import { assertObjectPrefix, isObjectKey } from '../object-key.js';
import type { ListedObject, ListOptions, ObjectStore } from '../object-store.js';
import type { ReadS3Keys } from '../s3-credentials.js';
import { conditionalWrites } from './conditional-writes.js';
import { copyObject } from './copy-object.js';
import { getObject } from './get-object.js';
import { sweepUploads } from './multipart-upload.js';
import { putObject } from './put-object.js';
import { isAbsent } from './s3-errors.js';
import { headObject, plainEtag } from './s3-objects.js';
import { s3Requests } from './s3-requests.js';

export interface S3StoreOptions {
  /** Undefined: what the SDK finds (environment, files, roles). */
  readonly readKeys?: ReadS3Keys | undefined;
  /** Bytes of a part that is sent; at least 5 MiB. */
  readonly partBytes?: number;
  /** Bytes of a part that is copied; at least 5 MiB. */
  readonly copyBytes?: number;
  /** Objects that the service lists with one answer; at most 1000. */
  readonly pageObjects?: number;
  /** Milliseconds without a byte, after which a reader asks again. */
  readonly stallTime?: number;
}

const MiB = 1024 * 1024;
const removedAtOnce = 16;

/** Objects of one bucket below one prefix. Connects to nothing yet: the first call does. */
export function openS3Store(location: BucketLocation, { readKeys, partBytes = 8 * MiB, copyBytes = 1024 * MiB, pageObjects = 1000, stallTime = 60_000 }: S3StoreOptions = {}): ObjectStore {
  const requests = s3Requests(location, readKeys);
  const conditional = conditionalWrites(requests);
  let swept = false;

  /** Once, beside the first write: what it finds is older than anything that goes on. Not every service lists uploads, and none of the work depends on it. */
  function sweepOnce(): void {
    if (swept) return;
    swept = true;
    void sweepUploads(requests, Date.now()).catch(() => undefined);
  }

  async function* listed(prefix: string, { after, signal }: ListOptions): AsyncGenerator<ListedObject> {
    const page = { Bucket: requests.bucket, Prefix: `${requests.prefix}${prefix}`, MaxKeys: pageObjects };
    let from: { StartAfter?: string; ContinuationToken?: string } = after === undefined || after === '' ? {} : { StartAfter: `${requests.prefix}${after}` };
    for (;;) {
      const answer = await requests.attempt(`the list of ${prefix}`, signal, () => requests.ask(signal, (client, how) => client.send(new ListObjectsV2Command({ ...page, ...from }), how)));
      for (const { Key, Size, LastModified, ETag } of answer.Contents ?? []) {
        const key = Key?.slice(requests.prefix.length) ?? '';
        // Others' objects, such as the `folder/` of a browser, that no operation here could name.
        if (isObjectKey(key)) yield { key, size: Size ?? 0, modified: LastModified?.getTime() ?? 0, etag: plainEtag(ETag) };
      }
      if (answer.NextContinuationToken === undefined) return;
      from = { ContinuationToken: answer.NextContinuationToken };
    }
  }

  /** One request each: not every server knows the request that removes many. */
  async function removeOne(key: string, signal: AbortSignal | undefined): Promise<void> {
    try {
      await requests.ask(signal, (client, how) => client.send(new DeleteObjectCommand({ Bucket: requests.bucket, Key: requests.keyOf(key) }), how));
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  }

  return {
    put: (key, content, options = {}) =>
      requests.attempt(key, options.signal, async () => {
        requests.keyOf(key);
        sweepOnce();
        const stored = await putObject(requests, conditional, { key, content, options, partBytes });
        if (!Buffer.isBuffer(content) && 'file' in content && content.moved === true) await rm(content.file, { force: true });
        return stored;
      }),
    copy: (from, to, options = {}) => requests.attempt(`the copy ${to}`, options.signal, () => copyObject(requests, conditional, { from, to, options, partBytes: copyBytes })),
    head: (key, { signal } = {}) =>
      requests.attempt(key, signal, async () => {
        const head = await headObject(requests, key, signal);
        return head === undefined ? undefined : { size: head.size, modified: head.modified, etag: head.etag, ...(head.sha256 === undefined ? {} : { sha256: head.sha256 }) };
      }),
    get: (key, options = {}) => getObject(requests, { key, options, stallTime }),
    async *list(prefix, options = {}) {
      assertObjectPrefix(prefix);
      yield* listed(prefix, options);
    },
    remove: (keys, { signal } = {}) =>
      requests.attempt('a deletion', signal, async () => {
        for (const key of keys) requests.keyOf(key);
        const left = [...keys];
        const worker = async (): Promise<void> => {
          for (let key = left.pop(); key !== undefined; key = left.pop()) await removeOne(key, signal);
        };
        await Promise.all(Array.from({ length: Math.min(removedAtOnce, left.length) }, worker));
      }),
    presign: (key, { seconds, contentDisposition }) =>
      requests.attempt(key, undefined, () => {
        const command = new GetObjectCommand({ Bucket: requests.bucket, Key: requests.keyOf(key), ...(contentDisposition === undefined ? {} : { ResponseContentDisposition: contentDisposition }) });
        return requests.ask(undefined, (client) => getSignedUrl(client, command, { expiresIn: seconds }));
      }),
    close: () => requests.close(),
  };
}
