import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { CopyObjectCommand, DeleteObjectsCommand, GetObjectCommand, HeadObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import type { Readable } from 'node:stream';
import { MillraceError } from '../errors/millrace-error.js';
import { asStorageError, isAbsent } from './bucket-errors.js';
import type { BucketLocation } from './bucket-location.js';

/** Objects of one bucket below one prefix; keys are relative to it. Errors: `storage-unavailable`, `storage-refused`. */
export interface Bucket {
  /** Bytes, or the file at a path; checked by the service against a checksum. Several parts where it is large. */
  put(key: string, content: Buffer | { readonly file: string }, options?: ObjectOptions): Promise<void>;
  /** Inside the bucket, without the bytes passing here. At most 5 GiB. */
  copy(from: string, to: string, options?: ObjectOptions): Promise<void>;
  /** Undefined when there is none. */
  head(key: string): Promise<ObjectHead | undefined>;
  /** Errors also: `blob-not-found`. */
  get(key: string, options?: { readonly signal?: AbortSignal }): Promise<Readable>;
  /** Keys below a prefix, in the order of the service. */
  list(prefix: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<ObjectHead & { readonly key: string }>;
  /** Fine where there is none. */
  remove(keys: readonly string[], options?: { readonly signal?: AbortSignal }): Promise<void>;
  close(): void;
}

export interface ObjectOptions {
  readonly contentType?: string;
  readonly cacheControl?: string;
  readonly signal?: AbortSignal;
}

export interface ObjectHead {
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970; 0 when the service does not say. */
  readonly modified: number;
}

/** Of one request of deletion, by S3's contract. */
const removedAtOnce = 1000;
const attempts = 4;

/** Opens nothing yet: the first call does. Credentials are the SDK's own chain (environment, files, roles). */
export function openBucket(location: BucketLocation): Bucket {
  const client = new S3Client({
    region: location.region,
    forcePathStyle: location.pathStyle,
    maxAttempts: attempts,
    ...(location.endpoint === undefined ? {} : { endpoint: location.endpoint }),
  });
  const { bucket: Bucket, prefix } = location;
  const keyOf = (key: string): string => `${prefix}${key}`;
  const abortable = (signal: AbortSignal | undefined): { abortSignal?: AbortSignal } => (signal === undefined ? {} : { abortSignal: signal });

  async function attempt<T>(what: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      throw asStorageError(error, what);
    }
  }

  return {
    put: (key, content, options = {}) =>
      attempt(`${key}`, options.signal, async () => {
        const Body = Buffer.isBuffer(content) ? content : createReadStream(content.file);
        const length = Buffer.isBuffer(content) ? content.length : (await stat(content.file)).size;
        const upload = new Upload({ client, partSize: partSizeFor(length), params: { Bucket, Key: keyOf(key), Body, ...described(options) } });
        const stop = (): void => void upload.abort();
        options.signal?.addEventListener('abort', stop, { once: true });
        try {
          await upload.done();
        } finally {
          options.signal?.removeEventListener('abort', stop);
          if (!Buffer.isBuffer(Body)) Body.destroy();
        }
      }),
    copy: (from, to, options = {}) =>
      attempt(`the copy ${to}`, options.signal, async () => {
        const source = `${Bucket}/${keyOf(from)}`.split('/').map(encodeURIComponent).join('/');
        await client.send(new CopyObjectCommand({ Bucket, Key: keyOf(to), CopySource: source, MetadataDirective: 'REPLACE', ...described(options) }), abortable(options.signal));
      }),
    head: (key) =>
      attempt(`${key}`, undefined, async () => {
        try {
          const { ContentLength, LastModified } = await client.send(new HeadObjectCommand({ Bucket, Key: keyOf(key) }));
          return { size: ContentLength ?? 0, modified: LastModified?.getTime() ?? 0 };
        } catch (error) {
          if (isAbsent(error)) return undefined;
          throw error;
        }
      }),
    get: (key, { signal } = {}) =>
      attempt(`${key}`, signal, async () => {
        try {
          const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: keyOf(key) }), abortable(signal));
          return Body as Readable;
        } catch (error) {
          if (isAbsent(error)) throw new MillraceError('blob-not-found', `object storage has no ${key}`, { cause: error });
          throw error;
        }
      }),
    async *list(below, { signal } = {}) {
      const pages = paginateListObjectsV2({ client }, { Bucket, Prefix: keyOf(below) }, abortable(signal))[Symbol.asyncIterator]();
      for (;;) {
        const page = await attempt(`the list of ${below}`, signal, () => pages.next());
        if (page.done === true) return;
        for (const { Key, Size, LastModified } of page.value.Contents ?? []) {
          if (Key !== undefined) yield { key: Key.slice(prefix.length), size: Size ?? 0, modified: LastModified?.getTime() ?? 0 };
        }
      }
    },
    async remove(keys, { signal } = {}) {
      for (let at = 0; at < keys.length; at += removedAtOnce) {
        const Objects = keys.slice(at, at + removedAtOnce).map((key) => ({ Key: keyOf(key) }));
        const { Errors } = await attempt('a deletion', signal, () => client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }), abortable(signal)));
        const [failed] = Errors ?? [];
        if (failed !== undefined) throw new MillraceError('storage-refused', `object storage does not delete ${failed.Key}: ${failed.Code} ${failed.Message}`);
      }
    },
    close: () => client.destroy(),
  };
}

function described({ contentType, cacheControl }: ObjectOptions): { ContentType?: string; CacheControl?: string } {
  return { ...(contentType === undefined ? {} : { ContentType: contentType }), ...(cacheControl === undefined ? {} : { CacheControl: cacheControl }) };
}

/** S3 takes 10,000 parts of at least 5 MiB each. */
function partSizeFor(bytes: number): number {
  return Math.max(8 * 1024 * 1024, Math.ceil(bytes / 9000));
}
