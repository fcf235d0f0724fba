import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { idLength, objectHash, type ObjectFormat, type ObjectType } from './object-id.js';
import type { ObjectTable } from './object-table.js';
import type { PackBytes } from './pack-bytes.js';
import { createPackContents, waitingKeys, type GitObject, type PackContents, type ResolvedEntry } from './pack-contents.js';
import { applyDelta } from './pack-delta.js';
import { streamEntry, type EntryHeader } from './pack-entry.js';
import { createPace, packLimits, type Pace, type PackLimits } from './pack-limits.js';

export interface PackOptions {
  readonly format: ObjectFormat;
  readonly limits?: PackLimits;
  readonly signal?: AbortSignal | undefined;
  /** Called for every commit, tree and tag, in no certain order. */
  readonly visit: (object: GitObject, id: Buffer) => void;
  /** The bases that a thin pack leaves out, as far as they are known. Asked at most once, when all else is read, for ids in hex. */
  readonly externalBases: (ids: readonly string[]) => Promise<ReadonlyMap<string, GitObject>>;
}

/** A pack of which every object was inflated and its id computed. */
export interface Pack {
  readonly objects: ObjectTable;
  readonly format: ObjectFormat;
  /** Deltas upon what neither the pack nor `externalBases` has: their ids cannot be told. */
  readonly unresolved: number;
  /** Type of the object with this number in `objects`. */
  typeOf(number: number): ObjectType;
  /** Bytes of the object with this number. */
  sizeOf(number: number): number;
  /** Content of the object with this number. Throws when it is larger than `objectBytes`. */
  contentOf(number: number): Promise<Buffer>;
}

const maxWaiting = 500_000;
/** Larger blobs are hashed while they are inflated, never whole in memory. */
const streamedFrom = 1024 * 1024;
const headLength = 12;
/** Head of an entry and the shortest zlib stream. */
const shortestEntry = 9;

/**
 * Reads a whole pack (gitformat-pack) from hostile bytes: inflates each object, resolves deltas and computes the ids anew. Memory is bounded
 * by the limits, not by the pack: what was dropped from the cache is inflated again. Throws the reason for what git would call corrupt.
 */
export async function readPack(bytes: PackBytes, options: PackOptions): Promise<Pack> {
  const { format, limits = packLimits } = options;
  const count = await readPackHead(bytes, limits, format);
  const pace = createPace(options.signal, limits.totalBytes);
  const contents = createPackContents({ bytes, format, limits, pace, count });
  const resolver = createResolver(contents, options);
  const end = bytes.size - idLength[format];
  let offset = headLength;
  for (let entry = 0; entry < count; entry += 1) {
    const index = contents.addEntry(offset);
    const header = await contents.headerOf(index);
    const consumed = await readEntry(bytes, { index, header, end, contents, resolver, format, pace });
    offset = header.dataOffset + consumed;
  }
  if (offset !== end) throw refusal('the pack is corrupt: it has data after its last object');
  if (!bytes.checksumHolds) throw refusal('the pack is corrupt: its checksum is not that of its bytes');
  await resolver.resolveExternals(options.externalBases);
  return {
    objects: contents.objects,
    format,
    unresolved: resolver.waiting(),
    typeOf: (number) => contents.typeAt(contents.indexOfNumber(number)) as ObjectType,
    sizeOf: (number) => contents.sizeAt(contents.indexOfNumber(number)),
    contentOf: (number) => contents.contentAt(contents.indexOfNumber(number)),
  };
}

/** `PACK`, version, number of objects. */
async function readPackHead(bytes: PackBytes, limits: PackLimits, format: ObjectFormat): Promise<number> {
  const head = await bytes.read(0, headLength);
  if (head.length < headLength || bytes.size < headLength + idLength[format]) throw refusal('the pack is truncated');
  if (head.toString('latin1', 0, 4) !== 'PACK') throw refusal('the git answer has no pack where one must be');
  const version = head.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw refusal(`the pack has the unknown version ${version}`);
  const count = head.readUInt32BE(8);
  if (count > limits.objects) throw limitExceeded(`the pack has ${count} objects, more than ${limits.objects}`);
  if (count * shortestEntry > bytes.size) throw refusal('the pack is truncated');
  return count;
}

