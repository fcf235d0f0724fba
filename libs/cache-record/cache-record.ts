import type { CacheDigest } from '../cache/cache-digest.js';
import type { BlobReference, BlobShape, CacheEntry, EntryDraft, EntryKind, EntryName } from '../cache/cache-entry.js';

/**
 * What PostgreSQL knows of the cache: which blobs are where, when they were last used, which entries need them. Every call is one transaction; whatever is found or written is
 * used now. Use is written at most once in an eighth of the lease, so that reading stays reading. A blob's `references` are counted: an entry counts what it names, a directory
 * that was looked into counts its children; only what nothing counts goes by itself. Errors of all: `database-unavailable`; `invalid-request` for an instance that there is not, and for what is no digest, name or entry.
 */
export interface CacheRecord {
  /** By position: is it there? */
  present(instance: string, digests: readonly CacheDigest[]): Promise<readonly boolean[]>;
  /** By position: where it is; undefined: nowhere. The empty blob is everywhere, without content. */
  locate(instance: string, digests: readonly CacheDigest[]): Promise<readonly (BlobPlace | undefined)[]>;
  /** Before an object is written: a crash leaves a name that the garbage collection finds. */
  announceObject(instance: string, key: string): Promise<void>;
  /** Blobs that are whole in the store, or as small as `content`. By position: false when it was there already, and the object given is garbage now. Errors also: `storage-conflict`: an object's announcement has become garbage. */
  commitBlobs(instance: string, blobs: readonly NewBlob[], by: string): Promise<readonly boolean[]>;
  /** What a directory or tree names, found by reading it; once for each. Children that are not there are remembered as absent. */
  expandBlob(instance: string, digest: CacheDigest, shape: Exclude<BlobShape, 'plain'>, children: readonly BlobReference[]): Promise<void>;
  /** The store has it no more, or has other bytes: a miss from now on; entries that need it are incomplete. Appends `CacheBlobLost`. Only if it is still at that place: the key of its object, or empty when its content is in the record. */
  loseBlob(instance: string, digest: CacheDigest, place: string, problem: 'missing' | 'corrupt'): Promise<void>;

  putEntry(draft: EntryDraft, by: string): Promise<CacheEntry>;
  /**
   * Whether an entry is complete. Known and complete within the lease: answered without looking at its blobs again. `unexpanded`: directories and trees that are there and have to be
   * looked into first; `missing`: blobs that are not there.
   */
  findEntry(name: EntryName): Promise<FoundEntry | undefined>;
  removeEntry(name: EntryName, by: string, reason: 'removed' | 'expired'): Promise<boolean>;

  /** Oldest use first: entries, and blobs that nothing counts; never what is leased. In one transaction they are gone, and their objects garbage. */
  evict(instance: string, step: EvictionLimits): Promise<{ readonly entries: number; readonly blobs: number; readonly bytes: number; readonly more: boolean }>;
  /** Objects to delete: of evicted blobs at once, announced ones after a day. */
  garbage(instance: string, limit: number): Promise<readonly string[]>;
  forgetGarbage(instance: string, keys: readonly string[]): Promise<void>;
  /** Blobs with objects in the order of their hashes, for verifying. */
  blobsAfter(instance: string, after: string | undefined, limit: number): Promise<readonly { readonly digest: CacheDigest; readonly place: BlobPlace; readonly cursor: string }[]>;
  /** `usage` looks at all that is leased; this is cheap. */
  usedBytes(instance: string): Promise<number>;
  /** Bytes of the objects that an OSTree repository of the instance needs: entries have them again, in its form. Looks at each. */
  exportedBytes(instance: string): Promise<number>;
  /** `exported`: as `exportedBytes`, and not part of `bytes`. */
  usage(instance: string): Promise<{ readonly bytes: number; readonly blobs: number; readonly entries: number; readonly kept: number; readonly exported: number }>;

  /** Bytes passed the upper quota, or went below it again. Appends `CacheQuotaAlarm`. */
  recordAlarm(instance: string, alarm: { readonly bytes: number; readonly high: number; readonly limit: number; readonly state: 'raised' | 'cleared' }): Promise<void>;
  /** Streams of entries that went more than 90 days ago; so many names at a time. How many were forgotten. */
  forgetOldEntries(instance: string, limit: number): Promise<number>;

  /** For people: newest use first. */
  listEntries(instance: string, options: { readonly kind?: EntryKind; readonly prefix?: string; readonly after?: string; readonly limit: number }): Promise<{ readonly entries: readonly ListedEntry[]; readonly next: string | undefined }>;
  /** Who pushed it when, what became of it, which session and build: what was recorded under that key, the newest thousand events. */
  history(name: EntryName): Promise<readonly { readonly type: string; readonly at: string; readonly data: unknown }[]>;
  /** A session took an entry (or pushed it): for its provenance. */
  recordTaking(session: string, name: EntryName, how: 'pulled' | 'pushed'): Promise<void>;
  takings(session: string): Promise<readonly { readonly name: EntryName; readonly how: 'pulled' | 'pushed'; readonly at: string; readonly target: CacheDigest | undefined }[]>;
}

export type BlobPlace = { readonly object: string } | { readonly content: Buffer };

export interface NewBlob {
  readonly digest: CacheDigest;
  readonly place: BlobPlace;
}

export interface FoundEntry {
  readonly entry: CacheEntry;
  readonly complete: boolean;
  /** At most 1,000 at a time. */
  readonly unexpanded: readonly BlobReference[];
  /** Some of them, for messages. */
  readonly missing: readonly CacheDigest[];
}

export interface EvictionLimits {
  /** Evict until so many bytes are left; undefined: whatever is older than `unusedSince`. */
  readonly toBytes: number | undefined;
  /** ISO 8601 UTC. */
  readonly unusedSince: string | undefined;
  /** Rows that one step may take. */
  readonly limit: number;
  readonly dryRun: boolean;
  readonly reason: 'quota' | 'age' | 'operator';
  readonly by: string;
}

export interface ListedEntry extends EntryName {
  readonly target: CacheDigest | undefined;
  readonly valueBytes: number;
  readonly pushedAt: string;
  readonly pushedBy: string;
  readonly usedAt: string;
  /** Nothing that it needs is known to be absent; directories that nobody has looked into yet are looked into when it is asked for. */
  readonly complete: boolean;
  readonly session: string | undefined;
  readonly build: string | undefined;
}
