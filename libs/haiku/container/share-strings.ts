import { invalidFile } from '../invalid-haiku-file.js';
import { attributeTypes } from './attribute-ids.js';

export interface WrittenSection {
  readonly bytes: Buffer;
  readonly stringsLength: number;
  readonly stringsCount: number;
}

/** Bits of a tag that say whether a string stands there or in the table. */
const shared = 1 << 11;
const longestIndex = 4;

/**
 * A section out of inline attributes (`writeInlineAttributes`): strings that come twice or more stand in a table before the trees, those that are used most first. Works on the
 * bytes, because a repository has a million attributes. The same input gives the same bytes. Errors: `source-invalid` when they are no inline attributes.
 */
export function shareStrings(inline: Buffer): WrittenSection {
  const uses = new Map<string, number>();
  let strings = 0;
  walk(inline, (_tag, _tagAt, start, end) => {
    if (start === end) return;
    const text = inline.toString('latin1', start, end);
    uses.set(text, (uses.get(text) ?? 0) + 1);
    strings += 1;
  });
  const table = [...uses].filter(([, count]) => count > 1).sort(([one, often], [other, oftener]) => oftener - often || (one < other ? -1 : 1));
  const indexes = new Map(table.map(([text], index) => [text, index]));
  const head = Buffer.from(`${table.map(([text]) => `${text}\0`).join('')}\0`, 'latin1');
  const bytes = Buffer.allocUnsafe(head.length + inline.length + strings * longestIndex);
  let length = head.copy(bytes);
  let copied = 0;
  walk(inline, (tag, tagAt, start, end) => {
    const index = start === end ? undefined : indexes.get(inline.toString('latin1', start, end));
    if (index === undefined) return;
    length += inline.copy(bytes, length, copied, tagAt);
    length = writeLeb128(bytes, length, tag + shared);
    length = writeLeb128(bytes, length, index);
    copied = end + 1;
  });
  length += inline.copy(bytes, length, copied);
  return { bytes: bytes.subarray(0, length), stringsLength: head.length, stringsCount: table.length };
}

/** Calls for every string: its attribute's tag, where that begins, and where the string begins and ends. */
function walk(bytes: Buffer, onString: (tag: number, tagAt: number, start: number, end: number) => void): void {
  let at = 0;
  let depth = 1;
  const number = (): number => {
    let value = 0;
    for (let shift = 0; shift < 49; shift += 7) {
      const byte = bytes[at];
      if (byte === undefined) throw invalidFile('attributes have no end');
      at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw invalidFile('a number of attributes is too large');
  };
  while (depth > 0) {
    const tagAt = at;
    const tag = number();
    if (tag === 0) {
      depth -= 1;
      continue;
    }
    const bits = tag - 1;
    const [type, encoding] = [(bits >> 7) & 0x7, bits >> 11];
    if (type === attributeTypes.string && encoding === 0) {
      const end = bytes.indexOf(0, at);
      if (end < 0) throw invalidFile('a string of attributes has no end');
      onString(tag, tagAt, at, end);
      at = end + 1;
    } else if ((type === attributeTypes.uint || type === attributeTypes.int) && encoding <= 3) at += 2 ** encoding;
    else if (type === attributeTypes.raw && encoding === 0) {
      const size = number();
      at += size;
    } else if (type === attributeTypes.raw && encoding === 1) {
      number();
      number();
    } else throw invalidFile(`an inline attribute has the type ${type} with encoding ${encoding}`);
    if (((bits >> 10) & 1) === 1) depth += 1;
  }
  if (at !== bytes.length) throw invalidFile(`attributes have ${bytes.length} bytes, and end after ${at}`);
}

function writeLeb128(bytes: Buffer, at: number, value: number): number {
  let [rest, end] = [value, at];
  for (; rest >= 0x80; rest >>>= 7) bytes[end++] = (rest & 0x7f) | 0x80;
  bytes[end++] = rest;
  return end;
}
