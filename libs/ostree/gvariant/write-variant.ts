import { aligned, offsetSize, variantType, type ArrayType, type TupleType, type VariantType } from './variant-type.js';
import { isTyped, type VariantValue } from './variant.js';

/** In GLib's normal form, numbers with their lowest byte first. A value that is not of the type is a mistake of the caller: `TypeError`. */
export function writeVariant(signature: string, value: VariantValue): Buffer {
  return write(variantType(signature), value);
}

function write(type: VariantType, value: VariantValue): Buffer {
  if (type.kind === 'array') return writeArray(type, value);
  if (type.kind === 'tuple') return writeTuple(type, value);
  if (type.kind === 'string') return Buffer.from(`${expected(typeof value === 'string' && !value.includes('\0') ? value : undefined, type)}\0`);
  if (type.kind === 'variant') {
    const { signature, value: inner } = expected(isTyped(value) ? value : undefined, type);
    return Buffer.concat([writeVariant(signature, inner), Buffer.from([0]), Buffer.from(signature)]);
  }
  return writeNumber(type, value);
}

function writeNumber(type: VariantType, value: VariantValue): Buffer {
  const bytes = Buffer.alloc(type.fixedSize ?? 0);
  const number = typeof value === 'number' ? value : undefined;
  const big = typeof value === 'bigint' ? value : undefined;
  if (type.kind === 'byte') bytes.writeUInt8(expected(number, type));
  else if (type.kind === 'boolean') bytes.writeUInt8(expected(typeof value === 'boolean' ? Number(value) : undefined, type));
  else if (type.kind === 'uint16') bytes.writeUInt16LE(expected(number, type));
  else if (type.kind === 'uint32') bytes.writeUInt32LE(expected(number, type));
  else if (type.kind === 'int32') bytes.writeInt32LE(expected(number, type));
  else if (type.kind === 'uint64') bytes.writeBigUInt64LE(expected(big, type));
  else bytes.writeBigInt64LE(expected(big, type));
  return bytes;
}

function writeArray(type: ArrayType, value: VariantValue): Buffer {
  if (type.element.kind === 'byte') return expected(Buffer.isBuffer(value) ? value : undefined, type);
  const elements = expected(Array.isArray(value) ? (value as readonly VariantValue[]) : undefined, type).map((element) => write(type.element, element));
  const body = new Body();
  const ends = elements.map((element) => body.add(element, type.element.alignment));
  return type.element.fixedSize === undefined && elements.length > 0 ? body.framed(ends) : body.bytes();
}

function writeTuple(type: TupleType, value: VariantValue): Buffer {
  const values = expected(Array.isArray(value) && value.length === type.members.length ? (value as readonly VariantValue[]) : undefined, type);
  if (values.length === 0) return Buffer.from([0]);
  const body = new Body();
  const last = values.length - 1;
  const ends: number[] = [];
  type.members.forEach((member, index) => {
    const end = body.add(write(member, values[index] as VariantValue), member.alignment);
    if (member.fixedSize === undefined && index < last) ends.push(end);
  });
  if (type.fixedSize !== undefined) body.pad(type.alignment);
  return body.framed(ends.toReversed());
}

class Body {
  readonly #parts: Buffer[] = [];
  #size = 0;

  /** Returns where it ends. */
  add(part: Buffer, alignment: number): number {
    this.pad(alignment);
    this.#parts.push(part);
    this.#size += part.length;
    return this.#size;
  }

  pad(alignment: number): void {
    const padding = aligned(this.#size, alignment) - this.#size;
    if (padding > 0) this.#parts.push(Buffer.alloc(padding));
    this.#size += padding;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts, this.#size);
  }

  /** With the ends of elements behind them, in as few bytes as the whole allows. */
  framed(ends: readonly number[]): Buffer {
    const width = ([1, 2, 4] as const).find((each) => offsetSize(this.#size + ends.length * each) <= each) ?? 4;
    const offsets = Buffer.alloc(ends.length * width);
    ends.forEach((end, index) => offsets.writeUIntLE(end, index * width, width));
    return Buffer.concat([...this.#parts, offsets]);
  }
}

function expected<T>(value: T | undefined, type: VariantType): T {
  if (value === undefined) throw new TypeError(`not a value of type ${type.signature}`);
  return value;
}
