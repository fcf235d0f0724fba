import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BlobBody, BlobRange, Abortable } from '../../../libs/cache-engine/artifact-cache.js';
import { keepJudging } from '../../../libs/cache-access/keep-judging.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { matchesEntityTag } from '../http/entity-tag.js';
import { byteRange } from '../repository-files/byte-range.js';

/** Bytes that are read before the answer begins. */
const wholeBytes = 64 * 1024;

export interface CachedContent {
  /** Lower-case hex SHA-256 (or what else names just these bytes): the strong entity tag. */
  readonly tag: string;
  readonly size: number;
  readonly type: string;
  /** Whether these are the bytes of this address for ever. */
  readonly fixed: boolean;
  /** Nobody had to say who they are: caches between may keep it. */
  readonly shared: boolean;
  readonly open: (options: BlobRange & Abortable) => Promise<BlobBody>;
  /** Whether its client may go on; asked again and again while it reads. */
  readonly judge: () => Promise<void>;
  /** Called with what goes out. */
  readonly sent: (bytes: number) => void;
}

/** Content as it streams out of the store, with what HTTP has for ranges and tags. Errors: those of `open`, before anything was sent. */
export async function sendCached(request: FastifyRequest, reply: FastifyReply, { tag, size, type, fixed, shared, open, sent, judge }: CachedContent): Promise<void> {
  const entityTag = `"${tag}"`;
  const reach = shared ? 'public' : 'private';
  void reply.headers({ etag: entityTag, 'accept-ranges': 'bytes', 'cache-control': fixed ? `${reach}, max-age=31536000, immutable` : `${reach}, no-cache` });
  if (matchesEntityTag(request.headers['if-none-match'], entityTag)) return void reply.code(304).send();
  void reply.type(type);
  const range = request.method === 'GET' && isOfThis(request.headers['if-range'], entityTag) ? byteRange(request.headers.range, size) : undefined;
  // Not for caches between, which might give it to those who ask for the whole.
  if (range === 'beyond') return void reply.code(416).headers({ 'content-range': `bytes */${size}`, 'cache-control': 'no-store' }).type('text/plain; charset=utf-8').send(`416 Range Not Satisfiable: there are ${size} bytes.\n`);
  if (range !== undefined) void reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${size}`);
  const length = range === undefined ? size : range.end - range.start + 1;
  void reply.header('content-length', length);
  // The framework reads what it does not send.
  if (request.method === 'HEAD' || size === 0) return void reply.send(Readable.from([]));
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  const body = await open({ signal: gone.signal, ...(range === undefined ? {} : { offset: range.start, limit: length }) });
  // As a whole, what is found to be corrupt at its end is a miss yet.
  if (length <= wholeBytes) return void reply.send(await whole(body.content, { length, sent }));
  // The answer has begun: all that is left is to break it off.
  reply.raw.once('close', keepJudging({ judge, lost: () => reply.raw.destroy() }));
  // Chunks, not bytes: few are held for a client that reads slowly.
  void reply.send(Readable.from(counted(body.content, sent), { objectMode: true, highWaterMark: 2 }));
}

/** A range of other bytes than the client has is none. */
function isOfThis(condition: string | readonly string[] | undefined, tag: string): boolean {
  return condition === undefined || String(condition).trim() === tag;
}

/** Errors also: `blob-not-found` for content that is shorter than it should be. */
async function whole(content: AsyncIterable<Buffer>, { length, sent }: { readonly length: number; readonly sent: (bytes: number) => void }): Promise<Buffer> {
  const bytes = await collected(content);
  if (bytes.length !== length) throw new MillraceError('blob-not-found', 'the store has lost a part of it');
  sent(length);
  return bytes;
}

export async function collected(content: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

async function* counted(content: AsyncIterable<Buffer>, sent: (bytes: number) => void): AsyncGenerator<Buffer, void, undefined> {
  for await (const chunk of content) {
    sent(chunk.length);
    yield chunk;
  }
}

/** Of what is in memory as a whole. */
export function oneChunk(bytes: Buffer, { offset = 0, limit }: BlobRange): Promise<BlobBody> {
  const part = bytes.subarray(offset, limit === undefined ? undefined : offset + limit);
  return Promise.resolve({ size: bytes.length, content: Readable.from([part], { objectMode: true }) });
}
