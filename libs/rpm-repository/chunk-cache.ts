import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { isMissing } from '../errors/system-error.js';
import { touch, writeCacheFileInThread } from './cache-files.js';
import { decodeChunk, encodeChunk, joinFragments, type ChunkDocuments } from './chunk-documents.js';
import { compress, type Compression } from './compress.js';
import { inOrder } from './in-order.js';
import { decodeFragments } from './package-record.js';
import type { RepositoryPackage, WriteOptions } from './repository-writer.js';
import type { PackageChunk } from './split-into-chunks.js';

/** Records of packages, in the order that is asked for. What it throws is thrown by whoever needed the records. */
export type LoadRecords = (packages: readonly RepositoryPackage[], signal?: AbortSignal) => Promise<readonly Buffer[]>;

/** Documents of chunks, in the order of the chunks. */
export type ChunkCache = (chunks: readonly PackageChunk[], options: Pick<WriteOptions, 'compression' | 'signal'>) => AsyncGenerator<ChunkDocuments, void>;

/** While one is compressed in other threads, the next ones are read. */
const chunksAtOnce = 8;

/** Keeps what chunks were made into, so that records are only asked for where something changed. */
export function createChunkCache(directory: string, loadRecords: LoadRecords): ChunkCache {
  async function documentsOf(chunk: PackageChunk, { compression, signal }: Pick<WriteOptions, 'compression' | 'signal'>): Promise<ChunkDocuments> {
    signal?.throwIfAborted();
    const file = path.join(directory, chunk.key.slice(0, 2), chunk.key);
    const kept = await readChunk(file);
    if (kept !== undefined) return kept;
    const records = await loadRecords(chunk.packages, signal);
    const texts = joinFragments(chunk.packages, records.map(decodeFragments));
    const documents = await packDocuments(texts, compression);
    await writeCacheFileInThread(file, encodeChunk(documents));
    return documents;
  }

  return (chunks, options) => inOrder(chunks, chunksAtOnce, (chunk) => documentsOf(chunk, options));
}

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
