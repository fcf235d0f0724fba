import { MillraceError } from '../errors/millrace-error.js';

/** One field of a message of Protocol Buffers, without a copy of its bytes. */
export interface WireField {
  readonly number: number;
  readonly isVarint: boolean;
  /** Of a varint; undefined: it is no varint, or one that no double can hold (numbers below zero). */
  readonly value: number | undefined;
  /** Of a field with a length (string, bytes, message); undefined: it has none. */
  readonly start: number;
  readonly end: number;
}

const varintType = 0;
const fixed64Type = 1;
const lengthType = 2;
const fixed32Type = 5;

/**
 * Walks the fields of a message that lies between two places of a buffer, so that bytes of strangers are looked at without making an object for each of their
 * parts: two bytes of theirs would otherwise be a hundred of ours. Groups, which no message of ours has, are refused. Errors: `source-invalid`.
 */
export function* wireFields(bytes: Buffer, start = 0, end = bytes.length): Generator<WireField> {
  const cursor = { at: start, end };
  while (cursor.at < end) {
    const tag = readVarint(bytes, cursor);
    const number = Math.floor(tag / 8);
    if (number < 1 || tag > 0xffff_ffff) throw broken('a field with an impossible number');
    const type = tag % 8;
    if (type === varintType) {
      const value = readVarint(bytes, cursor);
      yield { number, isVarint: true, value: Number.isSafeInteger(value) ? value : undefined, start: cursor.at, end: cursor.at };
      continue;
    }
    const length = lengthOf(type, bytes, cursor);
    const from = cursor.at;
    if (length > end - from) throw broken('a field that goes on beyond the end');
    cursor.at = from + length;
    yield type === lengthType ? { number, isVarint: false, value: undefined, start: from, end: cursor.at } : { number, isVarint: false, value: undefined, start: from, end: from };
  }
}

function lengthOf(type: number, bytes: Buffer, cursor: { at: number; readonly end: number }): number {
  if (type === lengthType) return readVarint(bytes, cursor);
  if (type === fixed64Type) return 8;
  if (type === fixed32Type) return 4;
  throw broken(`a field of wire type ${type}`);
}

function readVarint(bytes: Buffer, cursor: { at: number; readonly end: number }): number {
  let value = 0;
  let factor = 1;
  for (let count = 0; count < 10; count += 1) {
    if (cursor.at >= cursor.end) throw broken('a number that breaks off');
    const byte = bytes[cursor.at] ?? 0;
    cursor.at += 1;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
    factor *= 128;
  }
  throw broken('a number of more than ten bytes');
}

function broken(what: string): MillraceError {
  return new MillraceError('source-invalid', `no message of the Remote Execution API: it has ${what}`);
}
