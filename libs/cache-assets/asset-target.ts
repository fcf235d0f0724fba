import type { CacheDigest } from '../cache/cache-digest.js';
import { digestFunctions } from '../cache/cache-digest.js';
import type { BlobReference, CacheEntry, EntryDraft } from '../cache/cache-entry.js';
import type { CacheInstance } from '../cache/cache-instance.js';

type Leading = Pick<EntryDraft, 'target' | 'value' | 'references'>;

/** What an entry keeps of where it leads to: blobs that it needs, or, in an index alone, no more than a digest of another server. */
export function writeTarget({ storageElsewhere }: CacheInstance, target: BlobReference, references: readonly BlobReference[]): Leading {
  if (storageElsewhere !== true) return { target, value: undefined, references };
  return { target: undefined, value: Buffer.from(JSON.stringify(target.digest)), references: [] };
}

/** Undefined for what no asset can be. */
export function readTarget({ target, value }: Pick<CacheEntry, 'target' | 'value'>): CacheDigest | undefined {
  if (target !== undefined || value === undefined) return target?.digest;
  const { function: named, hash, size } = JSON.parse(value.toString('utf8')) as CacheDigest;
  return digestFunctions.includes(named) ? { function: named, hash, size } : undefined;
}
