import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { LRUCache } from 'lru-cache';
import { MillraceError } from '../errors/millrace-error.js';
import type { ContentStore } from '../repository-source/content-store.js';
import { sweepCacheFiles } from './cache-files.js';
import { createChunkCache } from './chunk-cache.js';
import { createLimiter } from './limiter.js';
import { decodeDescription } from './package-record.js';
import { readPackageRecord } from './read-package-record.js';
import { openRecordStore } from './record-store.js';
import type { PackageDescription, RepositoryWriter } from './repository-writer.js';
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

  const documentsOf = createChunkCache(path.join(cacheDirectory, 'chunks'), (packages, signal) => Promise.all(packages.map(({ sha256 }) => recordOf(sha256, signal))));

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
      const written = await writeRepodata(repodata, options, (chunks) => documentsOf(chunks, options));
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

function assertDigest(sha256: string): void {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new MillraceError('invalid-request', 'a package file is named by 64 lower-case hex digits');
}
