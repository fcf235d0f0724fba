import { refusal } from '../../inspection/refusal.js';

/** Reads exact numbers of bytes from a stream of chunks, without keeping more than one chunk and what is asked for. */
export interface ByteSource {
  /** Exactly `length` bytes; undefined at the very end; throws when the stream ends in between. */
  read(length: number): Promise<Buffer | undefined>;
  /** Passes over exactly `length` bytes; throws when there are fewer. */
  skip(length: number): Promise<void>;
  /** Reads to the end; false when a byte that is not zero is met. */
  onlyZerosLeft(): Promise<boolean>;
}

export function createByteSource(chunks: AsyncIterator<Buffer>): ByteSource {
  let current: Buffer = Buffer.alloc(0);

  async function fill(): Promise<boolean> {
    while (current.length === 0) {
      const next = await chunks.next();
      if (next.done === true) return false;
      current = next.value;
    }
    return true;
  }

  async function read(length: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      if (!(await fill())) {
        if (missing === length) return undefined;
        throw refusal('the archive is truncated');
      }
      const part = current.subarray(0, missing);
      current = current.subarray(part.length);
      missing -= part.length;
      parts.push(part);
    }
    return parts.length === 1 ? parts[0] : Buffer.concat(parts, length);
  }

  async function skip(length: number): Promise<void> {
    let missing = length;
    while (missing > 0) {
      if (!(await fill())) throw refusal('the archive is truncated');
      const passed = Math.min(missing, current.length);
      current = current.subarray(passed);
      missing -= passed;
    }
  }

  async function onlyZerosLeft(): Promise<boolean> {
    while (await fill()) {
      if (current.some((byte) => byte !== 0)) return false;
      current = current.subarray(current.length);
    }
    return true;
  }

  return { read, skip, onlyZerosLeft };
}
