import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { regionTag } from './tags.js';

/** One header of a package file: tags with values, by number. Strings are decoded as UTF-8, what is not UTF-8 is replaced. */
export interface RpmHeader {
  /** Tags in the order of the file, without the region's. */
  readonly tags: readonly number[];
  /** The first string of a STRING, I18NSTRING or STRING_ARRAY; undefined when the tag is absent or of another type. */
  string(tag: number): string | undefined;
  /** Empty when the tag is absent or no list of strings. `limit`: only the first ones. */
  strings(tag: number, limit?: number): readonly string[];
  /** Values of CHAR, INT8, INT16, INT32 and INT64; empty when the tag is absent or of another type. Throws a reason for a number past 2^53. */
  numbers(tag: number): readonly number[];
  /** Of a BIN. */
  bytes(tag: number): Buffer | undefined;
}

export type HeaderKind = keyof typeof regionTag;

/** Decodes one string of a header, NUL excluded. */
export type DecodeText = (store: Buffer, start: number, end: number) => string;

const decodeUtf8: DecodeText = (store, start, end) => store.toString('utf8', start, end);

/** Sizes that the 16 bytes before a header's index announce. */
export interface HeaderIntro {
  readonly entries: number;
  /** Bytes of data. */
  readonly storeSize: number;
}

interface Entry {
  readonly tag: number;
  readonly type: number;
  readonly count: number;
  readonly offset: number;
  readonly end: number;
}

export const introLength = 16;
const entryLength = 16;
const magic = 0x8eade801;

/** rpm itself takes 65,535 entries and 256 MiB; headers of the largest packages known have some 30 MiB. Signatures of single files make signature headers large. */
const limits: Readonly<Record<HeaderKind, HeaderIntro>> = {
  main: { entries: 65_535, storeSize: 64 * 1024 * 1024 },
  signature: { entries: 64, storeSize: 64 * 1024 * 1024 },
};

/** Of one tag; the largest packages known have some 200,000 files. Empty strings take one byte in a header and eight and more here. */
const maxValues = 2_000_000;

const type = { char: 1, int8: 2, int16: 3, int32: 4, int64: 5, string: 6, bin: 7, stringArray: 8, i18nString: 9 } as const;
/** Bytes a value, and how its offset is aligned, by type; 0: strings. */
const widths = [0, 1, 1, 2, 4, 8, 0, 1, 0, 0];

/** Reads what comes before a header. Throws a reason when it is none, or announces more than an honest one has. */
export function parseHeaderIntro(bytes: Buffer, kind: HeaderKind): HeaderIntro {
  if (bytes.readUInt32BE(0) !== magic) throw refusal(`the package has no ${kind} header where it belongs`);
  const intro = { entries: bytes.readUInt32BE(8), storeSize: bytes.readUInt32BE(12) };
  const limit = limits[kind];
  if (intro.entries === 0) throw refusal(`the ${kind} header is empty`);
  if (intro.entries > limit.entries) throw limitExceeded(`the ${kind} header announces ${intro.entries} entries, more than ${limit.entries}`);
  if (intro.storeSize > limit.storeSize) throw limitExceeded(`the ${kind} header announces ${intro.storeSize} bytes of data, more than ${limit.storeSize}`);
  return intro;
}

/** Bytes of index and data that follow the intro. */
export function headerLength({ entries, storeSize }: HeaderIntro): number {
  return entries * entryLength + storeSize;
}

/**
 * Reads a whole header, intro included. Every entry's data must lie in the store behind the data of the entry before it, as rpm demands: so the
 * work is bounded by the size. A main header's region must hold all entries, else what was not signed would count as signed.
 */
export function parseHeader(bytes: Buffer, kind: HeaderKind, decodeText: DecodeText = decodeUtf8): RpmHeader {
  const intro = parseHeaderIntro(bytes, kind);
  if (bytes.length !== introLength + headerLength(intro)) throw refusal(`the ${kind} header is truncated`);
  const store = bytes.subarray(introLength + intro.entries * entryLength);
  const first = bytes.readUInt32BE(introLength);
  const hasRegion = first === regionTag[kind];
  if (hasRegion) checkRegion(bytes, store, { kind, entries: intro.entries });
  const entries = new Map<number, Entry>();
  let end = 0;
  for (let index = hasRegion ? 1 : 0; index < intro.entries; index += 1) {
    const entry = parseEntry(bytes, introLength + index * entryLength, { store, kind });
    if (entry.offset < end) throw refusal(`the ${kind} header's tag ${entry.tag} overlaps another`);
    if (entries.has(entry.tag)) throw refusal(`the ${kind} header has tag ${entry.tag} twice`);
    entries.set(entry.tag, entry);
    end = entry.end;
  }
  return createHeader(entries, store, decodeText);
}

