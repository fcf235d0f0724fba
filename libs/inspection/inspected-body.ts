import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { decodeContent, decodingLimits, parseContentCodings, type DecodingLimits } from './content-decoding.js';
import type { InspectedBody } from './inspector.js';
import { limitExceeded } from './refusal.js';

interface BodyDescription {
  /** Of the bytes as transferred. */
  readonly digests: { readonly sha1: string; readonly sha256: string; readonly size: number };
  /** Content-Encoding field, empty when there is none. */
  readonly contentEncoding: string;
  readonly limits?: DecodingLimits;
}

/** A small body is `bytes`, a spooled one `file` with its first bytes as `head`. */
export type BodySource = BodyDescription & ({ readonly bytes: Buffer } | { readonly file: string; readonly head: Buffer });

const headLimit = 4096;
const chunkSize = 256 * 1024;

/** A body at rest for inspectors. Nothing is opened until it is read; each `open` reads from the start. */
export function createInspectedBody(source: BodySource): InspectedBody {
  const { digests, contentEncoding } = source;
  const file = 'file' in source ? source.file : undefined;
  const head = ('bytes' in source ? source.bytes : source.head).subarray(0, headLimit);
  const openRaw = (): Readable =>
    'file' in source ? createReadStream(source.file, { highWaterMark: chunkSize }) : Readable.from(chunksOf(source.bytes), { objectMode: false });
  const openDecoded = (): Readable => Readable.from(decode(openRaw, source, head), { objectMode: false, highWaterMark: chunkSize });
  const plain = contentEncoding.trim() === '';
  const open = (options?: { readonly raw?: boolean }): Readable => (plain || options?.raw === true ? openRaw() : openDecoded());
  return {
    size: digests.size,
    sha1: digests.sha1,
    sha256: digests.sha256,
    head,
    file,
    open,
    read: (limit) => readAll(open(), limit),
  };
}

async function* decode(openRaw: () => Readable, source: BodyDescription, head: Buffer): AsyncGenerator<Buffer> {
  const codings = parseContentCodings(source.contentEncoding);
  yield* decodeContent(openRaw(), { codings, size: source.digests.size, firstByte: head[0] }, source.limits ?? decodingLimits);
}

function* chunksOf(bytes: Buffer): Generator<Buffer> {
  for (let offset = 0; offset < bytes.length; offset += chunkSize) yield bytes.subarray(offset, offset + chunkSize);
}

async function readAll(stream: Readable, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw limitExceeded(`the body is larger than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}
