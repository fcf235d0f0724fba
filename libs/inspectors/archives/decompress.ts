import { createRequire } from 'node:module';
import { PassThrough, pipeline, Readable, type Duplex } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { isMillraceError } from '../../errors/millrace-error.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { archiveLimits, type ArchiveLimits } from './archive-limits.js';
import { unpackZstdFrames } from './zstd-frames.js';

export type Compression = 'none' | 'gzip' | 'xz' | 'lzma' | 'zstd' | 'bzip2';

export interface DecompressOptions {
  readonly compression: Compression;
  /** Bytes of `source`: the base of the ratio. */
  readonly packedSize: number;
  readonly signal?: AbortSignal;
  readonly limits?: Pick<ArchiveLimits, 'unpackedBytes' | 'ratio' | 'ratioFrom'>;
}

/** Native, and without types of its own. */
interface LzmaNative {
  createStream(coder: 'streamDecoder' | 'aloneDecoder', options: { readonly memlimit: number }): Duplex;
}
const require = createRequire(import.meta.url);
const lzma = require('lzma-native') as LzmaNative;
const unbzip2 = require('unbzip2-stream') as () => NodeJS.ReadWriteStream;

/** `xz -9` needs 65 MiB; more is what only an attacker asks for. */
const xzMemory = 100 * 1024 * 1024;

/** Tells a compression by its first bytes; `lzma` (the old format has no real magic number) by its usual properties byte. */
export function sniffCompression(head: Buffer): Compression {
  if (head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head.subarray(0, 6).equals(Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]))) return 'xz';
  if (head.length >= 4 && head.readUInt32LE(0) === 0xfd2fb528) return 'zstd';
  if (head.subarray(0, 3).toString('latin1') === 'BZh') return 'bzip2';
  if (head.length >= 13 && head[0] === 0x5d && head[1] === 0 && head[2] === 0) return 'lzma';
  return 'none';
}

/**
 * Unpacks a stream of hostile bytes. Concatenated gzip, xz and zstd streams are read to the end as their tools do. Throws a reason for corrupt and
 * truncated data, for bytes after the end, and for passed limits; so also guards against bombs.
 */
export async function* decompress(source: Readable, options: DecompressOptions): AsyncGenerator<Buffer, void> {
  const { compression, packedSize, signal } = options;
  const limits = options.limits ?? archiveLimits;
  const unpacked = unpack(source, compression);
  let size = 0;
  try {
    for await (const chunk of unpacked as AsyncIterable<Buffer>) {
      signal?.throwIfAborted();
      size += chunk.length;
      if (size > limits.unpackedBytes) throw limitExceeded(`the ${compression} data unpacks to more than ${limits.unpackedBytes} bytes`);
      if (size > limits.ratioFrom && size > packedSize * limits.ratio) throw limitExceeded(`the ${compression} data unpacks to more than ${limits.ratio} times its size`);
      yield chunk;
    }
  } catch (error) {
    if (isMillraceError(error)) throw error;
    signal?.throwIfAborted();
    throw refusal(`the ${compression} data is damaged or truncated`, error);
  } finally {
    source.destroy();
    unpacked.destroy();
  }
}

function unpack(source: Readable, compression: Compression): Readable {
  const through = (decoder: Duplex): Readable => pipeline(source, decoder, () => undefined);
  switch (compression) {
    case 'none':
      return source;
    case 'gzip':
      return through(createGunzip({ chunkSize: 64 * 1024 }));
    case 'xz':
      return through(lzma.createStream('streamDecoder', { memlimit: xzMemory }));
    case 'lzma':
      return through(lzma.createStream('aloneDecoder', { memlimit: xzMemory }));
    case 'zstd':
      return Readable.from(unpackZstdFrames(source), { objectMode: false });
    case 'bzip2':
      return bzip2(source);
  }
}

/** The library is a stream of the oldest kind, which `pipeline` cannot tell of errors, and which ends and closes at once when it was given all of its input at once. */
function bzip2(source: Readable): Readable {
  const decoder = unbzip2();
  // Not `wrap`: the decoder closes as soon as it ends, which would throw away what was not read by then, a small file's whole contents.
  const stream = decoder.pipe(new PassThrough());
  decoder.on('error', (error: Error) => stream.destroy(error));
  source.on('error', (error) => stream.destroy(error));
  source.pipe(decoder);
  return stream;
}
