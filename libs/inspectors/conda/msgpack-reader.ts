import { limitExceeded, refusal } from '../../inspection/refusal.js';

/** Integers past 2^53 lose their last digits; nothing here needs them. */
export type MsgpackValue = null | boolean | number | string | Buffer | readonly MsgpackValue[] | ReadonlyMap<string, MsgpackValue>;

const maxDepth = 32;
const maxValues = 4_000_000;

/** Reads one MessagePack value from hostile bytes, all of them. Keys of maps are strings, each once. Throws the reason for anything else, and for passed limits. */
export function readMsgpack(bytes: Buffer): MsgpackValue {
  const reader = new MsgpackReader(bytes);
  const value = reader.value(0);
  reader.expectEnd();
  return value;
}

class MsgpackReader {
  #offset = 0;
  #values = 0;

  constructor(private readonly bytes: Buffer) {}

  expectEnd(): void {
    if (this.#offset !== this.bytes.length) throw refusal('the MessagePack document has data after its end');
  }

  value(depth: number): MsgpackValue {
    if (depth > maxDepth) throw limitExceeded(`the MessagePack document is nested deeper than ${maxDepth} levels`);
    this.#values += 1;
    if (this.#values > maxValues) throw limitExceeded(`the MessagePack document has more than ${maxValues} values`);
    const type = this.#take(1)[0] as number;
    if (type < 0x80) return type;
    if (type < 0x90) return this.#map(type & 0x0f, depth);
    if (type < 0xa0) return this.#array(type & 0x0f, depth);
    if (type < 0xc0) return this.#text(type & 0x1f);
    if (type >= 0xe0) return type - 0x100;
    return this.#byType(type, depth);
  }

  #byType(type: number, depth: number): MsgpackValue {
    switch (type) {
      case 0xc0:
        return null;
      case 0xc2:
      case 0xc3:
        return type === 0xc3;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#take(this.#unsigned(1 << (type - 0xc4)));
      case 0xca:
        return this.#take(4).readFloatBE();
      case 0xcb:
        return this.#take(8).readDoubleBE();
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#unsigned(1 << (type - 0xcc));
      case 0xcf:
        return Number(this.#take(8).readBigUInt64BE());
      case 0xd0:
      case 0xd1:
      case 0xd2:
        return this.#take(1 << (type - 0xd0)).readIntBE(0, 1 << (type - 0xd0));
      case 0xd3:
        return Number(this.#take(8).readBigInt64BE());
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#text(this.#unsigned(1 << (type - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.#array(this.#unsigned(type === 0xdc ? 2 : 4), depth);
      case 0xde:
      case 0xdf:
        return this.#map(this.#unsigned(type === 0xde ? 2 : 4), depth);
      default:
        throw refusal(`the MessagePack document has a value of the type 0x${type.toString(16)}, which no channel needs`);
    }
  }

  #array(length: number, depth: number): MsgpackValue {
    const values: MsgpackValue[] = [];
    for (let index = 0; index < length; index += 1) values.push(this.value(depth + 1));
    return values;
  }

  #map(length: number, depth: number): MsgpackValue {
    const map = new Map<string, MsgpackValue>();
    for (let index = 0; index < length; index += 1) {
      const key = this.value(depth + 1);
      if (typeof key !== 'string' || map.has(key)) throw refusal('the MessagePack document has a key that is no text, or comes twice');
      map.set(key, this.value(depth + 1));
    }
    return map;
  }

  #text(length: number): string {
    return this.#take(length).toString('utf8');
  }

  #unsigned(length: number): number {
    return this.#take(length).readUIntBE(0, length);
  }

  #take(length: number): Buffer {
    if (length > this.bytes.length - this.#offset) throw refusal('the MessagePack document is truncated');
    this.#offset += length;
    return this.bytes.subarray(this.#offset - length, this.#offset);
  }
}
