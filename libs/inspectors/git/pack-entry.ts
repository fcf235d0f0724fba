import { createInflate, inflateSync } from 'node:zlib';
import { isMillraceError } from '../../errors/millrace-error.js';
import { refusal } from '../../inspection/refusal.js';
import { idLength, type ObjectFormat, type ObjectType } from './object-id.js';
import type { PackBytes } from './pack-bytes.js';

/** The head of one object in a pack (gitformat-pack, "object entries"). */
export interface EntryHeader {
  /** Undefined for a delta. */
  readonly type: ObjectType | undefined;
  /** Unpacked bytes, of the object or of the delta. */
  readonly size: number;
  /** Where the zlib stream begins. */
  readonly dataOffset: number;
  readonly baseOffset: number | undefined;
  readonly baseId: Buffer | undefined;
}

export interface Inflated {
  readonly content: Buffer;
  /** Bytes of the pack that the zlib stream took. */
  readonly consumed: number;
}

const types: Readonly<Record<number, ObjectType>> = { 1: 'commit', 2: 'tree', 3: 'blob', 4: 'tag' };
const ofsDelta = 6;
const refDelta = 7;
const maxHeader = 80;
/** Larger objects are inflated as a stream, so that the event loop stays free. */
const synchronousLimit = 1024 * 1024;
const step = 256 * 1024;

/** `end` is where the trailer begins. */
export async function readEntryHeader(bytes: PackBytes, { offset, end, format }: { offset: number; end: number; format: ObjectFormat }): Promise<EntryHeader> {
  const head = await bytes.read(offset, Math.min(maxHeader, end - offset));
  let at = 0;
  const next = (): number => {
    const byte = head[at];
    if (byte === undefined) throw refusal('the pack is truncated');
    at += 1;
    return byte;
  };
  let byte = next();
  const code = (byte >> 4) & 7;
  let size = byte & 15;
  for (let scale = 16; (byte & 0x80) !== 0; scale *= 128) {
    if (scale > 2 ** 45) throw refusal('the pack is corrupt: an object has an impossible size');
    byte = next();
    size += (byte & 0x7f) * scale;
  }
  let baseOffset: number | undefined;
  let baseId: Buffer | undefined;
  if (code === ofsDelta) {
    byte = next();
    let distance = byte & 0x7f;
    while ((byte & 0x80) !== 0) {
      byte = next();
      distance = (distance + 1) * 128 + (byte & 0x7f);
      if (distance > Number.MAX_SAFE_INTEGER / 256) break;
    }
    baseOffset = offset - distance;
    if (distance <= 0 || baseOffset < 12) throw refusal('the pack is corrupt: a delta names a base outside of the pack');
  } else if (code === refDelta) {
    baseId = Buffer.from(head.subarray(at, at + idLength[format]));
    if (baseId.length < idLength[format]) throw refusal('the pack is truncated');
    at += idLength[format];
  } else if (types[code] === undefined) {
    throw refusal(`the pack is corrupt: an object has the unknown type ${code}`);
  }
  return { type: types[code], size, dataOffset: offset + at, baseOffset, baseId };
}

/** The whole content of an entry, whose size the caller has bounded. */
export async function inflateEntry(bytes: PackBytes, header: EntryHeader, end: number): Promise<Inflated> {
  if (header.size <= synchronousLimit) {
    const inflated = inflateAtOnce(await bytes.read(header.dataOffset, Math.min(packedBound(header.size), end - header.dataOffset)), header.size);
    if (inflated !== undefined) return inflated;
  }
  const content = Buffer.allocUnsafe(header.size);
  let filled = 0;
  const consumed = await streamEntry(bytes, { header, end }, (chunk) => void (filled += chunk.copy(content, filled)));
  return { content, consumed };
}

/** Undefined when the stream is longer than any encoder makes it, or damaged: the slow way then tells which. */
function inflateAtOnce(packed: Buffer, size: number): Inflated | undefined {
  try {
    // With `info` the result has the engine too, which the types do not say.
    const options = { info: true, maxOutputLength: size + 1, chunkSize: Math.max(64, size + 1) };
    const { buffer, engine } = inflateSync(packed, options) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    return buffer.length === size ? { content: buffer, consumed: engine.bytesWritten } : undefined;
  } catch {
    return undefined;
  }
}

/** Hands over the content in pieces; returns how many bytes of the pack the zlib stream took. Throws when it is damaged or not of the size that its head says. */
export async function streamEntry(bytes: PackBytes, { header, end }: { header: EntryHeader; end: number }, consume: (chunk: Buffer) => void): Promise<number> {
  const inflate = createInflate({ chunkSize: 64 * 1024 });
  let size = 0;
  const failed = new Promise<never>((_resolve, reject) => inflate.once('error', reject));
  failed.catch(() => undefined);
  let ended = false;
  inflate.once('end', () => (ended = true));
  inflate.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > header.size) inflate.destroy(refusal(wrongSize));
    else consume(chunk);
  });
  try {
    await Promise.race([failed, feed()]);
    if (size !== header.size) throw refusal(wrongSize);
    return inflate.bytesWritten;
  } catch (error) {
    if (isMillraceError(error)) throw error;
    throw refusal('the pack is corrupt: an object is no sound zlib stream', error);
  } finally {
    inflate.destroy();
  }

  async function feed(): Promise<void> {
    const limit = Math.min(end, header.dataOffset + packedBound(header.size));
    for (let offset = header.dataOffset; offset < limit && !ended; ) {
      const piece = await bytes.read(offset, Math.min(step, limit - offset));
      offset += piece.length;
      const before = inflate.bytesWritten;
      await new Promise<void>((resolve, reject) => inflate.write(piece, (error) => (error ? reject(error) : resolve())));
      // At its end the stream takes no more.
      if (inflate.bytesWritten - before < piece.length) break;
    }
    const closed = new Promise<void>((resolve) => (ended ? resolve() : inflate.once('end', () => resolve())));
    inflate.end();
    await closed;
  }
}

const wrongSize = 'the pack is corrupt: an object has not the size that its head says';

/** More than any encoder makes of so many bytes: each block of deflate adds some, an endless row of empty ones is an attack. */
function packedBound(size: number): number {
  return size + Math.ceil(size / 8) + 1024;
}
