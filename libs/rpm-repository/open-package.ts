import { closeSync, open, openSync, read, readSync } from 'node:fs';

export interface OpenedPackage {
  readonly descriptor: number;
  /** To be given back when nothing points into it any more. */
  readonly buffer: Buffer;
  /** Bytes of the file in the buffer, from its start. */
  readonly length: number;
}

/** Headers of most packages are smaller, so one read brings all of them. */
const firstRead = 16 * 1024;
/** What a file that is in memory never takes. */
const slowMilliseconds = 1;
const readsAfterSlowOne = 256;
const readsInOneTurn = 32;

/** As many as there ever were packages open at once. */
const spareBuffers: Buffer[] = [];
let [readsUntilSwift, readsUntilTurn] = [0, readsInOneTurn];

/**
 * Opens a file and reads its beginning. What is in memory is read at once, as handing it to another thread costs more than reading it; as soon as one takes
 * long, the next ones are read by threads, many at a time. The event loop turns now and then in either case.
 */
export async function openPackage(file: string): Promise<OpenedPackage> {
  const buffer = spareBuffers.pop() ?? Buffer.allocUnsafeSlow(firstRead);
  try {
    readsUntilTurn -= 1;
    if (readsUntilSwift === 0 && readsUntilTurn > 0) return openNow(file, buffer);
    readsUntilSwift = Math.max(0, readsUntilSwift - 1);
    if (readsUntilTurn <= 0) readsUntilTurn = readsInOneTurn;
    return await openInThread(file, buffer);
  } catch (error) {
    giveBack(buffer);
    throw error;
  }
}

export function giveBack(buffer: Buffer): void {
  spareBuffers.push(buffer);
}

function openNow(file: string, buffer: Buffer): OpenedPackage {
  const start = performance.now();
  const descriptor = openSync(file, 'r');
  try {
    const length = readSync(descriptor, buffer, 0, firstRead, 0);
    if (performance.now() - start > slowMilliseconds) readsUntilSwift = readsAfterSlowOne;
    return { descriptor, buffer, length };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

// With callbacks: what node:fs/promises adds costs as much as parsing a small header.
function openInThread(file: string, buffer: Buffer): Promise<OpenedPackage> {
  return new Promise((resolve, reject) => {
    open(file, 'r', (error, descriptor) => {
      if (error !== null) return reject(error);
      read(descriptor, buffer, 0, firstRead, 0, (failure, length) => {
        if (failure === null) return resolve({ descriptor, buffer, length });
        closeSync(descriptor);
        reject(failure);
      });
    });
  });
}