interface Scan {
  readonly index: number;
  readonly header: EntryHeader;
  readonly end: number;
  readonly contents: PackContents;
  readonly resolver: Resolver;
  readonly format: ObjectFormat;
  readonly pace: Pace;
}

/** Returns how many bytes the entry's zlib stream has. */
async function readEntry(bytes: PackBytes, { index, header, end, contents, resolver, format, pace }: Scan): Promise<number> {
  if (header.type === 'blob' && header.size > streamedFrom) {
    await pace(header.size);
    const hash = objectHash('blob', header.size, format);
    const consumed = await streamEntry(bytes, { header, end }, (chunk) => void hash.update(chunk));
    await resolver.settle(index, { type: 'blob', id: hash.digest(), depth: 0, size: header.size });
    return consumed;
  }
  const { content, consumed } = await contents.inflate(header);
  if (header.type !== undefined) await resolver.settleObject(index, { type: header.type, content }, 0);
  else await resolver.settleDelta(index, header, content);
  return consumed;
}

interface Resolver {
  settle(index: number, entry: ResolvedEntry): Promise<void>;
  settleObject(index: number, object: GitObject, depth: number): Promise<void>;
  /** Now, or when its base comes. */
  settleDelta(index: number, header: EntryHeader, delta: Buffer): Promise<void>;
  resolveExternals(externalBases: PackOptions['externalBases']): Promise<void>;
  /** How many deltas wait. */
  waiting(): number;
}

/** Resolves deltas as soon as their bases are there: mostly at once, as packs have bases first. */
function createResolver(contents: PackContents, { format, visit, limits = packLimits }: PackOptions): Resolver {
  const dependents = new Map<string, number[]>();
  let waiting = 0;
  const ready: number[] = [];
  let releasing = false;

  async function settle(index: number, entry: ResolvedEntry): Promise<void> {
    contents.resolved(index, entry);
    if (dependents.size === 0) return;
    for (const key of waitingKeys(index, entry.id)) {
      ready.push(...(dependents.get(key) ?? []));
      dependents.delete(key);
    }
    await release();
  }

  async function settleObject(index: number, object: GitObject, depth: number): Promise<void> {
    const id = objectHash(object.type, object.content.length, format).update(object.content).digest();
    if (object.type !== 'blob') visit(object, id);
    await settle(index, { type: object.type, id, depth, size: object.content.length, content: object.content });
  }

  async function settleDelta(index: number, header: EntryHeader, delta: Buffer): Promise<void> {
    const base = contents.baseOf(header);
    if (typeof base === 'number') {
      await settleUpon(index, delta, base);
      return;
    }
    waiting += 1;
    if (waiting > maxWaiting) throw limitExceeded(`the pack has more than ${maxWaiting} deltas that stand before their bases`);
    const others = dependents.get(base);
    if (others === undefined) dependents.set(base, [index]);
    else others.push(index);
  }

  async function settleUpon(index: number, delta: Buffer, base: number): Promise<void> {
    const content = applyDelta(await contents.contentAt(base), delta, limits.objectBytes);
    await settleObject(index, { type: contents.typeAt(base) as ObjectType, content }, contents.depthAt(base) + 1);
  }

  /** Not recursive: a chain may be as long as the pack. */
  async function release(): Promise<void> {
    if (releasing) return;
    releasing = true;
    for (let index = ready.pop(); index !== undefined; index = ready.pop()) {
      const header = await contents.headerOf(index);
      waiting -= 1;
      await settleUpon(index, (await contents.inflate(header)).content, contents.baseOf(header) as number);
    }
    releasing = false;
  }

  async function resolveExternals(externalBases: PackOptions['externalBases']): Promise<void> {
    const wanted = [...dependents.keys()].filter((key) => !key.startsWith('#'));
    if (wanted.length === 0) return;
    const externals = await externalBases(wanted);
    contents.setExternals(externals);
    for (const key of wanted) {
      const base = externals.get(key);
      if (base === undefined) continue;
      const indexes = dependents.get(key) ?? [];
      dependents.delete(key);
      for (const index of indexes) {
        const { content } = await contents.inflate(await contents.headerOf(index));
        waiting -= 1;
        await settleObject(index, { type: base.type, content: applyDelta(base.content, content, limits.objectBytes) }, 1);
      }
    }
  }

  return { settle, settleObject, settleDelta, resolveExternals, waiting: () => waiting };
}
