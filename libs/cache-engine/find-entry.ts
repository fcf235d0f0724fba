import { LRUCache } from 'lru-cache';
import { digestText } from '../cache/cache-digest.js';
import type { BlobReference, CacheEntry, EntryName } from '../cache/cache-entry.js';
import type { CacheRecord } from '../cache-record/cache-record.js';
import { forEachAtOnce } from '../compose-engine/for-each-at-once.js';
import { isMillraceError } from '../errors/millrace-error.js';
import { readDirectory } from '../remote-apis/read-directory.js';
import { readTree } from '../remote-apis/read-tree.js';
import type { Abortable } from './artifact-cache.js';
import { readBlobs, type ReadParts } from './read-blob.js';

export interface EntryParts extends ReadParts {
  readonly record: ReadParts['record'] & Pick<CacheRecord, 'findEntry' | 'expandBlob'>;
  /** Directories and trees that no entry can need, because they are none or absurd: what a digest means does not change. */
  readonly unusable: LRUCache<string, true>;
  readonly now: () => number;
}

/** Bytes of a directory or tree that is looked into. */
const shapeBytes = 32 * 1024 * 1024;
/** Directories of one entry, looked into by one request. */
const mostExpanded = 200_000;
/** Milliseconds of one request; the next one goes on where it was. */
const longestExpansion = 20_000;
const expandedAtOnce = 8;
/** Of one read; a single one may be larger. */
const readAtOnce = { blobs: 100, bytes: 16 * 1024 * 1024 };

export function unusableBlobs(): LRUCache<string, true> {
  return new LRUCache({ max: 10_000 });
}

/** Only what is complete is found: directories that are there and have not been looked into are read first. What cannot be decided is a miss. */
export async function findEntry(parts: EntryParts, name: EntryName, options: Abortable = {}): Promise<CacheEntry | undefined> {
  const end = parts.now() + longestExpansion;
  let expanded = 0;
  for (;;) {
    const found = await parts.record.findEntry(name);
    if (found === undefined || isExpired(found.entry, parts.now())) return undefined;
    if (found.complete) return found.entry;
    if (found.unexpanded.length === 0) return undefined;
    expanded += found.unexpanded.length;
    if (expanded > mostExpanded || parts.now() > end) return undefined;
    if (!(await expandAll(parts, { instance: name.instance, blobs: found.unexpanded, options }))) return undefined;
  }
}

/**
 * Of an entry that was just pushed: what lies in its directories is counted from now on, and not leased only. The entry is there whatever comes of it; what is not
 * there yet, or is too much for now, is looked into when somebody asks for the entry.
 */
export async function lookInto(parts: EntryParts, entry: CacheEntry, options: Abortable = {}): Promise<void> {
  if ([entry.target, ...entry.references].every((blob) => blob === undefined || blob.shape === 'plain')) return;
  await findEntry(parts, entry, options).catch(() => undefined);
}

/** False: something there will never be complete, or has gone meanwhile. */
async function expandAll(parts: EntryParts, { instance, blobs, options }: { readonly instance: string; readonly blobs: readonly BlobReference[]; readonly options: Abortable }): Promise<boolean> {
  if (blobs.some((blob) => blob.digest.size > shapeBytes || parts.unusable.has(keyOf(blob)))) return false;
  let usable = true;
  for (const some of batchesOf(blobs)) {
    if (!usable) return false;
    const contents = await readBlobs(parts, { instance, digests: some.map(({ digest }) => digest), options });
    await forEachAtOnce([...some.entries()], expandedAtOnce, async ([index, blob]) => {
      options.signal?.throwIfAborted();
      const content = contents[index];
      const isUsable = content !== undefined && (await expand(parts, { instance, blob, content }));
      usable &&= isUsable;
    });
  }
  return usable;
}

async function expand(parts: EntryParts, { instance, blob, content }: { readonly instance: string; readonly blob: BlobReference; readonly content: Buffer }): Promise<boolean> {
  const { digest, shape } = blob;
  if (shape === 'plain') return true;
  try {
    const children = shape === 'directory' ? readDirectory(content, digest.function) : readTree(content, digest.function);
    await parts.record.expandBlob(instance, digest, shape, children);
    return true;
  } catch (error) {
    if (!isMillraceError(error) || !unusableCodes.has(error.code)) throw error;
    parts.unusable.set(keyOf(blob), true);
    return false;
  }
}

function* batchesOf(blobs: readonly BlobReference[]): Generator<readonly BlobReference[]> {
  let batch: BlobReference[] = [];
  let bytes = 0;
  for (const blob of blobs) {
    if (batch.length > 0 && (batch.length === readAtOnce.blobs || bytes + blob.digest.size > readAtOnce.bytes)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(blob);
    bytes += blob.digest.size;
  }
  if (batch.length > 0) yield batch;
}

const unusableCodes: ReadonlySet<string> = new Set(['source-invalid', 'payload-too-large']);

function isExpired({ expiresAt }: CacheEntry, now: number): boolean {
  return expiresAt !== undefined && Date.parse(expiresAt) <= now;
}

function keyOf({ digest, shape }: BlobReference): string {
  return `${shape} ${digestText(digest)}`;
}
