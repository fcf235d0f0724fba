import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { OpenUpload } from '../../../../libs/cache-engine/artifact-cache.js';
import { digestText } from '../../../../libs/cache/cache-digest.js';
import { MillraceError } from '../../../../libs/errors/millrace-error.js';
import type { WriteResponse } from '../../../../libs/remote-apis/generated/google/bytestream/bytestream.js';
import type { CacheCall } from '../../server/cache-call.js';
import type { Places } from '../../server/places.js';
import { zstdDecompressor } from '../zstd.js';
import { demandRoom } from './demand-room.js';
import type { WriteMessage } from './write-messages.js';
import type { UploadResource } from './resource-name.js';

interface CompressedWrite {
  readonly upload: OpenUpload;
  readonly resource: UploadResource;
  /** Where the stream began: an offset of the uncompressed bytes. */
  readonly offset: number;
  readonly call: CacheCall;
  readonly places: Places;
  /** Of uncompressed bytes: those are what is kept. */
  readonly count: (bytes: number) => Promise<void>;
}

/** Answers with the first offset and the compressed bytes that came, as the API counts them. */
export async function writeCompressed(messages: AsyncIterable<WriteMessage>, { upload, resource: { digest }, offset, call, places, count }: CompressedWrite): Promise<WriteResponse> {
  const release = await places.take(call.signal);
  const came = { bytes: 0, finished: false };
  const compressed = async function* (): AsyncGenerator<Buffer> {
    for await (const { data, finish } of messages) {
      came.bytes += data.length;
      came.finished = finish;
      if (data.length > 0) yield data;
    }
  };
  const keep = async (pieces: AsyncIterable<Buffer>): Promise<void> => {
    for await (const piece of pieces) {
      demandRoom(upload, { digest, bytes: piece.length });
      await count(piece.length);
      await upload.append(piece);
    }
  };
  try {
    await pipeline(Readable.from(compressed(), { objectMode: true, highWaterMark: 1 }), zstdDecompressor(), keep, { signal: call.signal });
  } catch (error) {
    throw isZstdProblem(error) ? new MillraceError('digest-mismatch', `${digestText(digest)}: what was sent is no zstd, or breaks off`, { cause: error }) : error;
  } finally {
    release();
  }
  if (!came.finished) {
    await upload.suspend();
    return { committedSize: upload.committed };
  }
  await upload.finish();
  return { committedSize: offset + came.bytes };
}

function isZstdProblem(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' && (code.startsWith('ZSTD_') || code.startsWith('Z_') || code === 'ERR_TRAILING_JUNK_AFTER_STREAM_END');
}
