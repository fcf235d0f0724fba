import { invalidFile } from '../invalid-haiku-file.js';

/** A message of Haiku's application kit with texts and small numbers only, in the order of its fields. A name may come again: that field has several values. */
export type MessageFields = readonly (readonly [name: string, value: string | number])[];

const headerSize = 68;
const fieldSize = 24;
const buckets = 5;
const textType = 'RTSC';
const byteType = 'TYBU';
const [valid, fixedSize] = [1, 2];
const mostFields = 10_000;

/** Format `HMF1`, little-endian. */
export function flattenMessage(fields: MessageFields): Buffer {
  const names = [...new Set(fields.map(([name]) => name))];
  const table = new Array<number>(buckets).fill(-1);
  const next = new Array<number>(names.length).fill(-1);
  for (const [index, name] of names.entries()) {
    let last = table[bucketOf(name)] as number;
    if (last === -1) table[bucketOf(name)] = index;
    else {
      while (next[last] !== -1) last = next[last] as number;
      next[last] = index;
    }
  }
  const heads: Buffer[] = [];
  const data: Buffer[] = [];
  let offset = 0;
  for (const [index, name] of names.entries()) {
    const values = fields.filter(([of]) => of === name).map(([, value]) => value);
    const isText = typeof values[0] === 'string';
    const content = Buffer.concat(values.map((value) => (typeof value === 'string' ? sized(value) : Buffer.from([value]))));
    const label = Buffer.from(`${name}\0`);
    const head = Buffer.alloc(fieldSize);
    head.writeUInt16LE(isText ? valid : valid | fixedSize, 0);
    head.writeUInt16LE(label.length, 2);
    head.write(isText ? textType : byteType, 4, 'latin1');
    head.writeUInt32LE(values.length, 8);
    head.writeUInt32LE(content.length, 12);
    head.writeUInt32LE(offset, 16);
    head.writeInt32LE(next[index] as number, 20);
    heads.push(head);
    data.push(label, content);
    offset += label.length + content.length;
  }
  const header = Buffer.alloc(headerSize, 0xff);
  header.write('HMF1', 0, 'latin1');
  header.writeUInt32LE(0, 4);
  header.writeUInt32LE(valid, 8);
  header.writeUInt32LE(offset, 36);
  header.writeUInt32LE(names.length, 40);
  header.writeUInt32LE(buckets, 44);
  for (const [index, first] of table.entries()) header.writeInt32LE(first, 48 + index * 4);
  return Buffer.concat([header, ...heads, ...data]);
}

/** Texts and unsigned bytes; fields of other types are left out. Errors: `source-invalid`. */
export function unflattenMessage(bytes: Buffer): MessageFields {
  if (bytes.length < headerSize || bytes.toString('latin1', 0, 4) !== 'HMF1') throw invalidFile('what describes the repository is no message');
  const [dataSize, count] = [bytes.readUInt32LE(36), bytes.readUInt32LE(40)];
  const start = headerSize - buckets * 4 + bytes.readUInt32LE(44) * 4;
  const dataStart = start + count * fieldSize;
  if (count > mostFields || dataStart + dataSize !== bytes.length) throw invalidFile('what describes the repository is not as long as it says');
  const fields: [string, string | number][] = [];
  for (let index = 0; index < count; index += 1) fields.push(...readField(bytes, start + index * fieldSize, dataStart));
  return fields;
}

function readField(bytes: Buffer, at: number, dataStart: number): [string, string | number][] {
  const nameLength = bytes.readUInt16LE(at + 2);
  const type = bytes.toString('latin1', at + 4, at + 8);
  const [count, size, offset] = [bytes.readUInt32LE(at + 8), bytes.readUInt32LE(at + 12), bytes.readUInt32LE(at + 16)];
  const begin = dataStart + offset;
  if (nameLength === 0 || begin + nameLength + size > bytes.length) throw invalidFile('a field of what describes the repository ends beyond it');
  const name = bytes.toString('utf8', begin, begin + nameLength - 1);
  const content = bytes.subarray(begin + nameLength, begin + nameLength + size);
  if (type === byteType && count === size) return [...content].map((value) => [name, value]);
  return type === textType ? textsIn(content, count).map((value) => [name, value]) : [];
}

function textsIn(content: Buffer, count: number): string[] {
  const texts: string[] = [];
  let at = 0;
  for (let index = 0; index < count; index += 1) {
    const length = at + 4 <= content.length ? content.readUInt32LE(at) : 0;
    if (length === 0 || at + 4 + length > content.length) throw invalidFile('a text of what describes the repository ends beyond it');
    texts.push(content.toString('utf8', at + 4, at + 4 + length - 1));
    at += 4 + length;
  }
  return texts;
}

/** With its length, and the 0 at its end. */
function sized(text: string): Buffer {
  const bytes = Buffer.from(`${text}\0`);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function bucketOf(name: string): number {
  let hash = 0;
  for (const byte of Buffer.from(name)) hash = ((hash << 7) ^ (hash >>> 24) ^ byte) >>> 0;
  return ((hash ^ (hash << 12)) >>> 0) % buckets;
}
