import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createInflateRaw } from 'node:zlib';
import type { CacheDigest } from '../cache/cache-digest.js';
import type { Push } from '../cache-engine/artifact-cache.js';
import { MillraceError } from '../errors/millrace-error.js';
import { archiveHeaderSize, largestHeader, readArchiveHeader, type FileHeader } from '../ostree/file-object.js';
import { largestMetadata, readDirtree, type Dirtree } from '../ostree/metadata-objects.js';
import { objectPath, type ObjectName } from '../ostree/object-name.js';
import { Directory } from '../remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { exportPath, type ExportCall, type ExportParts } from './export-parts.js';
import { inflated, type ReceivedObject } from './received-object.js';

const deepest = 200;

export interface ImportedFile {
  readonly header: FileHeader;
  readonly digest: CacheDigest | undefined;
}

/** What is known of objects while their commits become directories of the cache. */
export interface ImportMemory {
  readonly files: Map<string, ImportedFile>;
  readonly dirtrees: Map<string, Dirtree>;
  readonly directories: Map<string, CacheDigest>;
}

export function importMemory(): ImportMemory {
  return { files: new Map(), dirtrees: new Map(), directories: new Map() };
}

/** The content of a file that was received becomes a blob of the cache. Errors: `cache-full`, `payload-too-large`, and those of the stores. */
export async function importObject({ cache }: Pick<ExportParts, 'cache'>, { instance, signal }: ExportCall, { received, memory, push }: { readonly received: ReceivedObject; readonly memory: ImportMemory; readonly push: Push }): Promise<void> {
  const { name, dirtree, file, spooled } = received;
  if (dirtree !== undefined) memory.dirtrees.set(name.checksum, dirtree);
  if (file === undefined) return;
  memory.files.set(name.checksum, file);
  if (file.digest !== undefined) await cache.writeBlob(instance, file.digest, inflated(spooled, { start: file.start, signal }), push);
}

/** A tree of OSTree as directories of the cache, which know neither owners nor extended attributes. Errors: as `importObject`; `source-invalid` for absurd trees. */
export async function importTree(parts: Pick<ExportParts, 'cache' | 'store'>, call: ExportCall, { dirtree: checksum, memory, push, depth = 0 }: { readonly dirtree: string; readonly memory: ImportMemory; readonly push: Push; readonly depth?: number }): Promise<CacheDigest> {
  const known = memory.directories.get(checksum);
  if (known !== undefined) return known;
  if (depth > deepest) throw new MillraceError('payload-too-large', `directories more than ${deepest} deep`);
  const tree = memory.dirtrees.get(checksum) ?? readDirtree(await readObject(parts, call, { checksum, type: 'dirtree' }));
  const files: { readonly name: string; readonly file: ImportedFile }[] = [];
  for (const each of tree.files) files.push({ name: each.name, file: memory.files.get(each.checksum) ?? (await importStored(parts, call, { checksum: each.checksum, memory, push })) });
  const directories: { name: string; digest: { hash: string; sizeBytes: number } }[] = [];
  for (const each of tree.directories) directories.push({ name: each.name, digest: asMessage(await importTree(parts, call, { dirtree: each.dirtree, memory, push, depth: depth + 1 })) });
  const bytes = Buffer.from(
    Directory.encode(
      Directory.fromPartial({
        files: files.flatMap(({ name, file: { digest, header } }) => (digest === undefined ? [] : [{ name, digest: asMessage(digest), isExecutable: (header.mode & 0o111) !== 0 }])),
        symlinks: files.flatMap(({ name, file: { digest, header } }) => (digest === undefined ? [{ name, target: header.target }] : [])),
        directories,
      }),
    ).finish(),
  );
  const digest: CacheDigest = { function: 'sha256', hash: createHash('sha256').update(bytes).digest('hex'), size: bytes.length };
  await parts.cache.writeBlob(call.instance, digest, once(bytes), push);
  memory.directories.set(checksum, digest);
  return digest;
}

/** Of a push before: read twice, as a blob is named before it is written. */
async function importStored(parts: Pick<ExportParts, 'cache' | 'store'>, call: ExportCall, { checksum, memory, push }: { readonly checksum: string; readonly memory: ImportMemory; readonly push: Push }): Promise<ImportedFile> {
  const name: ObjectName = { checksum, type: 'file' };
  const start = archiveHeaderSize(await readObject(parts, call, name, { start: 0, end: 7 }));
  const { header, size } = readArchiveHeader(await readObject(parts, call, name, { start: 0, end: start - 1 }));
  const hash = createHash('sha256');
  if (header.target === '') for await (const piece of storedContent(parts, call, { name, start })) hash.update(piece);
  const file: ImportedFile = { header, digest: header.target === '' ? { function: 'sha256', hash: hash.digest('hex'), size: Number(size) } : undefined };
  if (file.digest !== undefined) await parts.cache.writeBlob(call.instance, file.digest, storedContent(parts, call, { name, start }), push);
  memory.files.set(checksum, file);
  return file;
}

async function* storedContent({ store }: Pick<ExportParts, 'store'>, { instance, signal }: ExportCall, { name, start }: { readonly name: ObjectName; readonly start: number }): AsyncGenerator<Buffer> {
  const { content } = await store.get(exportPath(instance, objectPath(name)), { range: { start }, signal });
  yield* content.compose(createInflateRaw()) as AsyncIterable<Buffer>;
}

async function readObject({ store }: Pick<ExportParts, 'store'>, { instance, signal }: ExportCall, name: ObjectName, range?: { readonly start: number; readonly end: number }): Promise<Buffer> {
  const { size, content } = await store.get(exportPath(instance, objectPath(name)), { signal, ...(range === undefined ? {} : { range }) });
  if ((range === undefined && size > largestMetadata) || (range !== undefined && range.end > largestHeader + 8)) throw new MillraceError('source-invalid', `the object ${name.checksum}.${name.type} is too large`);
  const chunks: Buffer[] = [];
  for await (const chunk of content as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function once(bytes: Buffer): AsyncIterable<Buffer> {
  return Readable.from([bytes]);
}

function asMessage({ hash, size }: CacheDigest): { hash: string; sizeBytes: number } {
  return { hash, sizeBytes: size };
}
