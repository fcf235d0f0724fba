import { limitExceeded, refusal } from '../../inspection/refusal.js';

/** What a Marshal document of a gem registry may be made of; strings are decoded as UTF-8. */
export type MarshalValue = null | boolean | number | string | MarshalSymbol | MarshalBytes | MarshalObject | MarshalPairs | readonly MarshalValue[];

export interface MarshalSymbol {
  readonly symbol: string;
}
/** What a class dumped as bytes of its own format (`_dump`). */
export interface MarshalBytes {
  readonly dumpedBy: string;
  readonly bytes: Buffer;
}
export interface MarshalObject {
  readonly className: string;
  /** Instance variables, or what the class dumped (`marshal_dump`) under the key `dumped`. */
  readonly fields: ReadonlyMap<string, MarshalValue>;
}
export interface MarshalPairs {
  readonly pairs: readonly (readonly [MarshalValue, MarshalValue])[];
}

export interface MarshalLimits {
  /** Nesting. */
  readonly depth: number;
  /** Values in all. */
  readonly values: number;
  /** False: links to earlier values become null, so that what was read need not be kept. */
  readonly keepsLinks: boolean;
}

/** Loading any other class could run code of the build's, which is how such documents are abused. */
const classes: ReadonlySet<string> = new Set(['Gem::Specification', 'Gem::Version', 'Gem::Requirement', 'Gem::Version::Requirement', 'Gem::Dependency', 'Gem::Platform', 'Time', 'Date', 'Rational']);
const maxSymbols = 10_000;
const maxSymbolLength = 256;

/**
 * Reads Ruby's Marshal format 4.8 from hostile bytes, only as far as gem registries use it: null, booleans, numbers, strings, symbols, arrays,
 * hashes, and objects of the classes that a specification is made of. Everything else (other classes, extended objects, procs by a gadget,
 * structures, regular expressions) is refused by name. Own code: no library reads it without building what it is told to.
 */
export class MarshalReader {
  #offset = 0;
  #values = 0;
  #linkable = 0;
  readonly #objects: MarshalValue[] = [];
  readonly #symbols: string[] = [];

  constructor(
    private readonly bytes: Buffer,
    private readonly limits: MarshalLimits,
  ) {
    if (bytes.length < 2 || bytes[0] !== 4 || bytes[1] !== 8) throw refusal('the document is not in the Marshal format 4.8');
    this.#offset = 2;
  }

  /** The document as one value; throws when anything follows it. */
  readDocument(): MarshalValue {
    const value = this.readValue(0);
    this.expectEnd();
    return value;
  }

