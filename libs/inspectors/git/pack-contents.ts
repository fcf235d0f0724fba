import { LRUCache } from 'lru-cache';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { idLength, type ObjectFormat, type ObjectType } from './object-id.js';
import { createObjectTable, type ObjectTable } from './object-table.js';
import type { PackBytes } from './pack-bytes.js';
import { applyDelta } from './pack-delta.js';
import { inflateEntry, readEntryHeader, type EntryHeader } from './pack-entry.js';
import type { Pace, PackLimits } from './pack-limits.js';

export interface GitObject {
  readonly type: ObjectType;
  readonly content: Buffer;
}

/** The entries of a pack by their index, with the type and id of those that are resolved, and their contents again whenever needed. */
export interface PackContents {
  readonly objects: ObjectTable;
  /** The next entry begins at `offset`; returns its index. */
  addEntry(offset: number): number;
  headerOf(index: number): Promise<EntryHeader>;
  /** Unpacked bytes of an entry as they are in the pack: of a delta, the delta. */
  inflate(header: EntryHeader): Promise<{ readonly content: Buffer; readonly consumed: number }>;
  resolved(index: number, entry: ResolvedEntry): void;
  typeAt(index: number): ObjectType | undefined;
  /** Bytes of the object. */
  sizeAt(index: number): number;
  depthAt(index: number): number;
  /** Index of a delta's base when it is resolved; else what the delta waits for, see `waitingKeys`. */
  baseOf(header: EntryHeader): number | string;
  contentAt(index: number): Promise<Buffer>;
  indexOfNumber(number: number): number;
  setExternals(externals: ReadonlyMap<string, GitObject>): void;
}

export interface ResolvedEntry {
  readonly type: ObjectType;
  readonly id: Buffer;
  /** Deltas upon deltas that it is made of. */
  readonly depth: number;
  /** Bytes of the object. */
  readonly size: number;
  /** To be kept while there is room. */
  readonly content?: Buffer;
}

interface PackDescription {
  readonly bytes: PackBytes;
  readonly format: ObjectFormat;
  readonly limits: PackLimits;
  readonly pace: Pace;
  readonly count: number;
}

const typeCodes: readonly ObjectType[] = ['commit', 'tree', 'blob', 'tag'];

/** What a delta may wait for: its base as an entry, or as an object. */
export function waitingKeys(index: number, id: Buffer): readonly [string, string] {
  return [`#${index}`, id.toString('hex')];
}

export function createPackContents({ bytes, format, limits, pace, count }: PackDescription): PackContents {
  const end = bytes.size - idLength[format];
  const offsets = new Float64Array(count);
  /** Index into `typeCodes` and 1; 0: not resolved. */
  const types = new Uint8Array(count);
  const depths = new Uint16Array(count);
  const sizes = new Float64Array(count);
  const objects = createObjectTable(idLength[format], limits.objects);
  const indexes = new Int32Array(count);
  const cache = new LRUCache<number, Buffer>({ maxSize: limits.cacheBytes, maxEntrySize: limits.cacheBytes / 4, sizeCalculation: (content) => content.length + 128 });
  let externals: ReadonlyMap<string, GitObject> = new Map();
  let scanned = 0;

  function indexAt(offset: number): number {
    let low = 0;
    let high = scanned - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = offsets[middle] as number;
      if (found === offset) return middle;
      if (found < offset) low = middle + 1;
      else high = middle - 1;
    }
    throw refusal('the pack is corrupt: a delta names a base that is no object');
  }

  function baseOf(header: EntryHeader): number | string {
    if (header.baseOffset !== undefined) {
      const index = indexAt(header.baseOffset);
      return types[index] === 0 ? `#${index}` : index;
    }
    const id = header.baseId as Buffer;
    const number = objects.find(id);
    return number < 0 ? id.toString('hex') : (indexes[number] as number);
  }

  function headerOf(index: number): Promise<EntryHeader> {
    return readEntryHeader(bytes, { offset: offsets[index] as number, end, format });
  }

  async function inflate(header: EntryHeader): Promise<{ content: Buffer; consumed: number }> {
    if (header.size > limits.objectBytes) throw limitExceeded(`the pack has a ${header.type ?? 'delta'} of ${header.size} bytes, more than ${limits.objectBytes}`);
    const inflated = await inflateEntry(bytes, header, end);
    await pace(inflated.content.length);
    return inflated;
  }

  /** Goes back to a base that is cached or no delta, then forward again. */
  async function contentAt(index: number): Promise<Buffer> {
    const chain: { index: number; header: EntryHeader }[] = [];
    let content: Buffer | undefined;
    for (let at: number | undefined = index; at !== undefined; ) {
      content = cache.get(at);
      if (content !== undefined) break;
      const header = await headerOf(at);
      chain.push({ index: at, header });
      const base: number | string | undefined = header.type === undefined ? baseOf(header) : undefined;
      if (typeof base === 'string') content = externals.get(base)?.content;
      at = typeof base === 'number' ? base : undefined;
    }
    for (let link = chain.pop(); link !== undefined; link = chain.pop()) {
      const inflated = await inflate(link.header);
      content = link.header.type === undefined ? applyDelta(content as Buffer, inflated.content, limits.objectBytes) : inflated.content;
      cache.set(link.index, content);
      await pace(content.length);
    }
    return content as Buffer;
  }

  return {
    objects,
    addEntry(offset) {
      offsets[scanned] = offset;
      scanned += 1;
      return scanned - 1;
    },
    headerOf,
    inflate,
    resolved(index, { type, id, depth, size, content }) {
      if (depth > limits.depth) throw limitExceeded(`the pack has deltas upon deltas, more than ${limits.depth}`);
      types[index] = typeCodes.indexOf(type) + 1;
      depths[index] = depth;
      sizes[index] = size;
      const before = objects.size;
      const number = objects.add(id);
      if (number === before) indexes[number] = index;
      if (content !== undefined) cache.set(index, content);
    },
    typeAt: (index) => typeCodes[(types[index] as number) - 1],
    sizeAt: (index) => sizes[index] as number,
    depthAt: (index) => depths[index] as number,
    baseOf,
    contentAt,
    indexOfNumber: (number) => indexes[number] as number,
    setExternals: (known) => void (externals = known),
  };
}
