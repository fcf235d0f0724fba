import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';
import type { CacheDigest } from '../cache/cache-digest.js';
import { spooledBlob, type SpooledBlob } from '../cache-engine/spooled-blob.js';
import { MillraceError } from '../errors/millrace-error.js';
import { archiveHeaderSize, checksumHeader, readArchiveHeader, type FileHeader } from '../ostree/file-object.js';
import { invalidOstree } from '../ostree/invalid-ostree.js';
import { metadataChecksum, readCommit, readDirmeta, readDirtree, type Commit, type Dirtree } from '../ostree/metadata-objects.js';
import type { ObjectName } from '../ostree/object-name.js';

/** Bytes of a commit or a directory that is pushed. */
const largestMetadata = 16 * 1024 * 1024;

/** An object whose checksum is what its name says. */
export interface ReceivedObject {
  readonly name: ObjectName;
  readonly children: readonly ObjectName[];
  readonly spooled: SpooledBlob;
  readonly commit?: Commit;
  readonly dirtree?: Dirtree;
  readonly file?: FileContent;
}

/** What a file is in the cache. */
export interface FileContent {
  readonly header: FileHeader;
  /** Bytes before the compressed content. */
  readonly start: number;
  /** Of the content; a symbolic link has none. */
  readonly digest: CacheDigest | undefined;
}

export interface ReceiveLimits {
  readonly spool: string;
  /** Bytes of a file before it was compressed. */
  readonly fileBytes: number;
  readonly signal: AbortSignal;
}

/** Reads an object to its end. Errors: `digest-mismatch`; `source-invalid`; `payload-too-large`; `storage-full`. */
export async function receiveObject(name: ObjectName, content: { readonly size: number; readonly pieces: AsyncIterable<Buffer> }, limits: ReceiveLimits): Promise<ReceivedObject> {
  const most = name.type === 'file' ? limits.fileBytes * 1.01 + 2 * 1024 * 1024 : largestMetadata;
  if (content.size > most) throw new MillraceError('payload-too-large', `an object of ${content.size} bytes: ${name.checksum}.${name.type}`);
  const spooled = spooledBlob(limits.spool);
  try {
    for await (const piece of content.pieces) await spooled.append(piece);
    const about = name.type === 'file' ? { children: [], file: await readFile(spooled, limits, name) } : readMetadata(name, await bytesOf(spooled));
    return { name, spooled, ...about };
  } catch (error) {
    await spooled.discard();
    throw error;
  }
}

function readMetadata(name: ObjectName, bytes: Buffer): Pick<ReceivedObject, 'children' | 'commit' | 'dirtree'> {
  if (metadataChecksum(bytes) !== name.checksum) throw mismatch(name);
  if (name.type === 'dirmeta') return readDirmeta(bytes) && { children: [] };
  if (name.type === 'commit') {
    const commit = readCommit(bytes);
    return { commit, children: [{ checksum: commit.dirtree, type: 'dirtree' }, { checksum: commit.dirmeta, type: 'dirmeta' }] };
  }
  const dirtree = readDirtree(bytes);
  return { dirtree, children: [...dirtree.files.map(({ checksum }): ObjectName => ({ checksum, type: 'file' })), ...dirtree.directories.flatMap((each): ObjectName[] => [{ checksum: each.dirtree, type: 'dirtree' }, { checksum: each.dirmeta, type: 'dirmeta' }])] };
}

async function readFile(spooled: SpooledBlob, { fileBytes, signal }: ReceiveLimits, name: ObjectName): Promise<FileContent> {
  const { header, size, start } = await readHeader(spooled);
  if (size > BigInt(fileBytes)) throw new MillraceError('payload-too-large', `a file of ${size} bytes: ${name.checksum}`);
  const [checksum, plain] = [createHash('sha256').update(checksumHeader(header)), createHash('sha256')];
  let read = 0;
  for await (const piece of inflated(spooled, { start, signal })) {
    read += piece.length;
    if (read > size) throw invalidOstree('a file with more content than it says');
    checksum.update(piece);
    plain.update(piece);
  }
  if (BigInt(read) !== size || checksum.digest('hex') !== name.checksum) throw mismatch(name);
  return { header, start, digest: header.target === '' ? { function: 'sha256', hash: plain.digest('hex'), size: read } : undefined };
}

async function readHeader(spooled: SpooledBlob): Promise<{ readonly header: FileHeader; readonly size: bigint; readonly start: number }> {
  const start = archiveHeaderSize(await bytesOf(spooled, 8));
  if (start > spooled.size) throw invalidOstree('a file that ends within its header');
  return { ...readArchiveHeader(await bytesOf(spooled, start)), start };
}

/** Content of a file, out of the object that it came in. A link's is empty, whatever stands there. Errors: `source-invalid`. */
export async function* inflated(spooled: SpooledBlob, { start, signal }: { readonly start: number; readonly signal: AbortSignal }): AsyncGenerator<Buffer> {
  if (spooled.size === start) return;
  const inflate = createInflateRaw();
  const content = await spooled.content();
  const source = Buffer.isBuffer(content) ? Readable.from([content.subarray(start)]) : createReadStream(content.file, { start });
  const ended = pipeline(source, inflate, { signal }).catch(() => undefined);
  try {
    yield* inflate as AsyncIterable<Buffer>;
  } catch (cause) {
    signal.throwIfAborted();
    throw invalidOstree('a file whose content cannot be read', { cause });
  } finally {
    inflate.destroy();
    await ended;
  }
}

async function bytesOf(spooled: SpooledBlob, most = Infinity): Promise<Buffer> {
  const content = await spooled.content();
  if (Buffer.isBuffer(content)) return content.subarray(0, Math.min(most, content.length));
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(content.file, most === Infinity ? {} : { end: most - 1 }) as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function mismatch({ checksum, type }: ObjectName): MillraceError {
  return new MillraceError('digest-mismatch', `the object ${checksum}.${type} has other bytes than its name says`);
}
