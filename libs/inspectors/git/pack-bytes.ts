import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { idLength, type ObjectFormat } from './object-id.js';

/** A pack inside of a response, read at random without being copied out of it. */
export interface PackBytes {
  /** With the trailer. */
  readonly size: number;
  /** The checksum at the pack's end is that of what precedes it. */
  readonly checksumHolds: boolean;
  /** Up to `length` bytes from `offset`, fewer at the end. */
  read(offset: number, length: number): Promise<Buffer>;
  close(): Promise<void>;
}

export interface PackCollector {
  /** The pack's next bytes, and where they stand in the response. */
  add(bytes: Buffer, offset: number): void;
  readonly size: number;
  finish(): Promise<PackBytes>;
}

/** A pack of a response that is not in a file as it is, but small or under a content coding. */
const memoryLimit = 64 * 1024 * 1024;
/** Pieces of at most 64 KiB each in honest answers, 1,000 bytes in those of old servers. */
const maxPieces = 4_000_000;
const forwardWindow = 1024 * 1024;
const backWindow = 64 * 1024;

/** Notes where a pack's bytes lie in `file`, or keeps them when there is none, and hashes them on the way. */
export function createPackCollector(file: string | undefined, format: ObjectFormat): PackCollector {
  const hash = createHash(format);
  const kept: Buffer[] = [];
  const pieces = createPieces();
  let tail: Buffer = Buffer.alloc(0);
  let size = 0;

  /** All but the last bytes, which may be the trailer. */
  function digest(bytes: Buffer): void {
    const joined = Buffer.concat([tail, bytes]);
    const end = Math.max(0, joined.length - idLength[format]);
    hash.update(joined.subarray(0, end));
    tail = joined.subarray(end);
  }

  return {
    get size() {
      return size;
    },
    add(bytes, offset) {
      digest(bytes);
      if (file === undefined) {
        if (size + bytes.length > memoryLimit) throw limitExceeded(`the git answer has a content coding and a pack of more than ${memoryLimit} bytes: turn compression of git answers off in the server`);
        kept.push(Buffer.from(bytes));
      } else {
        pieces.add(size, offset);
      }
      size += bytes.length;
    },
    async finish() {
      const checksumHolds = hash.digest().equals(tail);
      if (file === undefined) return inMemory(Buffer.concat(kept), checksumHolds);
      return inFile(await open(file), { pieces, size, checksumHolds });
    },
  };
}

function inMemory(bytes: Buffer, checksumHolds: boolean): PackBytes {
  return { size: bytes.length, checksumHolds, read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)), close: () => Promise.resolve() };
}

/** Where each piece of the pack begins, in the pack and in the file. */
interface Pieces {
  add(packOffset: number, fileOffset: number): void;
  /** The piece that holds an offset of the pack. */
  indexOf(packOffset: number): number;
  startOf(index: number): number;
  fileOffsetOf(index: number): number;
  readonly count: number;
}

function createPieces(): Pieces {
  let starts = new Float64Array(64);
  let fileOffsets = new Float64Array(64);
  let count = 0;
  return {
    get count() {
      return count;
    },
    add(packOffset, fileOffset) {
      if (count === maxPieces) throw limitExceeded(`the pack comes in more than ${maxPieces} pieces`);
      if (count === starts.length) {
        starts = doubled(starts);
        fileOffsets = doubled(fileOffsets);
      }
      starts[count] = packOffset;
      fileOffsets[count] = fileOffset;
      count += 1;
    },
    indexOf(packOffset) {
      let low = 0;
      let high = count - 1;
      while (low < high) {
        const middle = (low + high + 1) >>> 1;
        if ((starts[middle] as number) <= packOffset) low = middle;
        else high = middle - 1;
      }
      return low;
    },
    startOf: (index) => starts[index] as number,
    fileOffsetOf: (index) => fileOffsets[index] as number,
  };
}

function doubled(array: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(array.length * 2);
  larger.set(array);
  return larger;
}

function inFile(file: FileHandle, { pieces, size, checksumHolds }: { pieces: Pieces; size: number; checksumHolds: boolean }): PackBytes {
  /** One window follows the scan, the other what deltas go back to. */
  let forward: Window = { start: 0, bytes: Buffer.alloc(0) };
  let back: Window = forward;

  async function load(start: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(length);
    let index = pieces.indexOf(start);
    for (let filled = 0; filled < length; index += 1) {
      const into = start + filled - pieces.startOf(index);
      const end = index + 1 < pieces.count ? pieces.startOf(index + 1) : size;
      const wanted = Math.min(length - filled, end - pieces.startOf(index) - into);
      const { bytesRead } = await file.read(bytes, filled, wanted, pieces.fileOffsetOf(index) + into);
      if (bytesRead < wanted) throw refusal('the git answer is truncated');
      filled += wanted;
    }
    return bytes;
  }

  return {
    size,
    checksumHolds,
    async read(offset, length) {
      const wanted = Math.max(0, Math.min(length, size - offset));
      if (holds(forward, offset, wanted)) return view(forward, offset, wanted);
      if (holds(back, offset, wanted)) return view(back, offset, wanted);
      const isForward = offset >= forward.start;
      const loaded = { start: offset, bytes: await load(offset, Math.min(size - offset, Math.max(wanted, isForward ? forwardWindow : backWindow))) };
      if (isForward) forward = loaded;
      else back = loaded;
      return view(loaded, offset, wanted);
    },
    close: () => file.close(),
  };
}

interface Window {
  readonly start: number;
  readonly bytes: Buffer;
}

function holds({ start, bytes }: Window, offset: number, length: number): boolean {
  return start <= offset && offset + length <= start + bytes.length;
}

function view({ start, bytes }: Window, offset: number, length: number): Buffer {
  return bytes.subarray(offset - start, offset - start + length);
}
