import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { MillraceError } from '../../errors/millrace-error.js';
import { isMissing } from '../../errors/system-error.js';
import { touch, writeCacheFileInThread } from '../../rpm-repository/cache-files.js';
import { compress } from '../../rpm-repository/compress.js';
import type { IndexJob } from '../package-format.js';
import { decodeChunk, encodeChunk, type ChunkText, type IndexChunk } from './index-chunk.js';

/** The text of a chunk: from the cache, or made of the packages' metadata and kept. Errors: `record-corrupt` when the metadata of a listed package is not there. */
export async function textOfChunk(chunk: IndexChunk, { metadata, cacheDirectory, signal }: Pick<IndexJob, 'metadata' | 'cacheDirectory' | 'signal'>): Promise<ChunkText> {
  signal?.throwIfAborted();
  const file = path.join(chunkDirectory(cacheDirectory), chunk.id.slice(0, 2), chunk.id);
  const kept = await readChunk(file);
  if (kept !== undefined) return kept;
  const paragraphs = await metadata(chunk.packages.map(({ sha256 }) => sha256));
  const open = Buffer.concat(
    chunk.packages.flatMap(({ key, sha256, size, path: filename }) => {
      const paragraph = paragraphs.get(sha256);
      if (paragraph === undefined) throw new MillraceError('record-corrupt', `the record has no metadata of ${key} (SHA-256 ${sha256}), which the repository lists`);
      return [paragraph, Buffer.from(`Filename: ${filename}\nSize: ${size}\nSHA256: ${sha256}\n\n`)];
    }),
  );
  const text = { open, packed: await compress(open, 'gzip') };
  await writeCacheFileInThread(file, encodeChunk(text));
  return text;
}

/** Where chunks are kept, below the cache of all formats. */
export function chunkDirectory(cacheDirectory: string): string {
  return path.join(cacheDirectory, 'deb-chunks');
}

async function readChunk(file: string): Promise<ChunkText | undefined> {
  try {
    const text = decodeChunk(await readFile(file));
    if (text !== undefined) touch(file);
    return text;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