  expectEnd(): void {
    if (this.#offset !== this.bytes.length) throw refusal('the Marshal document has data after its end');
  }

  /** Passes over the start of an array and returns the number of values that follow: for documents too large to hold. */
  readArrayStart(): number {
    if (this.#byte() !== 0x5b) throw refusal('the Marshal document is not an array');
    this.#register(null);
    return this.#length();
  }

  readValue(depth: number): MarshalValue {
    if (depth > this.limits.depth) throw limitExceeded(`the Marshal document is nested deeper than ${this.limits.depth} levels`);
    this.#values += 1;
    if (this.#values > this.limits.values) throw limitExceeded(`the Marshal document has more than ${this.limits.values} values`);
    const type = String.fromCharCode(this.#byte());
    switch (type) {
      case '0':
        return null;
      case 'T':
        return true;
      case 'F':
        return false;
      case 'i':
        return this.#integer();
      case ':':
      case ';':
        return { symbol: this.#symbolOf(type) };
      case '@':
        return this.#link();
      case '"':
        return this.#register(this.#slice().toString('utf8')).value;
      case 'I':
        return this.#withVariables(depth);
      case '[':
        return this.#array(depth);
      case '{':
        return this.#hash(depth);
      case 'o':
        return this.#object(depth);
      case 'U':
        return this.#dumpedValue(depth);
      case 'u':
        return this.#dumpedBytes(depth, () => undefined);
      default:
        throw refusal(`the Marshal document has a value of the type ${JSON.stringify(type)}, which no gem registry needs`);
    }
  }

  /** Variables of a string say its encoding; those of dumped bytes come before the value itself is counted. */
  #withVariables(depth: number): MarshalValue {
    const type = String.fromCharCode(this.#byte());
    if (type === 'u') return this.#dumpedBytes(depth, () => void this.#fields(depth + 1));
    if (type !== '"') throw refusal(`the Marshal document has variables on a value of the type ${JSON.stringify(type)}`);
    const { value } = this.#register(this.#slice().toString('utf8'));
    this.#fields(depth + 1);
    return value;
  }

  #array(depth: number): MarshalValue {
    const values: MarshalValue[] = [];
    this.#register(values);
    const length = this.#length();
    for (let index = 0; index < length; index += 1) values.push(this.readValue(depth + 1));
    return values;
  }

  #hash(depth: number): MarshalValue {
    const pairs: [MarshalValue, MarshalValue][] = [];
    const hash = { pairs };
    this.#register(hash);
    const length = this.#length();
    for (let index = 0; index < length; index += 1) pairs.push([this.readValue(depth + 1), this.readValue(depth + 1)]);
    return hash;
  }

  #object(depth: number): MarshalValue {
    const className = this.#className();
    const fields = new Map<string, MarshalValue>();
    const object = { className, fields };
    this.#register(object);
    for (const [name, value] of this.#fields(depth + 1)) fields.set(name, value);
    return object;
  }

  #dumpedValue(depth: number): MarshalValue {
    const className = this.#className();
    const fields = new Map<string, MarshalValue>();
    const object = { className, fields };
    this.#register(object);
    fields.set('dumped', this.readValue(depth + 1));
    return object;
  }

  #dumpedBytes(depth: number, readVariables: () => void): MarshalValue {
    const dumpedBy = this.#className();
    // Its bytes are a document of their own, which Ruby loads at once: only where the caller reads that as well.
    if (dumpedBy === 'Gem::Specification' && depth > 0) throw refusal('the Marshal document has a specification within another value');
    const bytes = this.#slice();
    readVariables();
    return this.#register({ dumpedBy, bytes }).value;
  }

  #fields(depth: number): Map<string, MarshalValue> {
    const fields = new Map<string, MarshalValue>();
    const length = this.#length();
    for (let index = 0; index < length; index += 1) fields.set(this.#symbol(), this.readValue(depth));
    return fields;
  }

  #className(): string {
    const name = this.#symbol();
    if (!classes.has(name)) throw refusal(`the Marshal document has an object of the class ${JSON.stringify(name.slice(0, 120))}, which no gem registry needs`);
    return name;
  }

  #symbol(): string {
    return this.#symbolOf(String.fromCharCode(this.#byte()));
  }

  #symbolOf(type: string): string {
    if (type === ';') {
      const symbol = this.#symbols[this.#integer()];
      if (symbol === undefined) throw refusal('the Marshal document refers to a symbol that it does not have');
      return symbol;
    }
    if (type !== ':') throw refusal('the Marshal document has something else where a symbol must be');
    const symbol = this.#slice(maxSymbolLength).toString('utf8');
    this.#symbols.push(symbol);
    if (this.#symbols.length > maxSymbols) throw limitExceeded(`the Marshal document has more than ${maxSymbols} symbols`);
    return symbol;
  }

  #register<Value extends MarshalValue>(value: Value): { readonly value: Value } {
    this.#linkable += 1;
    if (this.limits.keepsLinks) this.#objects.push(value);
    return { value };
  }

  #link(): MarshalValue {
    const index = this.#integer();
    if (index < 0 || index >= this.#linkable) throw refusal('the Marshal document refers to a value that it does not have');
    return this.#objects[index] ?? null;
  }

  #length(): number {
    const length = this.#integer();
    // Every value has a byte at least.
    if (length < 0 || length > this.bytes.length - this.#offset) throw refusal('the Marshal document is truncated');
    return length;
  }

  #slice(limit: number = Number.MAX_SAFE_INTEGER): Buffer {
    const length = this.#length();
    if (length > limit) throw limitExceeded(`the Marshal document has a symbol of ${length} bytes`);
    const slice = this.bytes.subarray(this.#offset, this.#offset + length);
    this.#offset += length;
    return slice;
  }

  /** One to five bytes: small numbers stand in the first one itself, which else says how many follow, the lowest first. */
  #integer(): number {
    const first = this.bytes.readInt8(this.#place());
    if (first === 0) return 0;
    if (first > 4) return first - 5;
    if (first < -4) return first + 5;
    let value = 0;
    for (let index = 0; index < Math.abs(first); index += 1) value += this.#byte() * 256 ** index;
    return first > 0 ? value : value - 256 ** -first;
  }

  #byte(): number {
    return this.bytes[this.#place()] as number;
  }

  #place(): number {
    if (this.#offset >= this.bytes.length) throw refusal('the Marshal document is truncated');
    this.#offset += 1;
    return this.#offset - 1;
  }
}
