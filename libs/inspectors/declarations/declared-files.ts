import type { SessionKnowledge } from '../../inspection/inspector.js';
import { changeKnowledge } from './change-knowledge.js';
import type { DeclaredUrl } from './declared-url.js';

/** What an index says of one file: strings with a meaning of the family's own, the digest first. */
export type FileDeclaration = readonly string[];

/** Which knowledge: the files of one package that lie at one origin. */
export interface DeclarationKey {
  /** `npm` or `pip`. */
  readonly family: string;
  /** Where the files lie, not where the index does. */
  readonly origin: string;
  /** Package name in the family's normal form. */
  readonly name: string;
}

interface Source {
  /** URL of the index. */
  readonly index: string;
  /** Declarations by path with query, see `DeclaredUrl`. */
  readonly files: Readonly<Record<string, FileDeclaration>>;
}

/** Other indexes that declare the same package at the same origin are kept beside each other, so that none can replace what another said. */
const maxSources = 4;
/** Under the 4 MiB of one value, with room for other sources. */
const maxSourceBytes = 3.5 * 1024 * 1024;
const maxValueBytes = 4 * 1024 * 1024;


/** Remembers what one index declared, in place of what it declared before. Returns how many files were kept: the last ones, as indexes append. Rejects once the signal is aborted: an inspection whose time is over teaches nothing any more. */
export async function rememberDeclaredFiles(
  knowledge: SessionKnowledge,
  key: DeclarationKey,
  declared: { index: string; files: ReadonlyMap<string, FileDeclaration>; signal?: AbortSignal | undefined },
): Promise<number> {
  const kept = newestThatFit(declared.files);
  const name = knowledgeKey(key);
  const own: Source = { index: declared.index, files: Object.fromEntries(kept) };
  await changeKnowledge(knowledge, name, (before) => {
    declared.signal?.throwIfAborted();
    const others = parseSources(before).filter((source) => source.index !== declared.index);
    let sources = [own, ...others].slice(0, maxSources);
    while (sources.length > 1 && Buffer.byteLength(JSON.stringify(sources)) > maxValueBytes) sources = sources.slice(0, -1);
    return JSON.stringify(sources);
  });
  return kept.length;
}

/** Every declaration of a file in this session, one an index; empty when none declared it. All of them must hold. */
export async function findDeclarations(
  knowledge: SessionKnowledge,
  key: DeclarationKey,
  path: string,
): Promise<{ index: string; declaration: FileDeclaration }[]> {
  const sources = parseSources(await knowledge.get(knowledgeKey(key)));
  return sources.flatMap(({ index, files }) => {
    const declaration = Object.hasOwn(files, path) ? files[path] : undefined;
    return declaration === undefined ? [] : [{ index, declaration }];
  });
}

/** Files by origin, in the order declared. */
export function groupByOrigin(files: Iterable<readonly [DeclaredUrl, FileDeclaration]>): Map<string, Map<string, FileDeclaration>> {
  const groups = new Map<string, Map<string, FileDeclaration>>();
  for (const [url, declaration] of files) {
    const group = groups.get(url.origin) ?? new Map<string, FileDeclaration>();
    group.set(url.path, declaration);
    groups.set(url.origin, group);
  }
  return groups;
}

function knowledgeKey(key: DeclarationKey): string {
  return `${key.family}/files/${key.origin}/${key.name}`;
}

function parseSources(value: string | undefined): readonly Source[] {
  return value === undefined ? [] : (JSON.parse(value) as Source[]); // written by this file only
}

function newestThatFit(files: ReadonlyMap<string, FileDeclaration>): [string, FileDeclaration][] {
  const entries = [...files];
  let bytes = 0;
  let start = entries.length;
  while (start > 0) {
    bytes += Buffer.byteLength(JSON.stringify(entries[start - 1]));
    if (bytes > maxSourceBytes) break;
    start -= 1;
  }
  return entries.slice(start);
}
