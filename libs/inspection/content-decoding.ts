import { pipeline, Transform, type Readable } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip, createInflate, createInflateRaw, createZstdDecompress } from 'node:zlib';
import { limitExceeded, refusal } from './refusal.js';

export type ContentCoding = 'gzip' | 'deflate' | 'br' | 'zstd';

/** More than two are never sent by an honest server, and each can multiply the size by a thousand. */
const maxCodings = 2;
const known: Readonly<Record<string, ContentCoding>> = { gzip: 'gzip', 'x-gzip': 'gzip', deflate: 'deflate', br: 'br', zstd: 'zstd' };

/** The codings of a Content-Encoding field in the order they were applied, `identity` left out. Throws a reason for what is unknown or stacked too high. */
export function parseContentCodings(field: string): readonly ContentCoding[] {
  const codings: ContentCoding[] = [];
  for (const item of field.slice(0, 256).split(',')) {
    const name = item.trim().toLowerCase();
    if (name === '' || name === 'identity') continue;
    const coding = Object.hasOwn(known, name) ? known[name] : undefined;
    if (coding === undefined) throw refusal(`the content coding "${name.slice(0, 32)}" is not supported`);
    codings.push(coding);
  }
  if (codings.length > maxCodings) throw refusal(`more than ${maxCodings} content codings are stacked`);
  return codings;
}

export interface DecodingLimits {
  /** Decoded bytes. */
  readonly size: number;
  /** Decoded to transferred bytes, looked at once `ratioFrom` bytes have come out. */
  readonly ratio: number;
  readonly ratioFrom: number;
}

/** 4 GiB; 1,100 times is past what deflate can do, so only br and zstd bombs meet the ratio before the size. */
export const decodingLimits: DecodingLimits = { size: 4 * 1024 ** 3, ratio: 1100, ratioFrom: 64 * 1024 * 1024 };

export interface CodedSource {
  readonly codings: readonly ContentCoding[];
  /** Bytes as transferred: the base of the ratio. */
  readonly size: number;
  /** First byte as transferred: tells a zlib stream from a bare deflate stream, which both go by `deflate`. */
  readonly firstByte: number | undefined;
}

/** Undoes the codings of `raw`, last applied first. Throws while it is read: a reason for corrupt data and for passed limits. */
export async function* decodeContent(raw: Readable, source: CodedSource, limits: DecodingLimits = decodingLimits): AsyncGenerator<Buffer> {
  const stages = source.codings.toReversed().map((coding, index) => ({ decoder: createDecoder(coding, index === 0 ? source.firstByte : undefined), given: createCounter() }));
  const decoded = stages.length === 0 ? raw : (pipeline([raw, ...stages.flatMap(({ decoder, given }) => [given.pass, decoder])], () => undefined) as unknown as Transform);
  let size = 0;
  try {
    for await (const chunk of decoded as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limits.size) throw limitExceeded(`the body decodes to more than ${limits.size} bytes`);
      if (size > limits.ratioFrom && size > source.size * limits.ratio) throw limitExceeded(`the body decodes to more than ${limits.ratio} times its size`);
      yield chunk;
    }
    // Node's decoders end quietly at the end of the first stream; a client may read on, and would see what was never judged.
    if (stages.some(({ decoder, given }) => decoder.bytesWritten < given.bytes())) throw refusal(`the content coding ${source.codings.join(', ')} has data behind its end`);
  } catch (error) {
    if (isDecodingError(error)) throw refusal(`the content coding ${source.codings.join(', ')} could not be undone: ${error.message}`, error);
    throw error;
  } finally {
    raw.destroy();
    decoded.destroy();
  }
}

function createCounter(): { readonly pass: Transform; bytes(): number } {
  let bytes = 0;
  const pass = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  return { pass, bytes: () => bytes };
}

function isDecodingError(error: unknown): error is Error & { code: string } {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && (code.startsWith('Z_') || code.startsWith('ERR_') || code.startsWith('ZSTD_'));
}

function createDecoder(coding: ContentCoding, firstByte: number | undefined): Transform & { readonly bytesWritten: number } {
  switch (coding) {
    case 'gzip':
      return createGunzip();
    case 'deflate':
      return firstByte !== undefined && (firstByte & 0x0f) !== 8 ? createInflateRaw() : createInflate();
    case 'br':
      return createBrotliDecompress();
    case 'zstd':
      // 8 MiB, the window that RFC 9659 allows for this coding: bounds the memory of one stream.
      return createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: 23 } });
  }
}
