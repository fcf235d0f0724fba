import type { CacheDigest } from '../cache/cache-digest.js';
import type { EntryKind } from '../cache/cache-entry.js';
import type { ObjectName } from '../ostree/object-name.js';
import type { SummaryRef } from '../ostree/summary.js';

/**
 * What PostgreSQL knows of the OSTree repositories that instances of the cache are exported as. They are knowledge of the store, not a record of their own: refs come from the
 * cache's entries, and are made again from them. Writers of one instance take turns by a lock of their own. Errors: `database-unavailable`.
 */
export interface OstreeRecord {
  /** Entries that have to be exported: no ref of theirs leads to what they lead to. The oldest push first. */
  pending(instance: string, limit: number): Promise<readonly PendingEntry[]>;
  /** Refs whose entry is gone. */
  orphans(instance: string, limit: number): Promise<readonly string[]>;

  /** By position: the checksum of the object that it became, if that is still there. */
  conversions(instance: string, blobs: readonly ConvertedBlob[]): Promise<readonly (string | undefined)[]>;
  /** Objects that are in the store, what they name, and what they were made from. */
  keep(instance: string, objects: readonly KeptObject[]): Promise<void>;
  /** By position. */
  has(instance: string, objects: readonly ObjectName[]): Promise<readonly boolean[]>;
  /** Objects that are named below a commit and are not there; at most 10. */
  missingBelow(instance: string, commit: string): Promise<readonly ObjectName[]>;

  refs(instance: string): Promise<readonly SummaryRef[]>;
  ref(instance: string, name: string): Promise<SummaryRef | undefined>;
  /** Whether a ref belongs to another entry that is still there: two keys that differ only in what no ref may have, or an artifact that both generations of BuildStream pushed. */
  isTaken(instance: string, name: string, entry: PendingEntry): Promise<boolean>;
  setRef(instance: string, ref: SummaryRef, entry: PendingEntry): Promise<void>;
  /** The entry that a ref will belong to, when it is there: for a ref that was pushed together with it. Errors: `entry-not-found`. */
  entryOf(instance: string, kind: EntryKind, key: string): Promise<PendingEntry>;
  dropRefs(instance: string, names: readonly string[]): Promise<void>;
  /** Looked at again after so many seconds, or when it leads to something else. */
  refuse(instance: string, entry: PendingEntry, problem: string, seconds: number): Promise<void>;

  /** Undefined: the summary is current. */
  dueSummary(instance: string): Promise<number | undefined>;
  published(instance: string, change: number): Promise<void>;
  /** Objects that no ref leads to, and did not for `grace` seconds: to be deleted, and then forgotten. From when no ref leads to it, an object is as good as not there for the calls above. */
  sweep(instance: string, options: { readonly grace: number; readonly limit: number }): Promise<readonly ObjectName[]>;
  forget(instance: string, objects: readonly ObjectName[]): Promise<void>;
  usage(instance: string): Promise<{ readonly refs: number; readonly objects: number; readonly bytes: number; readonly refused: number }>;
}

export interface PendingEntry {
  readonly kind: EntryKind;
  readonly key: string;
  /** As the cache's tables have them: opaque here. */
  readonly entryName: Buffer;
  readonly entryContent: Buffer;
}

/** A blob in one of the forms that it has in a tree. */
export interface ConvertedBlob {
  readonly digest: CacheDigest;
  readonly form: BlobForm;
}

export type BlobForm = 'file' | 'executable' | 'directory';

export interface KeptObject extends ObjectName {
  /** As it is stored. */
  readonly bytes: number;
  readonly children: readonly ObjectName[];
  readonly from?: ConvertedBlob;
}
