import { invalidOstree } from '../invalid-ostree.js';
import { aligned, offsetSize, variantType, type ArrayType, type TupleType, type VariantType } from './variant-type.js';
import type { VariantValue } from './variant.js';

export interface ReadOptions {
  /** Of the numbers; framing is the same in both. */
  readonly byteOrder?: 'little' | 'big';
}

/** Variants may hold variants. */
const deepest = 16;

/**
 * Reads a value in GLib's normal form and refuses every other: GLib would read defaults in their place, and two readers could see different things in one object. Time and
 * memory are linear in the bytes. Errors: `source-invalid`.
 */
export function readVariant(signature: string, bytes: Buffer, { byteOrder = 'little' }: ReadOptions = {}): VariantValue {
  return read(variantType(signature), bytes, { little: byteOrder === 'little', depth: 0 });
}

interface Context {
  readonly little: boolean;
  readonly depth: number;
}

function read(type: VariantType, bytes: Buffer, context: Context): VariantValue {
  if (type.fixedSize !== undefined && bytes.length !== type.fixedSize) throw invalidOstree(`${bytes.length} bytes for a value of type ${type.signature}`);
  if (type.kind === 'array') return readArray(type, bytes, context);
  if (type.kind === 'tuple') return readTuple(type, bytes, context);
  if (type.kind === 'string') return readString(bytes);
  if (type.kind === 'variant') return readInner(bytes, context);
  return readNumber(type, bytes, context.little);
}

function readNumber(type: VariantType, bytes: Buffer, little: boolean): VariantValue {
  switch (type.kind) {
    case 'byte':
      return bytes.readUInt8();
    case 'boolean':
      return asBoolean(bytes.readUInt8());
    case 'uint16':
      return little ? bytes.readUInt16LE() : bytes.readUInt16BE();
    case 'int32':
      return little ? bytes.readInt32LE() : bytes.readInt32BE();
    case 'uint32':
      return little ? bytes.readUInt32LE() : bytes.readUInt32BE();
    case 'int64':
      return little ? bytes.readBigInt64LE() : bytes.readBigInt64BE();
    default:
      return little ? bytes.readBigUInt64LE() : bytes.readBigUInt64BE();
  }
}

function asBoolean(byte: number): boolean {
  if (byte > 1) throw invalidOstree(`a boolean of ${byte}`);
  return byte === 1;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function readString(bytes: Buffer): string {
  if (bytes.length === 0 || bytes.indexOf(0) !== bytes.length - 1) throw invalidOstree('a text without its end, or with more behind it');
  try {
    return utf8.decode(bytes.subarray(0, -1));
  } catch (cause) {
    throw invalidOstree('a text that is not UTF-8', { cause });
  }
}

function readInner(bytes: Buffer, context: Context): VariantValue {
  const separator = bytes.lastIndexOf(0);
  if (separator < 0) throw invalidOstree('a value without its type');
  if (context.depth >= deepest) throw invalidOstree(`values inside each other, more than ${deepest} deep`);
  const signature = bytes.toString('latin1', separator + 1);
  return { signature, value: read(variantType(signature), bytes.subarray(0, separator), { ...context, depth: context.depth + 1 }) };
}

function readArray(type: ArrayType, bytes: Buffer, context: Context): VariantValue {
  const { element } = type;
  if (element.kind === 'byte') return bytes;
  if (bytes.length === 0) return [];
  if (element.fixedSize !== undefined) {
    const size = element.fixedSize;
    if (bytes.length % size !== 0) throw invalidOstree(`${bytes.length} bytes for an array of ${size} bytes each`);
    return Array.from({ length: bytes.length / size }, (_, index) => read(element, bytes.subarray(index * size, (index + 1) * size), context));
  }
  const width = offsetSize(bytes.length);
  const bodyEnd = offsetAt(bytes, bytes.length - width, width);
  const count = (bytes.length - bodyEnd) / width;
  if (!Number.isInteger(count) || count < 1) throw invalidOstree('an array with broken framing');
  const values: VariantValue[] = [];
  const body = new Sequence(bytes.subarray(0, bodyEnd));
  for (let index = 0; index < count; index += 1) values.push(read(element, body.take(element.alignment, offsetAt(bytes, bodyEnd + index * width, width)), context));
  body.finish();
  return values;
}

function readTuple(type: TupleType, bytes: Buffer, context: Context): VariantValue {
  const { members } = type;
  if (members.length === 0) {
    if (bytes.readUInt8() !== 0) throw invalidOstree('an empty tuple that is not zero');
    return [];
  }
  const width = offsetSize(bytes.length);
  const last = members.length - 1;
  const framed = members.filter((member, index) => member.fixedSize === undefined && index < last).length;
  const bodyEnd = bytes.length - framed * width;
  if (bodyEnd < 0) throw invalidOstree('a tuple with broken framing');
  const body = new Sequence(bytes.subarray(0, bodyEnd));
  let frame = bytes.length;
  const values = members.map((member, index) => {
    if (member.fixedSize !== undefined) return read(member, body.take(member.alignment, aligned(body.position, member.alignment) + member.fixedSize), context);
    if (index === last) return read(member, body.take(member.alignment, bodyEnd), context);
    frame -= width;
    return read(member, body.take(member.alignment, offsetAt(bytes, frame, width)), context);
  });
  if (type.fixedSize !== undefined) body.skipPadding(bodyEnd);
  body.finish();
  return values;
}

function offsetAt(bytes: Buffer, position: number, width: 1 | 2 | 4): number {
  return position < 0 ? -1 : bytes.readUIntLE(position, width);
}

/** Parts one after the other, each at its alignment, with nothing but zeros between. */
class Sequence {
  position = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  take(alignment: number, end: number): Buffer {
    const start = aligned(this.position, alignment);
    if (end < start || end > this.#bytes.length) throw invalidOstree('parts that lie outside of their whole');
    this.skipPadding(start);
    this.position = end;
    return this.#bytes.subarray(start, end);
  }

  skipPadding(to: number): void {
    for (let index = this.position; index < to; index += 1) if (this.#bytes[index] !== 0) throw invalidOstree('padding that is not zero');
    this.position = to;
  }

  finish(): void {
    if (this.position !== this.#bytes.length) throw invalidOstree('bytes that belong to nothing');
  }
}
