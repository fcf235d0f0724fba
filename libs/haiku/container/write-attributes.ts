import { invalidFile } from '../invalid-haiku-file.js';
import type { Attribute } from './attribute.js';
import { attributeTypes } from './attribute-ids.js';

/**
 * Attribute trees with every string where it is used; the 0 that ends the list is there. What `shareStrings` begins with, and what is kept of packages. Errors: `source-invalid`
 * for more than `most` bytes: some hundred bytes that share a long string come to any number of them.
 */
export function writeInlineAttributes(attributes: readonly Attribute[], most = Infinity): Buffer {
  const writer = new AttributeWriter(most);
  writer.list(attributes);
  return writer.bytes();
}

class AttributeWriter {
  #buffer = Buffer.allocUnsafe(4 * 1024);
  #length = 0;

  constructor(private readonly most: number) {}

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
      tag(attributeTypes.string, 0);
      this.#append(Buffer.from(`${value}\0`));
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
    if (this.#length + bytes.length > this.most) throw invalidFile(`its attributes have more than ${this.most} bytes when each stands where it is used`);
    if (this.#length + bytes.length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + bytes.length));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    bytes.copy(this.#buffer, this.#length);
    this.#length += bytes.length;
  }
}
