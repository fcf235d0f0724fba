import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { SessionKnowledge } from '../../inspection/inspector.js';
import { treeEntries, treeMode, submoduleMode } from './git-objects.js';
import { changeKnowledge } from '../declarations/change-knowledge.js';
import { idLength, type ObjectFormat, type ObjectType } from './object-id.js';
import type { GitObject } from './pack-contents.js';
import type { Pack } from './pack-reader.js';

/**
 * A later fetch is a thin pack: deltas upon objects of the commits that the client has. Their ids can only be told with these objects, so the
 * trees and the smaller files of what was wanted are kept with the session.
 */
const maxObject = 512 * 1024;
/** Bytes of one value before compression; compressed and in base64 it is under 4 MiB whatever they are. */
const valueBytes = 2_900_000;
const maxValues = 8;
const types: readonly ObjectType[] = ['commit', 'tree', 'blob', 'tag'];

interface Store {
  readonly repository: string;
  readonly format: ObjectFormat;
}

/** Keeps what hangs on `tree`, an object of the pack, until it is 22 MiB; what earlier fetches kept makes room. */
export async function rememberBases(knowledge: SessionKnowledge, store: Store, { pack, tree }: { pack: Pack; tree: string }): Promise<void> {
  const records: Buffer[][] = [[]];
  let bytes = 0;
  for await (const record of basesOf(pack, Buffer.from(tree, 'hex'))) {
    if (bytes + record.length > valueBytes) {
      if (records.length === maxValues) break;
      records.push([]);
      bytes = 0;
    }
    records.at(-1)?.push(record);
    bytes += record.length;
  }
  if (records[0]?.length === 0) return;
  let from = 0;
  // Their places are taken first, so that another fetch at the same moment takes others.
  await changeKnowledge(knowledge, nextKey(store), (before) => {
    from = Number(before ?? 0);
    return String((from + records.length) % maxValues);
  });
  for (const [index, part] of records.entries()) await knowledge.put(valueKey(store, (from + index) % maxValues), zstdCompressSync(Buffer.concat(part)).toString('base64'));
}

/** Breadth first: a change of a file changes all trees above it, so these are bases most often. */
async function* basesOf(pack: Pack, root: Buffer): AsyncGenerator<Buffer> {
  const seen = new Set<string>();
  const trees = [root];
  const blobs: Buffer[] = [];
  for (let id = trees.shift(); id !== undefined; id = trees.shift()) {
    const number = pack.objects.find(id);
    if (number < 0 || seen.has(id.toString('hex'))) continue;
    seen.add(id.toString('hex'));
    const content = await pack.contentOf(number);
    if (content.length <= maxObject) yield recordOf('tree', content, id);
    for (const entry of treeEntries(content, pack.format)) {
      if (entry.mode === treeMode) trees.push(Buffer.from(entry.id));
      else if (entry.mode !== submoduleMode && blobs.length < 50_000) blobs.push(Buffer.from(entry.id));
    }
  }
  for (const id of blobs) {
    const number = pack.objects.find(id);
    if (number < 0 || seen.has(id.toString('hex'))) continue;
    seen.add(id.toString('hex'));
    if (pack.sizeOf(number) <= maxObject) yield recordOf('blob', await pack.contentOf(number), id);
  }
}

function recordOf(type: ObjectType, content: Buffer, id: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head[0] = types.indexOf(type);
  head.writeUInt32BE(content.length, 1);
  return Buffer.concat([id, head, content]);
}

/** Those of the ids (in hex) whose objects this session kept. */
export async function loadBases(knowledge: SessionKnowledge, store: Store, ids: readonly string[]): Promise<ReadonlyMap<string, GitObject>> {
  const wanted = new Set(ids);
  const bases = new Map<string, GitObject>();
  const length = idLength[store.format];
  for (let part = 0; part < maxValues && bases.size < wanted.size; part += 1) {
    const value = await knowledge.get(valueKey(store, part));
    if (value === undefined) break;
    const records = zstdDecompressSync(Buffer.from(value, 'base64'), { maxOutputLength: valueBytes + maxObject });
    for (let at = 0; at < records.length; ) {
      const id = records.toString('hex', at, at + length);
      const size = records.readUInt32BE(at + length + 1);
      const from = at + length + 5;
      if (wanted.has(id)) bases.set(id, { type: types[records[at + length] as number] as ObjectType, content: records.subarray(from, from + size) });
      at = from + size;
    }
  }
  return bases;
}

function valueKey({ repository }: Store, part: number): string {
  return `git/bases/${part}/${repository}`;
}

function nextKey({ repository }: Store): string {
  return `git/bases/next/${repository}`;
}
