import type { LRUCache } from 'lru-cache';
import { buffer } from 'node:stream/consumers';
import { digestText, isEmptyBlob, type CacheDigest } from '../cache/cache-digest.js';
import { checkDigest } from '../cache/check-entry.js';
import type { BlobPlace, CacheRecord } from '../cache-record/cache-record.js';
import { forEachAtOnce } from '../compose-engine/for-each-at-once.js';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import type { ObjectBody, ObjectStore } from '../object-storage/object-store.js';
import type { Abortable, BlobBody, BlobRange } from './artifact-cache.js';
import { createBlobHash, hashOf } from './blob-hash.js';

export interface ReadParts {
  readonly record: Pick<CacheRecord, 'locate' | 'loseBlob'>;
  readonly store: Pick<ObjectStore, 'get'>;
  /** Verified objects by key: what is under a key never changes. */
  readonly kept: LRUCache<string, Buffer>;
}

/** Bytes up to which an object is read and verified before its first byte goes out, and kept in memory. */
export const smallObject = 128 * 1024;
/** Objects of one batch that are read at once. */
const readsAtOnce = 8;

interface Located {
  readonly instance: string;
  readonly digest: CacheDigest;
  readonly object: string;
}

/** Errors: `blob-not-found`, also for what the store has lost; `invalid-request` for an offset beyond the end. */
export async function readBlob(parts: ReadParts, { instance, digest, options = {} }: { readonly instance: string; readonly digest: CacheDigest; readonly options?: BlobRange & Abortable }): Promise<BlobBody> {
  checkDigest(digest);
  const range = rangeOf(digest, options);
  if (isEmptyBlob(digest)) return { size: 0, content: chunksOf(Buffer.alloc(0)) };
  const [place] = await parts.record.locate(instance, [digest]);
  if (place === undefined) throw absent(instance, digest);
  if (range.end <= range.start) return { size: digest.size, content: chunksOf(Buffer.alloc(0)) };
  if (digest.size <= smallObject || 'content' in place) {
    const whole = await smallBlob(parts, { instance, digest, place, ...options });
    return { size: digest.size, content: chunksOf(whole.subarray(range.start, range.end)) };
  }
  const located = { instance, digest, object: place.object };
  const isWhole = range.start === 0 && range.end === digest.size;
  const body = await opened(parts, located, { ...(options.signal === undefined ? {} : { signal: options.signal }), ...(isWhole ? {} : { range: { start: range.start, end: range.end - 1 } }) });
  return { size: digest.size, content: closing(body, isWhole ? verified(parts, located, body) : counted(body, range.end - range.start, located)) };
}

/** By position; undefined: none. Errors: those of the record and of the store. */
export async function readBlobs(parts: ReadParts, { instance, digests, options = {} }: { readonly instance: string; readonly digests: readonly CacheDigest[]; readonly options?: Abortable }): Promise<readonly (Buffer | undefined)[]> {
  for (const digest of digests) checkDigest(digest);
  const places = await parts.record.locate(instance, digests);
  const contents: (Buffer | undefined)[] = digests.map((digest) => (isEmptyBlob(digest) ? Buffer.alloc(0) : undefined));
  const there = digests.flatMap((digest, index) => (places[index] === undefined || isEmptyBlob(digest) ? [] : [{ digest, index, place: places[index] }]));
  await forEachAtOnce(there, readsAtOnce, async ({ digest, index, place }) => {
    try {
      contents[index] = await smallBlob(parts, { instance, digest, place, ...options });
    } catch (error) {
      if (!isMillraceError(error) || error.code !== 'blob-not-found') throw error;
    }
  });
  return contents;
}

/** All of it, verified. Errors: `blob-not-found`. */
async function smallBlob(parts: ReadParts, { instance, digest, place, signal }: { readonly instance: string; readonly digest: CacheDigest; readonly place: BlobPlace } & Abortable): Promise<Buffer> {
  if ('content' in place) return place.content;
  const kept = parts.kept.get(place.object);
  if (kept !== undefined) return kept;
  const located = { instance, digest, object: place.object };
  const body = await opened(parts, located, signal === undefined ? {} : { signal });
  const bytes = await buffer(body.content);
  if (bytes.length !== digest.size || (await hashOf(digest.function, bytes)) !== digest.hash) throw await lost(parts, located, 'corrupt');
  if (bytes.length <= smallObject) parts.kept.set(place.object, bytes);
  return bytes;
}

async function opened(parts: ReadParts, located: Located, options: Parameters<ObjectStore['get']>[1]): Promise<ObjectBody> {
  try {
    const body = await parts.store.get(located.object, options);
    if (body.size === located.digest.size) return body;
    body.content.destroy();
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    // Also a range that begins beyond the end of a truncated object.
    if (error.code !== 'blob-not-found' && error.code !== 'invalid-request') throw error;
    throw await lost(parts, located, error.code === 'blob-not-found' ? 'missing' : 'corrupt');
  }
  throw await lost(parts, located, 'corrupt');
}

/** A generator that nobody has begun to read does not run its `finally`, which would end the connection. */
function closing({ content }: ObjectBody, chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const close = chunks.return.bind(chunks);
  content.once('error', () => undefined); // told by the generator to whoever reads
  chunks.return = (value) => {
    content.destroy();
    return close(value);
  };
  return chunks;
}

/** The last bytes only go out when all of them have the digest: nobody takes a wrong blob for a whole one. */
async function* verified(parts: ReadParts, located: Located, { content }: ObjectBody): AsyncGenerator<Buffer> {
  try {
    const hash = await createBlobHash(located.digest.function);
    let held: Buffer | undefined;
    for await (const chunk of content as AsyncIterable<Buffer>) {
      hash.update(chunk);
      if (held !== undefined) yield held;
      held = chunk;
    }
    if (hash.digest() !== located.digest.hash) throw await lost(parts, located, 'corrupt');
    if (held !== undefined) yield held;
  } finally {
    content.destroy();
  }
}

async function* counted({ content }: ObjectBody, expected: number, { digest }: Located): AsyncGenerator<Buffer> {
  let size = 0;
  try {
    for await (const chunk of content as AsyncIterable<Buffer>) {
      size += chunk.length;
      yield chunk;
    }
  } finally {
    content.destroy();
  }
  if (size !== expected) throw new MillraceError('storage-unavailable', `the store gave ${size} bytes of ${digestText(digest)} in the place of ${expected}`);
}

async function lost({ record, kept }: ReadParts, { instance, digest, object }: Located, problem: 'missing' | 'corrupt'): Promise<MillraceError> {
  kept.delete(object);
  await record.loseBlob(instance, digest, object, problem);
  return absent(instance, digest);
}

function absent(instance: string, digest: CacheDigest): MillraceError {
  return new MillraceError('blob-not-found', `the cache ${instance} has no ${digestText(digest)}`);
}

/** First byte, and the one after the last. */
function rangeOf(digest: CacheDigest, { offset = 0, limit }: BlobRange): { readonly start: number; readonly end: number } {
  const whole = Number.isSafeInteger(offset) && offset >= 0 && (limit === undefined || (Number.isSafeInteger(limit) && limit >= 0));
  if (!whole || offset > digest.size) throw new MillraceError('invalid-request', `${digestText(digest)} has no ${limit ?? 'all'} bytes from ${offset} on`);
  return { start: offset, end: limit === undefined ? digest.size : Math.min(digest.size, offset + limit) };
}

async function* chunksOf(bytes: Buffer): AsyncGenerator<Buffer> {
  if (bytes.length > 0) yield bytes;
}
