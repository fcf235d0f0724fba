import { createHash } from 'node:crypto';
import type { InspectionContext, SessionKnowledge } from '../../inspection/inspector.js';
import { normalisePath } from '../declarations/declared-url.js';
import { findDeclarations, rememberDeclaredFiles, type DeclarationKey, type FileDeclaration } from '../declarations/declared-files.js';
import type { StreamItem } from './simple-streams.js';

/** An item, and the document that declares it. */
export type DeclaredItem = Omit<StreamItem, 'path'> & { readonly index: string };

/** Where a mirror lies: `https://host:443` and the path above `streams/`, with a slash at its end. */
export interface Mirror {
  readonly origin: string;
  readonly root: string;
}

/** Remembers the files of a products document by their paths, in 256 parts: one document may declare more than one value holds. */
export async function rememberItems(
  context: InspectionContext,
  { origin, root }: Mirror,
  { index, items }: { index: string; items: readonly StreamItem[] },
): Promise<void> {
  const shards = new Map<string, Map<string, FileDeclaration>>();
  for (const { path, sha256, size, fileType, product, version, architecture, title } of items) {
    const place = normalisePath(root + encodeURI(path));
    const shard = shardOf(place);
    const files = shards.get(shard) ?? new Map<string, FileDeclaration>();
    files.set(place, [sha256, String(size), fileType, product, version, architecture, title]);
    shards.set(shard, files);
  }
  for (const [shard, files] of shards) {
    context.signal?.throwIfAborted();
    await rememberDeclaredFiles(context.knowledge, keyOf(origin, shard), { index, files });
  }
}

/** What the documents of this session say of the file at a path of an origin; all of them must hold. */
export async function findItems(knowledge: SessionKnowledge, origin: string, path: string): Promise<readonly DeclaredItem[]> {
  const place = normalisePath(path);
  const found = await findDeclarations(knowledge, keyOf(origin, shardOf(place)), place);
  return found.map(({ index, declaration }) => {
    const [sha256 = '', size = '', fileType = '', product = '', version = '', architecture = '', title = ''] = declaration;
    return { index, sha256, size: Number(size), fileType, product, version, architecture, title };
  });
}

function shardOf(place: string): string {
  return createHash('sha256').update(place).digest('hex').slice(0, 2);
}

function keyOf(origin: string, shard: string): DeclarationKey {
  return { family: 'lxd', origin, name: shard };
}
