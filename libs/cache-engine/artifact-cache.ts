import type { CacheDigest } from '../cache/cache-digest.js';
import type { BlobReference, CacheEntry, EntryDraft, EntryName } from '../cache/cache-entry.js';
import type { CacheInstance } from '../cache/cache-instance.js';

/**
 * The cache as its servers see it (gRPC, HTTP, ssh, command line): blobs by digest and entries by key, per instance. Whatever was found, read or pushed stays at
 * least for the instance's lease. Who may do what is settled before (`libs/cache-access`). Errors of all: `invalid-request` (no digest, key or instance may be so; an
 * unknown instance), `storage-unavailable`, `storage-full`, `storage-refused`, `database-unavailable`.
 */
export interface ArtifactCache {
  readonly instances: readonly CacheInstance[];
  /** By the name that a client gives: the empty one is `main`. Errors: `invalid-request`. */
  instance(name: string): CacheInstance;

  /** Those of the digests that are not there, in the order given, each once. One query, whatever the store is. */
  findMissing(instance: string, digests: readonly CacheDigest[], options?: Abortable): Promise<readonly CacheDigest[]>;
  /** Errors also: `blob-not-found`, also when the store has lost it behind our back; `invalid-request` for an offset beyond the end. */
  readBlob(instance: string, digest: CacheDigest, options?: BlobRange & Abortable): Promise<BlobBody>;
  /** For small blobs; undefined where there is none. The caller limits how much is asked for at once. */
  readBlobs(instance: string, digests: readonly CacheDigest[], options?: Abortable): Promise<readonly (Buffer | undefined)[]>;
  /** Verified as it streams, visible when whole; fine when it is there already (the rest of the content is not read then). Errors also: `digest-mismatch`, `payload-too-large`, `cache-full`. */
  writeBlob(instance: string, digest: CacheDigest, content: AsyncIterable<Buffer>, push: Push): Promise<void>;
  /** Small blobs, each with an outcome of its own: undefined or the error that `writeBlob` would give. */
  writeBlobs(instance: string, blobs: readonly SmallBlob[], push: Push): Promise<readonly (Error | undefined)[]>;
  /** Writes that can be taken up again after a broken connection. */
  readonly uploads: ResumableUploads;

  /** Undefined: no such entry, expired, or something that it needs is not there. All that it needs is kept for the lease from now on. */
  findEntry(name: EntryName, options?: Abortable): Promise<CacheEntry | undefined>;
  /** Needs not be complete: it is found when it is. Errors also: `payload-too-large`, `cache-full`. */
  putEntry(draft: EntryDraft, push: Push): Promise<CacheEntry>;
  /** True: there was one. */
  removeEntry(name: EntryName, push: Push): Promise<boolean>;
  /** Directories of a tree, parents first, each once. Errors also: `blob-not-found` when one is missing, `payload-too-large` for absurd trees, `source-invalid` for bytes that are no directory. */
  walkDirectories(instance: string, root: CacheDigest, options?: Abortable): AsyncIterable<{ readonly digest: CacheDigest; readonly content: Buffer }>;
}

export interface Abortable {
  readonly signal?: AbortSignal;
}

export interface BlobRange {
  readonly offset?: number;
  /** Bytes at most; undefined: to the end. */
  readonly limit?: number;
}

export interface BlobBody {
  /** Of the whole blob. */
  readonly size: number;
  /** Ends with an error, never early. Whoever does not read it to its end calls its `return`. */
  readonly content: AsyncIterable<Buffer>;
}

/** Who pushes, for the audit. */
export interface Push extends Abortable {
  readonly by: string;
}

export interface SmallBlob {
  readonly digest: CacheDigest;
  readonly content: Buffer;
}

/** Uploads by name of this process's memory and disk; another process does not know them, and a client begins anew there. */
export interface ResumableUploads {
  /** `committed`: how many bytes there are; 0 for a name that is not known. */
  status(instance: string, upload: string): Promise<{ readonly committed: number; readonly complete: boolean }>;
  /**
   * Takes up a write at `offset`, which has to be what is committed (0 always begins anew). One writer a name: a second one ends the first. Errors also:
   * `invalid-request` for another offset.
   */
  open(upload: { readonly instance: string; readonly name: string; readonly digest: CacheDigest; readonly offset: number }, push: Push): Promise<OpenUpload>;
}

export interface OpenUpload {
  /** The blob was there already: nothing needs to be sent. */
  readonly present: boolean;
  append(bytes: Buffer): Promise<void>;
  /** Bytes so far, durable or not. */
  readonly committed: number;
  /** Verifies and makes visible. Errors: as `writeBlob`. */
  finish(): Promise<void>;
  /** Keeps what came for whoever takes it up again within some minutes. */
  suspend(): Promise<void>;
}

/** For eviction and its workflow, and the operators' commands. */
export interface CacheUpkeep {
  /** One bounded step; `more`: call again. Never what the lease or a live entry keeps. A dry run tells what a whole round would take. */
  evict(instance: string, options: EvictOptions): Promise<EvictionStep>;
  /** Deletes objects that nothing names: of evicted blobs, of writes that broke off. */
  collectGarbage(instance: string, options?: Abortable): Promise<{ readonly objects: number; readonly more: boolean }>;
  /** Reads blobs and compares; a lost or corrupt one becomes a miss and an event. From `after` on, so many bytes. */
  verify(instance: string, options: { readonly after?: string; readonly bytes: number } & Abortable): Promise<Verification>;
  usage(instance: string): Promise<CacheUsage>;
  /** As `bytes` and `exported` of the usage; cheaper. */
  size(instance: string): Promise<Pick<CacheUsage, 'bytes' | 'exported'>>;
}

export interface Verification {
  readonly checked: number;
  /** Read for it. */
  readonly bytes: number;
  /** As messages show digests. */
  readonly lost: readonly string[];
  /** Undefined: that was the last blob. */
  readonly after: string | undefined;
}

export interface EvictOptions extends Abortable {
  readonly reason: 'quota' | 'age' | 'operator';
  /** Down to so many bytes; undefined: only what is too old. */
  readonly toBytes?: number;
  readonly dryRun: boolean;
  readonly by: string;
}

export interface EvictionStep {
  readonly entries: number;
  readonly blobs: number;
  readonly bytes: number;
  readonly more: boolean;
}

export interface CacheUsage {
  readonly bytes: number;
  readonly blobs: number;
  readonly entries: number;
  /** Bytes that no eviction may take now: leased, or needed by an entry that is. */
  readonly kept: number;
  /** Bytes that the instance has again as an OSTree repository; not part of `bytes`. They count against quota and limit as well. */
  readonly exported: number;
}

export type { BlobReference };