/** The region's trailer, in the store, repeats the region's tag and says backwards how many entries it has. */
function checkRegion(bytes: Buffer, store: Buffer, { kind, entries }: { kind: HeaderKind; entries: number }): void {
  const entry = bytes.subarray(introLength, introLength + entryLength);
  const offset = entry.readUInt32BE(8);
  const sound = entry.readUInt32BE(4) === type.bin && entry.readUInt32BE(12) === entryLength && offset + entryLength <= store.length;
  if (!sound) throw refusal(`the ${kind} header's region is damaged`);
  const trailer = store.subarray(offset, offset + entryLength);
  const length = -trailer.readInt32BE(8);
  // Packages signed by rpm 4.0 to 4.6 have 61 (an image) in a trailer of signatures.
  const sameTag = trailer.readUInt32BE(0) === regionTag[kind] || (kind === 'signature' && trailer.readUInt32BE(0) === 61);
  if (!sameTag || trailer.readUInt32BE(4) !== type.bin || trailer.readUInt32BE(12) !== entryLength || length % entryLength !== 0 || length <= 0)
    throw refusal(`the ${kind} header's region is damaged`);
  const inRegion = length / entryLength;
  if (inRegion > entries) throw refusal(`the ${kind} header's region claims more entries than there are`);
  if (kind === 'main' && inRegion !== entries) throw refusal('the main header has entries outside of its immutable region');
}

function parseEntry(bytes: Buffer, at: number, { store, kind }: { readonly store: Buffer; readonly kind: HeaderKind }): Entry {
  const [tag, entryType, offset, count] = [bytes.readUInt32BE(at), bytes.readUInt32BE(at + 4), bytes.readUInt32BE(at + 8), bytes.readUInt32BE(at + 12)];
  const broken = (what: string): Error => refusal(`the ${kind} header's tag ${tag} ${what}`);
  if (tag < 61 || entryType < type.char || entryType > type.i18nString) throw broken(`has the unknown type ${entryType}`);
  const width = widths[entryType] as number;
  if (count === 0 || count > store.length) throw broken(`claims ${count} values`);
  if (count > maxValues && entryType !== type.bin) throw limitExceeded(`the ${kind} header's tag ${tag} has more than ${maxValues} values`);
  if (offset > store.length || (width > 1 && entryType !== type.bin && offset % width !== 0)) throw broken('lies at an impossible place');
  if (entryType === type.string && count !== 1) throw broken('has more than one string');
  const end = width > 0 ? offset + count * width : endOfStrings(store, offset, count);
  if (end === undefined || end > store.length) throw broken('reaches past the end of the header');
  return { tag, type: entryType, count, offset, end };
}

function endOfStrings(store: Buffer, offset: number, count: number): number | undefined {
  let end = offset;
  for (let index = 0; index < count; index += 1) {
    const nul = store.indexOf(0, end);
    if (nul < 0) return undefined;
    end = nul + 1;
  }
  return end;
}

function createHeader(entries: ReadonlyMap<number, Entry>, store: Buffer, decodeText: DecodeText): RpmHeader {
  const find = (tag: number, ...types: readonly number[]): Entry | undefined => {
    const entry = entries.get(tag);
    return entry !== undefined && types.includes(entry.type) ? entry : undefined;
  };
  const findStrings = (tag: number): Entry | undefined => find(tag, type.string, type.stringArray, type.i18nString);
  return {
    tags: [...entries.keys()],
    string(tag) {
      const entry = findStrings(tag);
      return entry === undefined ? undefined : decodeText(store, entry.offset, store.indexOf(0, entry.offset));
    },
    strings(tag, limit = Infinity) {
      const entry = findStrings(tag);
      return entry === undefined ? [] : decodeStrings(store, limit < entry.count ? { ...entry, count: limit, end: endOfStrings(store, entry.offset, limit) ?? entry.end } : entry, decodeText);
    },
    numbers(tag) {
      const entry = find(tag, type.char, type.int8, type.int16, type.int32, type.int64);
      return entry === undefined ? [] : decodeNumbers(store, entry);
    },
    bytes(tag) {
      const entry = find(tag, type.bin);
      return entry === undefined ? undefined : store.subarray(entry.offset, entry.end);
    },
  };
}

function decodeStrings(store: Buffer, { offset, count, end }: Entry, decodeText: DecodeText): readonly string[] {
  // Nearly always all of it is UTF-8, and one call decodes hundreds of paths.
  const whole = store.toString('utf8', offset, end - 1);
  if (decodeText === decodeUtf8 || !whole.includes('\uFFFD')) return whole.split('\0');
  const strings: string[] = [];
  let start = offset;
  for (let index = 0; index < count; index += 1) {
    const nul = store.indexOf(0, start);
    strings.push(decodeText(store, start, nul));
    start = nul + 1;
  }
  return strings;
}

function decodeNumbers(store: Buffer, entry: Entry): readonly number[] {
  const { type: kind, offset, count } = entry;
  const numbers = new Array<number>(count);
  for (let index = 0; index < count; index += 1) numbers[index] = decodeNumber(store, kind, offset + index * (widths[kind] as number));
  if (numbers.some((number) => number > Number.MAX_SAFE_INTEGER)) throw refusal(`the header's tag ${entry.tag} has a number that no package has`);
  return numbers;
}

function decodeNumber(store: Buffer, kind: number, at: number): number {
  if (kind === type.int32) return store.readUInt32BE(at);
  if (kind === type.int16) return store.readUInt16BE(at);
  return kind === type.int64 ? Number(store.readBigUInt64BE(at)) : (store[at] as number);
}
