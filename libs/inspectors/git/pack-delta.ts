import { refusal } from '../../inspection/refusal.js';

/**
 * Rebuilds an object from its base and a delta: two sizes, then copies from the base and insertions (gitformat-pack, "Deltified
 * representation"). Throws when the delta does not fit the base or makes more than `limit` bytes.
 */
export function applyDelta(base: Buffer, delta: Buffer, limit: number): Buffer {
  const cursor = { at: 0 };
  if (readSize(delta, cursor) !== base.length) throw damaged();
  const size = readSize(delta, cursor);
  if (size > limit) throw refusal(`the pack has a delta that makes an object of ${size} bytes, more than ${limit}`);
  const result = Buffer.allocUnsafe(size);
  let filled = 0;
  while (cursor.at < delta.length) {
    const operation = delta[cursor.at++] as number;
    if (operation === 0) throw damaged();
    const copied = (operation & 0x80) === 0 ? undefined : readCopy(delta, cursor, operation);
    const length = copied?.length ?? operation;
    const source = copied === undefined ? delta : base;
    const from = copied?.from ?? cursor.at;
    if (from + length > source.length || filled + length > size) throw damaged();
    source.copy(result, filled, from, from + length);
    filled += length;
    if (copied === undefined) cursor.at += length;
  }
  if (filled !== size) throw damaged();
  return result;
}

function readSize(delta: Buffer, cursor: { at: number }): number {
  let size = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = delta[cursor.at++];
    if (byte === undefined || scale > 2 ** 42) throw damaged();
    size += (byte & 0x7f) * scale;
    if ((byte & 0x80) === 0) return size;
  }
}

/** Each of the low seven bits says whether a byte of the offset (four) or of the length (three) follows. */
function readCopy(delta: Buffer, cursor: { at: number }, operation: number): { from: number; length: number } {
  let from = 0;
  let length = 0;
  for (let bit = 0; bit < 7; bit += 1) {
    if ((operation & (1 << bit)) === 0) continue;
    const byte = delta[cursor.at++];
    if (byte === undefined) throw damaged();
    if (bit < 4) from += byte * 256 ** bit;
    else length += byte * 256 ** (bit - 4);
  }
  return { from, length: length === 0 ? 0x10000 : length };
}

function damaged(): Error {
  return refusal('the pack is corrupt: a delta does not fit its base');
}
