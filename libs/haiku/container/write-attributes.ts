import type { Attribute } from './attribute.js';
import { attributeTypes } from './attribute-ids.js';

export interface WrittenSection {
  readonly bytes: Buffer;
  readonly stringsLength: number;
  readonly stringsCount: number;
}

/** Shared strings, and the trees that refer to them: a string stands there when it comes twice or more. The same input gives the same bytes. */
export function writeAttributes(attributes: readonly Attribute[]): WrittenSection {
  const strings = sharedStrings(attributes);
  const table = Buffer.concat([...[...strings.keys()].map((text) => Buffer.from(`${text}\0`)), Buffer.from([0])]);
  const writer = new AttributeWriter(strings);
  writer.list(attributes);
  return { bytes: Buffer.concat([table, writer.bytes()]), stringsLength: table.length, stringsCount: strings.size };
}

/** Those that are used most have the smallest numbers. */
function sharedStrings(attributes: readonly Attribute[]): ReadonlyMap<string, number> {
  const uses = new Map<string, number>();
  const count = (list: readonly Attribute[]): void => {
    for (const { value, children } of list) {
      if (typeof value === 'string' && value !== '') uses.set(value, (uses.get(value) ?? 0) + 1);
      count(children);
    }
  };
  count(attributes);
  const shared = [...uses].filter(([, number]) => number > 1).sort(([one, often], [other, oftener]) => oftener - often || (one < other ? -1 : 1));
  return new Map(shared.map(([text], index) => [text, index]));
}

class AttributeWriter {
  #buffer = Buffer.allocUnsafe(64 * 1024);
  #length = 0;

  constructor(private readonly strings: ReadonlyMap<string, number>) {}

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  list(attributes: readonly Attribute[]): void {
    for (const attribute of attributes) this.#attribute(attribute);
    this.#leb128(0);
  }

  #attribute({ id, value, children }: Attribute): void {
    const tag = (type: number, encoding: number): void => this.#leb128(((encoding << 11) | ((children.length > 0 ? 1 : 0) << 10) | (type << 7) | id) + 1);
    if (typeof value === 'number') {
      const encoding = value < 2 ** 8 ? 0 : value < 2 ** 16 ? 1 : value < 2 ** 32 ? 2 : 3;
      tag(attributeTypes.uint, encoding);
      this.#integer(value, 2 ** encoding);
    } else if (typeof value === 'string') {
      const index = this.strings.get(value);
      tag(attributeTypes.string, index === undefined ? 0 : 1);
      if (index === undefined) this.#append(Buffer.from(`${value}\0`));
      else this.#leb128(index);
    } else if (Buffer.isBuffer(value)) {
      tag(attributeTypes.raw, 0);
      this.#leb128(value.length);
      this.#append(value);
    } else {
      tag(attributeTypes.raw, 1);
      this.#leb128(value.size);
      this.#leb128(value.offset);
    }
    if (children.length > 0) this.list(children);
  }

  #integer(value: number, size: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt(value));
    this.#append(bytes.subarray(8 - size));
  }

  #leb128(value: number): void {
    const bytes: number[] = [];
    let rest = value;
    do {
      bytes.push((rest % 128) + (rest >= 128 ? 128 : 0));
      rest = Math.floor(rest / 128);
    } while (rest > 0);
    this.#append(Buffer.from(bytes));
  }

  #append(bytes: Buffer): void {
    if (this.#length + bytes.length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + bytes.length));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    bytes.copy(this.#buffer, this.#length);
    this.#length += bytes.length;
  }
}
