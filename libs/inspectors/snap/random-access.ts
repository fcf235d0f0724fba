import { open } from 'node:fs/promises';
import type { InspectedBody } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';

/** Reads parts of a body at rest. */
export interface RandomAccess {
  readonly size: number;
  /** Exactly `length` bytes from `offset`; throws the reason when the file does not have them. */
  read(offset: number, length: number): Promise<Buffer>;
}

export function randomAccessTo(bytes: Buffer): RandomAccess {
  return {
    size: bytes.length,
    read: async (offset, length) => {
      checkRange(bytes.length, offset, length);
      return bytes.subarray(offset, offset + length);
    },
  };
}

/** Calls `work` with access to the bytes as transferred, and closes the file after it. */
export async function withRandomAccess<T>(body: InspectedBody, work: (access: RandomAccess) => Promise<T>): Promise<T> {
  // A body that is not spooled is small.
  if (body.file === undefined) return work(randomAccessTo(await body.read(body.size)));
  const file = await open(body.file, 'r');
  try {
    return await work({
      size: body.size,
      read: async (offset, length) => {
        checkRange(body.size, offset, length);
        const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
        if (bytesRead !== length) throw refusal('the file is truncated');
        return buffer;
      },
    });
  } finally {
    await file.close();
  }
}

function checkRange(size: number, offset: number, length: number): void {
  if (!Number.isSafeInteger(offset) || offset < 0 || length < 0 || offset + length > size) throw refusal('the file is truncated, or points outside of itself');
}
