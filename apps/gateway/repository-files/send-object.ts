import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { MillraceError, isMillraceError } from '../../../libs/errors/millrace-error.js';
import type { GetOptions, ObjectBody, ObjectStore } from '../../../libs/object-storage/object-store.js';
import { documentPolicy } from '../compose-files/file-headers.js';
import { matchesEntityTag } from '../http/entity-tag.js';
import { byteRange } from './byte-range.js';
import type { FoundFile } from './find-file.js';
import { mediaTypeOf } from './index-roles.js';

const forEver = 'public, max-age=31536000, immutable';
const askAgain = 'public, no-cache';

export interface SentObject {
  readonly store: Pick<ObjectStore, 'get'>;
  readonly found: FoundFile;
}

/** A file from the store as it streams out of it; nothing of it is kept here. Errors: those of the store; `blob-not-found` where it has lost the file. */
export async function sendObject(request: FastifyRequest, reply: FastifyReply, { store, found }: SentObject): Promise<void> {
  const { sha256, size, role } = found;
  const tag = `"${sha256}"`;
  void reply.headers({ etag: tag, 'accept-ranges': 'bytes', 'cache-control': role === 'package' || role === 'fixed' ? forEver : askAgain, 'content-security-policy': documentPolicy });
  if (matchesEntityTag(request.headers['if-none-match'], tag)) return void reply.code(304).send();
  void reply.type(mediaTypeOf(found.path));
  const range = request.method === 'GET' ? rangeOf(request, { tag, size }) : undefined;
  // Not for caches between, which might give it to those who ask for the whole.
  if (range === 'beyond') return void reply.code(416).headers({ 'content-range': `bytes */${size}`, 'cache-control': 'no-store' }).type('text/plain; charset=utf-8').send(`416 Range Not Satisfiable: the file has ${size} bytes.\n`);
  if (range !== undefined) void reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${size}`);
  void reply.header('content-length', range === undefined ? size : range.end - range.start + 1);
  // The framework reads what it does not send.
  if (request.method === 'HEAD' || size === 0) return void reply.send(Readable.from([]));
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  const body = await firstOf(store, found, { signal: gone.signal, ...(range === undefined ? {} : { range }) });
  void reply.send(body.content);
}

/** A range of another file than the client has is none (`If-Range`). Nothing here has a date. */
function rangeOf({ headers }: FastifyRequest, { tag, size }: { readonly tag: string; readonly size: number }): ReturnType<typeof byteRange> {
  const condition = headers['if-range'];
  return condition === undefined || String(condition).trim() === tag ? byteRange(headers.range, size) : undefined;
}

async function firstOf(store: SentObject['store'], found: FoundFile, options: GetOptions): Promise<ObjectBody> {
  for (const key of found.objects) {
    const body = await store.get(key, options).catch((error: unknown) => {
      if (isMillraceError(error) && (error.code === 'blob-not-found' || error.code === 'invalid-request')) return undefined;
      throw error;
    });
    if (body?.size === found.size && (body.sha256 ?? found.sha256) === found.sha256) return body;
    body?.content.destroy();
  }
  throw new MillraceError('blob-not-found', `the store has lost ${found.path}, or has other bytes in its place`, { suggestion: 'Check the repository: millrace repo check.' });
}
