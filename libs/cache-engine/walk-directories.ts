import { digestText, type CacheDigest } from '../cache/cache-digest.js';
import { MillraceError } from '../errors/millrace-error.js';
import { readDirectory } from '../remote-apis/read-directory.js';
import type { Abortable } from './artifact-cache.js';

export interface WalkedDirectory {
  readonly digest: CacheDigest;
  readonly content: Buffer;
}

/** Of one walk: a few blobs can name each other so often that a tree of them has no end worth waiting for; each is read once. */
const mostDirectories = 200_000;
const mostBytes = 512 * 1024 * 1024;
/** Bytes of one directory. */
export const directoryBytes = 8 * 1024 * 1024;
/** Of one read; a single one may be larger. */
const readAtOnce = { directories: 200, bytes: 16 * 1024 * 1024 };

/** `read`: the content of each; undefined: none. Errors: `blob-not-found`, `payload-too-large`, `source-invalid`. */
export async function* walkDirectories(root: CacheDigest, read: (digests: readonly CacheDigest[]) => Promise<readonly (Buffer | undefined)[]>, { signal }: Abortable = {}): AsyncGenerator<WalkedDirectory> {
  const seen = new Set([digestText(root)]);
  let bytes = 0;
  for (let level: CacheDigest[] = [root]; level.length > 0; ) {
    const next: CacheDigest[] = [];
    for (const some of batchesOf(level)) {
      signal?.throwIfAborted();
      const contents = await read(some);
      for (const [index, digest] of some.entries()) {
        const content = contents[index];
        if (content === undefined) throw new MillraceError('blob-not-found', `the directory ${digestText(digest)} of the tree ${digestText(root)} is not in this cache`);
        bytes += content.length;
        for (const child of readDirectory(content, digest.function)) {
          const text = digestText(child.digest);
          if (child.shape === 'plain' || seen.has(text)) continue;
          seen.add(text);
          next.push(child.digest);
        }
        if (seen.size > mostDirectories || bytes > mostBytes) throw new MillraceError('payload-too-large', `the tree ${digestText(root)} has more than ${mostDirectories} directories, or ${mostBytes} bytes of them`);
        yield { digest, content };
      }
    }
    level = next;
  }
}

function* batchesOf(level: readonly CacheDigest[]): Generator<readonly CacheDigest[]> {
  let batch: CacheDigest[] = [];
  let bytes = 0;
  for (const digest of level) {
    demandSmall(digest);
    if (batch.length > 0 && (batch.length === readAtOnce.directories || bytes + digest.size > readAtOnce.bytes)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(digest);
    bytes += digest.size;
  }
  yield batch;
}

function demandSmall(digest: CacheDigest): void {
  if (digest.size > directoryBytes) throw new MillraceError('payload-too-large', `the directory ${digestText(digest)} has more than ${directoryBytes} bytes`);
}
