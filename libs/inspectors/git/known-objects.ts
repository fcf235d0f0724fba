import type { SessionKnowledge } from '../../inspection/inspector.js';
import { changeKnowledge } from '../declarations/change-knowledge.js';
import { idLength, type ObjectFormat } from './object-id.js';
import { createObjectTable, type ObjectTable } from './object-table.js';

/**
 * What a session knows of a repository's objects: `received` are with the client, `promised` were left out of a partial clone and may be
 * asked for later.
 */
export type KnownKind = 'received' | 'promised';

/** 3 MiB of ids, 4 MiB as base64: one value. */
const idsPerValue = { sha1: 150_000, sha256: 95_000 } as const;
const maxValues = 6;

export async function loadKnownIds(knowledge: SessionKnowledge, kind: KnownKind, { repository, format }: { repository: string; format: ObjectFormat }): Promise<ObjectTable> {
  const table = createObjectTable(idLength[format], idsPerValue[format] * maxValues);
  for (let part = 0; part < maxValues; part += 1) {
    const value = await knowledge.get(valueKey(kind, repository, part));
    if (value === undefined) break;
    addAll(table, Buffer.from(value, 'base64'), idLength[format]);
  }
  return table;
}

/** Adds ids to what is known, part by part. False when they are too many to remember: then some of the new ones are not. */
export async function rememberIds(
  knowledge: SessionKnowledge,
  kind: KnownKind,
  { repository, format, ids }: { repository: string; format: ObjectFormat; ids: Iterable<Buffer> },
): Promise<boolean> {
  const added = [...ids];
  for (let part = 0, rest: readonly Buffer[] = added; rest.length > 0; part += 1) {
    if (part === maxValues) return false;
    let left: readonly Buffer[] = [];
    await changeKnowledge(knowledge, valueKey(kind, repository, part), (before) => {
      const known = createObjectTable(idLength[format], idsPerValue[format]);
      addAll(known, Buffer.from(before ?? '', 'base64'), idLength[format]);
      left = rest.filter((id) => known.find(id) < 0 && !addWithin(known, id, idsPerValue[format]));
      return Buffer.concat(Array.from({ length: known.size }, (_, index) => known.idAt(index))).toString('base64');
    });
    rest = left;
  }
  return true;
}

/** False when the table is full. */
function addWithin(table: ObjectTable, id: Buffer, limit: number): boolean {
  if (table.size >= limit) return false;
  table.add(id);
  return true;
}

function addAll(table: ObjectTable, ids: Buffer, length: number): void {
  for (let at = 0; at + length <= ids.length; at += length) table.add(ids.subarray(at, at + length));
}

function valueKey(kind: KnownKind, repository: string, part: number): string {
  return `git/${kind}/${part}/${repository}`;
}

const maxSubmodules = 50_000;
const submodulesKey = 'git/submodules';

/** Commits of submodules that trees of this session name, of whatever repository: the tree has only their ids. */
export async function rememberSubmodules(knowledge: SessionKnowledge, ids: ReadonlySet<string>): Promise<void> {
  if (ids.size === 0) return;
  await changeKnowledge(knowledge, submodulesKey, (before) => [...new Set([...ids, ...(before?.split('\n') ?? [])])].slice(0, maxSubmodules).join('\n'));
}

export async function loadSubmodules(knowledge: SessionKnowledge): Promise<ReadonlySet<string>> {
  return new Set((await knowledge.get(submodulesKey))?.split('\n'));
}
