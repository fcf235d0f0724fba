import { CopyObjectCommand, UploadPartCopyCommand, type CompletedPart } from '@aws-sdk/client-s3';
import { MillraceError } from '../../errors/millrace-error.js';
import type { CopyOptions, StoredObject } from '../object-store.js';
import type { ConditionalWrites } from './conditional-writes.js';
import { multipartWrite, type UnfinishedUpload } from './multipart-upload.js';
import { putObject } from './put-object.js';
import { isAbsent } from './s3-errors.js';
import { described, headObject, metadataOf, newWriteId, quotedEtag, requiredEtag, requiredOf, type S3Head } from './s3-objects.js';
import type { S3Requests } from './s3-requests.js';

export interface Copy {
  readonly from: string;
  readonly to: string;
  readonly options: CopyOptions;
  /** Bytes: larger objects are copied in parts of this size. S3 copies at most 5 GiB with one request. */
  readonly partBytes: number;
}

interface KnownCopy extends Copy {
  readonly source: S3Head;
  readonly headers: Pick<CopyOptions, 'contentType' | 'cacheControl'>;
  readonly described: { ContentType?: string; CacheControl?: string };
  readonly sha256: string | undefined;
}

const partsAtOnce = 4;

/** Inside the bucket. Of the object that was there at the beginning, whatever comes in its place meanwhile. */
export async function copyObject(requests: S3Requests, conditional: ConditionalWrites, copy: Copy): Promise<StoredObject> {
  const { from, to, options } = copy;
  requests.keyOf(to);
  const source = await headObject(requests, from, options.signal);
  if (source === undefined) throw absent(from);
  const headers = { ...defined('contentType', options.contentType ?? source.contentType), ...defined('cacheControl', options.cacheControl ?? source.cacheControl) };
  const known = { ...copy, source, headers, described: described(headers), sha256: source.sha256 ?? options.sha256 };
  try {
    return await copyKnown(requests, conditional, known);
  } catch (error) {
    // Of the source: what a condition on the target says is a conflict before it comes here.
    throw isAbsent(error) ? absent(from) : error;
  }
}

async function copyKnown(requests: S3Requests, conditional: ConditionalWrites, copy: KnownCopy): Promise<StoredObject> {
  const { to, options, source, headers, partBytes } = copy;
  if (source.size === 0) {
    const { size, etag } = await putObject(requests, conditional, { key: to, content: Buffer.alloc(0), options: { ...options, ...headers }, partBytes: 1 });
    return { size, etag };
  }
  if (source.size > partBytes) return copyParts(requests, conditional, copy);
  // A service that checks conditions when parts are put together, but not when it copies, copies one part.
  const onlyParts = options.condition !== undefined && !(await conditional.checkedByService('copy')) && (await conditional.checkedByService('parts'));
  return onlyParts ? copyParts(requests, conditional, copy) : copyWhole(requests, conditional, copy);
}

function copyWhole(requests: S3Requests, conditional: ConditionalWrites, { from, to, options, source, described: content, sha256 }: KnownCopy): Promise<Omit<StoredObject, 'sha256'>> {
  const writeId = newWriteId();
  return conditional.write({
    key: to,
    kind: 'copy',
    condition: options.condition,
    writeId,
    size: source.size,
    send: async (conditionHeaders) => {
      const command = new CopyObjectCommand({ Bucket: requests.bucket, Key: requests.keyOf(to), ...sourceOf(requests, from, source), MetadataDirective: 'REPLACE', Metadata: metadataOf(writeId, sha256), ...content, ...conditionHeaders });
      const { CopyObjectResult } = await requests.ask(options.signal, (client, how) => client.send(command, how));
      return requiredEtag(CopyObjectResult?.ETag, to);
    },
  });
}

function copyParts(requests: S3Requests, conditional: ConditionalWrites, { from, to, options, source, partBytes, described: content, sha256 }: KnownCopy): Promise<Omit<StoredObject, 'sha256'>> {
  const starts = Array.from({ length: Math.ceil(source.size / partBytes) }, (_, index) => index * partBytes);

  async function copyPart(upload: UnfinishedUpload, index: number): Promise<CompletedPart> {
    const start = starts[index] ?? 0;
    const command = new UploadPartCopyCommand({ ...upload, PartNumber: index + 1, ...sourceOf(requests, from, source), CopySourceRange: `bytes=${start}-${Math.min(start + partBytes, source.size) - 1}` });
    const { CopyPartResult } = await requests.ask(options.signal, (client, how) => client.send(command, how));
    return { PartNumber: index + 1, ETag: requiredOf(CopyPartResult?.ETag, to) };
  }

  return multipartWrite(requests, conditional, {
    key: to,
    condition: options.condition,
    sha256,
    described: content,
    signal: options.signal,
    async sendParts(upload) {
      const parts: CompletedPart[] = [];
      for (let at = 0; at < starts.length; at += partsAtOnce) parts.push(...(await Promise.all(starts.slice(at, at + partsAtOnce).map((_, index) => copyPart(upload, at + index)))));
      return { parts, size: source.size };
    },
  });
}

function defined<Key extends string>(key: Key, value: string | undefined): { readonly [Name in Key]?: string } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [Name in Key]?: string };
}

function sourceOf(requests: S3Requests, from: string, { etag }: S3Head): { CopySource: string; CopySourceIfMatch: string } {
  return { CopySource: `${requests.bucket}/${requests.keyOf(from)}`.split('/').map(encodeURIComponent).join('/'), CopySourceIfMatch: quotedEtag(etag) };
}

function absent(key: string): MillraceError {
  return new MillraceError('blob-not-found', `object storage has no ${key}`);
}
