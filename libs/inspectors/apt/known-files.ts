import type { SessionKnowledge } from '../../inspection/inspector.js';
import { limitExceeded } from '../../inspection/refusal.js';
import { addToList, hashOf, readList } from './spread-list.js';

/** A file of the pool as an index declares it. */
export interface DeclaredFile {
  /** Relative to the repository's root, which is the release's directory or one above it. */
  readonly path: string;
  readonly size: number;
  /** Lower-case hex, SHA-256 or SHA-512 by its length. */
  readonly digest: string;
  /** Of the package that the file belongs to. */
  readonly name: string;
  readonly version: string;
}

/** An index whose files are remembered. */
export interface KnownIndex {
  /** URL. */
  readonly index: string;
  /** Directory of its release, as URL path. */
  readonly base: string;
  /** What the files' knowledge is kept under: SHA-256 of the index, so that whoever writes it writes the same. */
  readonly id: string;
  readonly shards: number;
  /** Of the release: `Debian`. */
  readonly vendor: string;
  readonly signedBy: readonly string[];
}

export interface FileDeclaration {
  readonly file: DeclaredFile;
  readonly index: KnownIndex;
}

const shardBytes = 512 * 1024;
const maxShardBytes = 3.5 * 1024 * 1024;
const maxRetained = 192 * 1024 * 1024;

/** Collects the files of one index as lines, so that a hundred thousand of them are no tree of objects. */
export interface FileCollector {
  readonly count: number;
  add(file: DeclaredFile): void;
  /** Lines by shard. */
  shards(): readonly string[];
}

export function createFileCollector(): FileCollector {
  const lines: string[] = [];
  let bytes = 0;
  return {
    get count() {
      return lines.length;
    },
    add(file) {
      const line = [file.path.slice(file.path.lastIndexOf('/') + 1), file.path, String(file.size), file.digest, file.name, file.version].join('\t');
      bytes += line.length + 1;
      if (bytes > maxRetained) throw limitExceeded('the index declares more files than can be remembered');
      lines.push(line);
    },
    shards() {
      const shards = Array.from({ length: Math.max(1, Math.ceil(bytes / shardBytes)) }, (): string[] => ['']);
      for (const line of lines) shards[shardOf(line.slice(0, line.indexOf('\t')), shards.length)]?.push(line);
      return shards.map((shard) => shard.join('\n'));
    },
  };
}

/** Remembers the files of an index until the session ends. */
export async function rememberFiles(knowledge: SessionKnowledge, origin: string, options: { index: Omit<KnownIndex, 'shards'>; files: FileCollector; signal?: AbortSignal | undefined }): Promise<void> {
  const shards = options.files.shards();
  for (const [number, shard] of shards.entries()) {
    options.signal?.throwIfAborted();
    if (Buffer.byteLength(shard) > maxShardBytes) throw limitExceeded('the index declares too many files of one name');
    await knowledge.put(shardKey(options.index.id, number), shard);
  }
  const known: KnownIndex = { ...options.index, shards: shards.length };
  await addToList(knowledge, listKey(origin), JSON.stringify(known));
}

/** What the indexes of this session, at this origin, declare of the file at a URL path. */
export async function findFile(knowledge: SessionKnowledge, origin: string, path: string): Promise<readonly FileDeclaration[]> {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const found: FileDeclaration[] = [];
  for (const item of await readList(knowledge, listKey(origin))) {
    const index = JSON.parse(item) as KnownIndex; // written by this file only
    const shard = await knowledge.get(shardKey(index.id, shardOf(name, index.shards)));
    for (const file of filesNamed(shard ?? '', name)) if (liesAt(file.path, index.base, path)) found.push({ file, index });
  }
  return found;
}

/** Whether a path relative to the repository is that of the URL. The root is not known: it is the release's directory or one above it. */
function liesAt(relative: string, base: string, path: string): boolean {
  return path.endsWith(`/${relative}`) && base.startsWith(path.slice(0, path.length - relative.length));
}

function filesNamed(shard: string, name: string): readonly DeclaredFile[] {
  const files: DeclaredFile[] = [];
  const start = `\n${name}\t`;
  for (let at = shard.indexOf(start); at >= 0; at = shard.indexOf(start, at + 1)) {
    const end = shard.indexOf('\n', at + 1);
    const [, path = '', size = '', digest = '', packageName = '', version = ''] = shard.slice(at + 1, end < 0 ? shard.length : end).split('\t');
    files.push({ path, size: Number(size), digest, name: packageName, version });
  }
  return files;
}

function listKey(origin: string): string {
  return `apt/indexes/${origin}`;
}

function shardKey(id: string, shard: number): string {
  return `apt/files/${id}/${shard}`;
}

function shardOf(name: string, shards: number): number {
  return hashOf(name) % shards;
}
