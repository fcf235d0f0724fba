import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { LRUCache } from 'lru-cache';
import { MillraceError } from '../errors/millrace-error.js';
import { isMissing } from '../errors/system-error.js';
import type { ContentStore } from '../repository-source/content-store.js';
import { sweepCacheFiles, touch, writeCacheFileInThread } from './cache-files.js';
import { decodeChunk, encodeChunk, joinFragments, type ChunkDocuments } from './chunk-documents.js';
import { compress, type Compression } from './compress.js';
import { inOrder } from './in-order.js';
import { createLimiter } from './limiter.js';
import { decodeDescription, decodeFragments } from './package-record.js';
import { readPackageRecord } from './read-package-record.js';
import { openRecordStore } from './record-store.js';
import type { PackageDescription, RepositoryWriter, WriteOptions } from './repository-writer.js';
import type { PackageChunk } from './split-into-chunks.js';
import { writeRepodata } from './write-repodata.js';

export interface RepositoryWriterOptions {
  readonly content: Pick<ContentStore, 'file'>;
  /** Of this writer alone, or shared with writers of other processes on the same machine. Whatever is missing or damaged in it is made again. */
  readonly cacheDirectory: string;
}

export interface CachingRepositoryWriter extends RepositoryWriter {
  /** Bounds the caches, in bytes: the least recently used goes first. Answers how many files it removed. */
  sweep(maxBytes: number): Promise<number>;
  /** Writes what waits to be written to the caches, and closes their files. */
  close(): void;
}

/** Packages that are read at once: enough to keep a disk busy. */
const readsAtOnce = 32;
const descriptionsInMemory = 50_000;

export function createRepositoryWriter({ content, cacheDirectory }: RepositoryWriterOptions): CachingRepositoryWriter {
  const store = openRecordStore(path.join(cacheDirectory, 'packages'));
  const descriptions = new LRUCache<string, PackageDescription>({ max: descriptionsInMemory });
  const limited = createLimiter(readsAtOnce);

  async function recordOf(sha256: string, signal?: AbortSignal): Promise<Buffer> {
    const kept = store.get(sha256);
    if (kept !== undefined) return kept;
    const record = await limited(() => {
      signal?.throwIfAborted();
      return readPackageRecord(content.file(sha256), sha256);
    });
    store.put(sha256, record);
    return record;
  }

  async function documentsOf(chunk: PackageChunk, { compression, signal }: Pick<WriteOptions, 'compression' | 'signal'>): Promise<ChunkDocuments> {
    signal?.throwIfAborted();
    const file = path.join(cacheDirectory, 'chunks', chunk.key.slice(0, 2), chunk.key);
    const kept = await readChunk(file);
    if (kept !== undefined) return kept;
    const records = await Promise.all(chunk.packages.map(({ sha256 }) => recordOf(sha256, signal)));
    const texts = joinFragments(chunk.packages, records.map(decodeFragments));
    const documents = await packDocuments(texts, compression);
    await writeCacheFileInThread(file, encodeChunk(documents));
    return documents;
  }

  return {
    async describe(sha256) {
      assertDigest(sha256);
      const known = descriptions.get(sha256);
      if (known !== undefined) return known;
      const description = decodeDescription(await recordOf(sha256));
      descriptions.set(sha256, description);
      return description;
    },
    async write(directory, options) {
      for (const { sha256 } of options.packages) assertDigest(sha256);
      store.refresh();
      const repodata = path.join(directory, 'repodata');
      await mkdir(repodata, { recursive: true });
      const written = await writeRepodata(repodata, options, (chunks) => inOrder(chunks, chunksAtOnce, (chunk) => documentsOf(chunk, options)));
      store.flush();
      return written;
    },
    sweep: (maxBytes) => sweepCacheFiles(cacheDirectory, maxBytes),
    close() {
      store.flush();
      store.close();
    },
  };
}

/** While one is compressed in other threads, the next ones are read. */
const chunksAtOnce = 8;

async function readChunk(file: string): Promise<ChunkDocuments | undefined> {
  try {
    const documents = decodeChunk(await readFile(file));
    if (documents !== undefined) touch(file);
    return documents;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function packDocuments(texts: ReturnType<typeof joinFragments>, compression: Compression): Promise<ChunkDocuments> {
  const part = async (open: Buffer): Promise<ChunkDocuments['primary']> => ({ open, packed: await compress(open, compression) });
  const [primary, filelists, other] = await Promise.all([part(texts.primary), part(texts.filelists), part(texts.other)]);
  return { primary, filelists, other };
}

function assertDigest(sha256: string): void {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new MillraceError('invalid-request', 'a package file is named by 64 lower-case hex digits');
}
