import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { MillraceError, isMillraceError } from '../../errors/millrace-error.js';
import { assertRange, type ByteRange } from '../byte-range.js';
import type { GetOptions, ObjectBody } from '../object-store.js';
import { asS3Error, isAbsent } from './s3-errors.js';
import { digestOf, quotedEtag, requiredEtag } from './s3-objects.js';
import type { S3Requests } from './s3-requests.js';

export interface Download {
  readonly key: string;
  readonly options: GetOptions;
  /** Milliseconds without a byte, after which the connection counts as broken. */
  readonly stallTime: number;
}

/** Connections that may break one after the other without a byte between. */
const resumptions = 4;

/** The SDK answers with the head and leaves the rest to whoever reads: what breaks off there is asked for again, from the byte that is missing, of the same object. */
export async function getObject(requests: S3Requests, { key, options, stallTime }: Download): Promise<ObjectBody> {
  const { range, etag: wanted, signal } = options;
  if (range !== undefined) assertRange(key, range);
  const first = await requests.attempt(key, signal, () => ask(requests, key, { start: range?.start, end: range?.end, etag: wanted, signal }));
  const extent = extentOf(first, range);
  if (first.ETag === undefined) (first.Body as Readable).destroy();
  const etag = requiredEtag(first.ETag, key);
  let body = first.Body as Readable;

  async function resume(position: number): Promise<void> {
    const answer = await requests.attempt(key, signal, () => ask(requests, key, { start: position, end: extent.end, etag, signal }));
    body = answer.Body as Readable;
    if (extentOf(answer, { start: position }).start === position) return;
    body.destroy();
    throw new MillraceError('storage-unavailable', `object storage gives no part of ${key} by range`);
  }

  async function* bytes(): AsyncGenerator<Buffer> {
    let position = extent.start;
    for (let broken = 0; position <= extent.end; ) {
      try {
        for await (const chunk of unstalled(body, stallTime)) {
          position += chunk.length;
          broken = 0;
          if (position > extent.end + 1) throw new MillraceError('storage-unavailable', `object storage gives more of ${key} than it said`);
          yield chunk;
        }
        if (position <= extent.end) throw new Error('the connection was closed');
      } catch (error) {
        signal?.throwIfAborted();
        broken += 1;
        if (isMillraceError(error) || broken > resumptions) throw asS3Error(error, `the reading of ${key} at byte ${position}`);
        await pause(Math.random() * 100 * 2 ** broken, undefined, signal === undefined ? {} : { signal });
        await resume(position);
      }
    }
  }

  const content = Readable.from(bytes(), { objectMode: false, ...(signal === undefined ? {} : { signal }) });
  // A stream that nobody has begun to read does not run its generator, which would end the connection.
  content.once('close', () => body.destroy());
  body.once('error', () => undefined);
  return { size: extent.size, modified: first.LastModified?.getTime() ?? 0, etag, ...digestOf(first.Metadata), contentType: first.ContentType, content };
}

interface Asked {
  readonly start: number | undefined;
  readonly end: number | undefined;
  readonly etag: string | undefined;
  readonly signal: AbortSignal | undefined;
}

async function ask(requests: S3Requests, key: string, { start, end, etag, signal }: Asked): Promise<GetObjectCommandOutput> {
  const command = new GetObjectCommand({
    Bucket: requests.bucket,
    Key: requests.keyOf(key),
    ...(start === undefined ? {} : { Range: `bytes=${start}-${end ?? ''}` }),
    ...(etag === undefined ? {} : { IfMatch: quotedEtag(etag) }),
  });
  try {
    return await requests.ask(signal, (client, how) => client.send(command, how));
  } catch (error) {
    throw isAbsent(error) ? new MillraceError('blob-not-found', `object storage has no ${key}`, { cause: error }) : error;
  }
}

/** Which bytes an answer has, and of how many. */
function extentOf({ ContentRange, ContentLength = 0 }: GetObjectCommandOutput, range: GetOptions['range']): ByteRange & { readonly size: number } {
  const [, start, end, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(ContentRange ?? '') ?? [];
  if (start !== undefined) return { start: Number(start), end: Number(end), size: Number(size) };
  if (range !== undefined && (range.start > 0 || range.end !== undefined)) throw new MillraceError('storage-unavailable', 'object storage answers without the range that was asked for');
  return { start: 0, end: ContentLength - 1, size: ContentLength };
}

/** Time counts only while somebody waits for the next byte. */
async function* unstalled(body: Readable, stallTime: number): AsyncGenerator<Buffer> {
  const chunks = (body as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const timer = setTimeout(() => body.destroy(new Error(`no byte for ${stallTime / 1000} seconds`)), stallTime);
      const chunk = await chunks.next().finally(() => clearTimeout(timer));
      if (chunk.done === true) return;
      yield chunk.value;
    }
  } finally {
    body.destroy();
  }
}
