import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { MillraceError } from '../../errors/millrace-error.js';
import type { ObjectHead, ObjectOptions, WriteCondition } from '../object-store.js';
import { isAbsent } from './s3-errors.js';
import type { S3Requests } from './s3-requests.js';

/** `x-amz-meta-…`: which write made an object, so that one whose answer was lost is recognised; and the digest of its bytes. */
const writeKey = 'millrace-write';
const digestKey = 'millrace-sha256';

export interface S3Head extends ObjectHead {
  readonly writeId: string | undefined;
  readonly contentType: string | undefined;
  readonly cacheControl: string | undefined;
}

export async function headObject(requests: S3Requests, key: string, signal?: AbortSignal): Promise<S3Head | undefined> {
  try {
    const answer = await requests.ask(signal, (client, how) => client.send(new HeadObjectCommand({ Bucket: requests.bucket, Key: requests.keyOf(key) }), how));
    return {
      size: answer.ContentLength ?? 0,
      modified: answer.LastModified?.getTime() ?? 0,
      etag: requiredEtag(answer.ETag, key),
      ...digestOf(answer.Metadata),
      writeId: answer.Metadata?.[writeKey],
      contentType: answer.ContentType,
      cacheControl: answer.CacheControl,
    };
  } catch (error) {
    if (!isAbsent(error)) throw error;
    return (await isReallyAbsent(requests, key, signal)) ? undefined : headObject(requests, key, signal);
  }
}

/** An answer to HEAD says 404 for a bucket that is not there, and from some services for a user that is not there, too: nothing may look like an empty repository. */
async function isReallyAbsent(requests: S3Requests, key: string, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    const { Body } = await requests.ask(signal, (client, how) => client.send(new GetObjectCommand({ Bucket: requests.bucket, Key: requests.keyOf(key) }), how));
    (Body as Readable).destroy();
    return false;
  } catch (error) {
    if (isAbsent(error)) return true;
    throw error;
  }
}

export function newWriteId(): string {
  return randomUUID();
}

export function metadataOf(writeId: string, sha256: string | undefined): Record<string, string> {
  return { [writeKey]: writeId, ...(sha256 === undefined ? {} : { [digestKey]: sha256 }) };
}

export function digestOf(metadata: Readonly<Record<string, string>> | undefined): { sha256?: string } {
  const digest = metadata?.[digestKey];
  return digest !== undefined && /^[0-9a-f]{64}$/.test(digest) ? { sha256: digest } : {};
}

export function described({ contentType, cacheControl }: Pick<ObjectOptions, 'contentType' | 'cacheControl'>): { ContentType?: string; CacheControl?: string } {
  return { ...(contentType === undefined ? {} : { ContentType: contentType }), ...(cacheControl === undefined ? {} : { CacheControl: cacheControl }) };
}

export function conditionHeaders(condition: WriteCondition | undefined): { IfNoneMatch?: string; IfMatch?: string } {
  if (condition === undefined) return {};
  return 'etag' in condition ? { IfMatch: quotedEtag(condition.etag) } : { IfNoneMatch: '*' };
}

/** Servers differ in whether they quote it, and where. */
export function plainEtag(etag: string | undefined): string {
  return (etag ?? '').replace(/^"|"$/g, '');
}

/** What every answer has that tells of an object, and the page of a portal or of a front end has not. Errors: `storage-unavailable`. */
export function requiredOf<Value extends string>(value: Value | undefined, what: string): Value {
  if (value === undefined) throw new MillraceError('storage-unavailable', `what answered about ${what} is no object storage: the answer lacks what S3 always says`);
  return value;
}

export const requiredEtag = (etag: string | undefined, what: string): string => plainEtag(requiredOf(etag, what));

export function quotedEtag(etag: string): string {
  return `"${etag}"`;
}
