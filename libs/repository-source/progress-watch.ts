import type { Readable } from 'node:stream';
import type { SourceLimits } from './source-limits.js';

/** Rejects with what `late` makes when the work takes longer; the work itself goes on and its outcome is nobody's. */
export function withinTime<T>(work: Promise<T>, milliseconds: number, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), Math.max(0, milliseconds));
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/**
 * The bytes of a body, as long as it makes progress: `progressBytes` more within `progressTime` of waiting, so that a server cannot hold a connection by
 * a byte now and then. Only waiting counts, never the time that the reader takes.
 */
export async function* pacedBody(body: Readable, limits: Pick<SourceLimits, 'progressTime' | 'progressBytes'>, late: () => Error): AsyncGenerator<Buffer, void> {
  const chunks = (body as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  let [waited, bytes] = [0, 0];
  try {
    for (;;) {
      const since = performance.now();
      const next = await withinTime(chunks.next(), limits.progressTime - waited, late);
      if (next.done === true) return;
      waited += performance.now() - since;
      bytes += next.value.length;
      if (bytes >= limits.progressBytes) [waited, bytes] = [0, 0];
      yield next.value;
    }
  } finally {
    // What breaks off must not report to nobody.
    body.on('error', () => undefined).destroy();
  }
}
