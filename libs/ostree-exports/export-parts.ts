import type { ArtifactCache } from '../cache-engine/artifact-cache.js';
import type { NamedLocks } from '../database/advisory-locks.js';
import type { ObjectStore } from '../object-storage/object-store.js';
import type { OstreeRecord } from '../ostree-record/ostree-record.js';

export interface ExportParts {
  readonly cache: Pick<ArtifactCache, 'findEntry' | 'readBlob' | 'readBlobs' | 'writeBlob' | 'putEntry'>;
  readonly record: OstreeRecord;
  /** Of the cache; repositories lie below `.ostree/<instance>/` of it. */
  readonly store: ObjectStore;
  readonly locks: NamedLocks;
  /** Folder for files on their way to the store, which may move them. */
  readonly spool: () => Promise<string>;
}

/** No instance's name begins with a dot. */
export function exportPath(instance: string, file: string): string {
  return `.ostree/${instance}/${file}`;
}

/** One writer of a repository at a time: a round of the export, or who pushes over ssh. */
export function exportLock(instance: string): string {
  return `ostree-export:${instance}`;
}

export interface ExportCall {
  readonly instance: string;
  readonly signal: AbortSignal;
}
