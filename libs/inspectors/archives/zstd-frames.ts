import { pipeline } from 'node:stream';
import { constants, createZstdDecompress } from 'node:zlib';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { createZstdFrameScanner } from './zstd-frame-scanner.js';

/** 128 MiB: what `zstd --ultra -22 --long=27` needs, and what the zstd tool itself accepts without being told. */
const zstdWindow = 27;
/** Each costs a decoder. Repositories of a million packages have some ten thousand. */
const frameLimit = 20_000;

/**
 * Unpacks one zstd frame after the other, as every zstd tool does and Node's decoder does not: it ends quietly at the end of the first. Throws for corrupt and
 * truncated data, and for what is no frame.
 */
export async function* unpackZstdFrames(source: AsyncIterable<Buffer>, maxFrames = frameLimit): AsyncGenerator<Buffer, void> {
  const chunks = source[Symbol.asyncIterator]();
  let waiting: Buffer = Buffer.alloc(0);
  const hasMore = async (): Promise<boolean> => {
    while (waiting.length === 0) {
      const next = await chunks.next();
      if (next.done === true) return false;
      waiting = next.value;
    }
    return true;
  };
  async function* frame(): AsyncGenerator<Buffer, void> {
    const scanner = createZstdFrameScanner();
    do {
      if (!(await hasMore())) throw refusal('the zstd data is damaged or truncated');
      const part = waiting.subarray(0, scanner.scan(waiting));
      waiting = waiting.subarray(part.length);
      yield part;
    } while (!scanner.ended);
  }
  try {
    for (let frames = 0; await hasMore(); frames += 1) {
      if (frames === maxFrames) throw limitExceeded(`the zstd data has more than ${maxFrames} frames`);
      yield* unpackFrame(frame());
    }
  } finally {
    await chunks.return?.();
  }
}

async function* unpackFrame(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  const decoder = createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: zstdWindow } });
  const stream = pipeline(bytes, decoder, () => undefined);
  try {
    for await (const chunk of stream as unknown as AsyncIterable<Buffer>) yield chunk;
  } finally {
    stream.destroy();
  }
}
