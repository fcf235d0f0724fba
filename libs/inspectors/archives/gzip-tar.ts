import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { isMillraceError } from '../../errors/millrace-error.js';
import type { InspectedBody, InspectionContext } from '../../inspection/inspector.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { archiveLimits, type ArchiveLimits } from './archive-limits.js';
import { readTar, type WantsContent } from './tar-reader.js';

/** Reads a body that is a gzip-compressed tar archive to its end; see `readTar`. The limits guard against gzip bombs as well. */
export async function readGzipTar(
  body: InspectedBody,
  context: InspectionContext,
  wants: WantsContent,
  limits: ArchiveLimits = archiveLimits,
): Promise<Map<string, Buffer>> {
  const packed = body.open();
  const unpacked = pipeline(packed, createGunzip({ chunkSize: 64 * 1024 }), () => undefined);
  try {
    return await readTar(bounded(unpacked, body, { context, limits }), limits, wants);
  } catch (error) {
    if (isMillraceError(error)) throw error;
    context.signal?.throwIfAborted();
    throw refusal('the archive is not a sound gzip file', error);
  } finally {
    packed.destroy();
    unpacked.destroy();
  }
}

async function* bounded(unpacked: Readable, body: InspectedBody, options: { context: InspectionContext; limits: ArchiveLimits }): AsyncGenerator<Buffer, void> {
  const { context, limits } = options;
  let size = 0;
  for await (const chunk of unpacked as AsyncIterable<Buffer>) {
    context.signal?.throwIfAborted();
    size += chunk.length;
    if (size > limits.unpackedBytes) throw limitExceeded(`the archive unpacks to more than ${limits.unpackedBytes} bytes`);
    if (size > limits.ratioFrom && size > body.size * limits.ratio) throw limitExceeded(`the archive unpacks to more than ${limits.ratio} times its size`);
    yield chunk;
  }
}
