import type { SessionKnowledge } from '../../inspection/inspector.js';
import { changeKnowledge } from '../declarations/change-knowledge.js';
import type { Ref } from './ref-listing.js';

/** Under the 4 MiB of one value. */
const maxShard = 3.8 * 1024 * 1024;
const hexDigits = '0123456789abcdef';

/** Adds what a listing said to what the session knows of a repository's refs, in 16 parts by the id's first digit. Returns how many were kept. */
export async function rememberRefs(knowledge: SessionKnowledge, repository: string, refs: readonly Ref[]): Promise<number> {
  const shards = new Map<string, string[]>();
  for (const { id, name } of refs) {
    const key = shardKey(repository, id);
    const lines = shards.get(key);
    if (lines === undefined) shards.set(key, [`${id} ${name}`]);
    else lines.push(`${id} ${name}`);
  }
  let kept = 0;
  for (const [key, lines] of shards) {
    let fitting = new Set<string>();
    await changeKnowledge(knowledge, key, (before) => {
      fitting = linesThatFit(new Set([...lines, ...(before?.split('\n') ?? [])]));
      return [...fitting].join('\n');
    });
    kept += lines.filter((line) => fitting.has(line)).length;
  }
  return kept;
}

/** Names by id, in hex. */
export type KnownRefs = ReadonlyMap<string, readonly string[]>;

/** Every name that listings of this session gave an id in this repository. A clone may want tens of thousands of them. */
export async function loadRefs(knowledge: SessionKnowledge, repository: string): Promise<KnownRefs> {
  const refs = new Map<string, string[]>();
  for (const digit of hexDigits) {
    const text = await knowledge.get(shardKey(repository, digit));
    for (const line of text?.split('\n') ?? []) {
      const space = line.indexOf(' ');
      const names = refs.get(line.slice(0, space));
      if (names === undefined) refs.set(line.slice(0, space), [line.slice(space + 1)]);
      else names.push(line.slice(space + 1));
    }
  }
  return refs;
}

/** The ids that listings of this session gave a ref, more than one when it moved; empty when none named it. */
export async function findIds(knowledge: SessionKnowledge, repository: string, name: string): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const digit of hexDigits) {
    const lines = (await knowledge.get(shardKey(repository, digit)))?.split('\n') ?? [];
    for (const line of lines) if (line.indexOf(' ') === line.length - name.length - 1 && line.endsWith(` ${name}`)) ids.push(line.slice(0, line.indexOf(' ')));
  }
  return ids;
}

function shardKey(repository: string, id: string): string {
  return `git/refs/${id[0]}/${repository}`;
}

function linesThatFit(lines: ReadonlySet<string>): Set<string> {
  const fitting = new Set<string>();
  let bytes = 0;
  for (const line of lines) {
    bytes += Buffer.byteLength(line) + 1;
    if (bytes > maxShard) break;
    fitting.add(line);
  }
  return fitting;
}
