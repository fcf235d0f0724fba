import { invalidFile } from '../invalid-haiku-file.js';
import type { Attribute, AttributeValue } from './attribute.js';
import { attributeTypes } from './attribute-ids.js';

export interface SectionPlace {
  /** Bytes of the strings at the section's beginning. */
  readonly stringsLength: number;
  readonly stringsCount: number;
  /** Attributes that it may have; each takes some hundred bytes of memory. Of `eachAttribute`: that each tree may have. */
  readonly most?: number;
}

const deepest = 32;
/** Two bits of encoding, one of children, three of type, seven of id, and one. */
const largestTag = 2 ** 13;
const mostAttributes = 1_000_000;
const longestString = 4 * 1024 * 1024;

/** A section of shared strings and attribute trees. Errors: `source-invalid`. */
export function readAttributes(section: Buffer, { stringsLength, stringsCount, most = mostAttributes }: SectionPlace): Attribute[] {
  const reader = openReader(section, { stringsLength, stringsCount, most });
  const attributes = reader.list(0);
  checkEnd(reader, section);
  return attributes;
}

/** The same, one tree at a time, so that a section of millions of attributes is never in memory whole. Errors: `source-invalid`, as late as what is wrong stands in it. */
export function* eachAttribute(section: Buffer, { stringsLength, stringsCount, most = mostAttributes }: SectionPlace): Generator<Attribute, void> {
  const reader = openReader(section, { stringsLength, stringsCount, most });
  for (let attribute = reader.next(0); attribute !== undefined; attribute = reader.next(0)) {
    yield attribute;
    reader.count = 0;
  }
  checkEnd(reader, section);
}

function openReader(section: Buffer, { stringsLength, stringsCount, most }: Required<SectionPlace>): AttributeReader {
  return new AttributeReader(section, stringsLength, { strings: readStrings(section, { stringsLength, stringsCount }), most });
}

function checkEnd({ position }: AttributeReader, section: Buffer): void {
  if (position !== section.length) throw invalidFile(`${section.length - position} bytes follow its attributes`);
}

function readStrings(section: Buffer, { stringsLength, stringsCount }: SectionPlace): string[] {
  if (stringsLength > section.length) throw invalidFile('its strings end beyond their section');
  if (stringsLength === 0) throw invalidFile('its strings have no end');
  const strings: string[] = [];
  let at = 0;
  while (section[at] !== 0) {
    const end = section.indexOf(0, at);
    if (end < 0 || end >= stringsLength - 1) throw invalidFile('its strings have no end');
    strings.push(textOf(section, at, end));
    at = end + 1;
    if (strings.length > stringsCount) throw invalidFile(`it has more strings than the ${stringsCount} that it says`);
  }
  if (at !== stringsLength - 1 || strings.length !== stringsCount) throw invalidFile(`it has ${strings.length} strings in the place of ${stringsCount}`);
  return strings;
}

function textOf(bytes: Buffer, from: number, to: number): string {
  if (to - from > longestString) throw invalidFile(`a string has ${to - from} bytes`);
  const part = bytes.subarray(from, to);
  const text = part.toString('utf8');
  if (Buffer.byteLength(text) !== part.length || (text.includes('\ufffd') && !part.includes(Buffer.from('\ufffd')))) throw invalidFile(`a string is not UTF-8: ${JSON.stringify(text.slice(0, 40))}`);
  return text;
}

class AttributeReader {
  count = 0;

  constructor(
    private readonly bytes: Buffer,
    public position: number,
    private readonly limits: { readonly strings: readonly string[]; readonly most: number },
  ) {}

  /** Until the 0 that ends a list. */
  list(depth: number): Attribute[] {
    if (depth > deepest) throw invalidFile(`its attributes are nested more than ${deepest} deep`);
    const attributes: Attribute[] = [];
    for (let attribute = this.next(depth); attribute !== undefined; attribute = this.next(depth)) attributes.push(attribute);
    return attributes;
  }

  /** Undefined: the list has ended. */
  next(depth: number): Attribute | undefined {
    const tag = this.#leb128();
    if (tag === 0) return undefined;
    if ((this.count += 1) > this.limits.most) throw invalidFile(`it has more than ${this.limits.most} attributes`);
    if (tag > largestTag) throw invalidFile(`an attribute has the unknown tag ${tag}`);
    const bits = tag - 1;
    const value = this.#value((bits >> 7) & 0x7, bits >> 11);
    const hasChildren = ((bits >> 10) & 1) === 1;
    return { id: bits & 0x7f, value, children: hasChildren ? this.list(depth + 1) : [] };
  }

  #value(type: number, encoding: number): AttributeValue {
    if ((type === attributeTypes.int || type === attributeTypes.uint) && encoding <= 3) return this.#integer(type === attributeTypes.int, encoding);
    if (type === attributeTypes.string && encoding === 0) return this.#inlineString();
    if (type === attributeTypes.string && encoding === 1) return this.#sharedString();
    if (type === attributeTypes.raw && encoding === 0) return this.#take(this.#leb128());
    if (type === attributeTypes.raw && encoding === 1) return { size: this.#leb128(), offset: this.#leb128() };
    throw invalidFile(`an attribute has the unknown type ${type} with encoding ${encoding}`);
  }

  #integer(signed: boolean, encoding: number): number {
    const bytes = this.#take(2 ** encoding);
    if (encoding < 3) return signed ? bytes.readIntBE(0, bytes.length) : bytes.readUIntBE(0, bytes.length);
    const value = signed ? bytes.readBigInt64BE() : bytes.readBigUInt64BE();
    if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER)) throw invalidFile(`an attribute has the value ${value}`);
    return Number(value);
  }

  #inlineString(): string {
    const end = this.bytes.indexOf(0, this.position);
    if (end < 0) throw invalidFile('a string has no end');
    const text = textOf(this.bytes, this.position, end);
    this.position = end + 1;
    return text;
  }

  #sharedString(): string {
    const index = this.#leb128();
    const text = this.limits.strings[index];
    if (text === undefined) throw invalidFile(`it refers to string ${index} of ${this.limits.strings.length}`);
    return text;
  }

  #take(length: number): Buffer {
    if (this.position + length > this.bytes.length) throw invalidFile('an attribute ends beyond its section');
    const bytes = this.bytes.subarray(this.position, this.position + length);
    this.position += length;
    return bytes;
  }

  #leb128(): number {
    let value = 0;
    for (let shift = 0; shift < 49; shift += 7) {
      const byte = this.bytes[this.position];
      if (byte === undefined) throw invalidFile('its attributes have no end');
      this.position += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw invalidFile('a number is too large');
  }
}
