import { randomBytes } from 'node:crypto';
import type { CacheDigest } from '../cache/cache-digest.js';
import type { CacheInstance } from '../cache/cache-instance.js';
import type { CacheRecord } from '../cache-record/cache-record.js';
import type { ObjectStore } from '../object-storage/object-store.js';
import type { StoreGuard } from './store-guard.js';

/** What the pieces of the engine work with. */
export interface CacheParts {
  readonly record: CacheRecord;
  readonly store: ObjectStore;
  /** Undefined: the store is taken at its word. */
  readonly guard: Pick<StoreGuard, 'demand'> | undefined;
  /** The folder of unfinished uploads, for one of so many bytes; there once this resolves. Errors: `storage-unavailable` where it may be that of a store that is away. */
  readonly spool: (bytes: number) => Promise<string>;
  readonly instance: (name: string) => CacheInstance;
  /** Errors: `cache-full`. */
  readonly admit: (instance: CacheInstance, bytes: number) => Promise<void>;
}

/** Bytes up to which a blob lies in the record itself. */
export const inlineBytes = 4096;

/** New for every write, so that the deletion of an old object never hits a new one. */
export function newObjectKey(instance: string, { function: named, hash }: CacheDigest): string {
  return `${instance}/${named}/${hash.slice(0, 2)}/${hash}-${randomBytes(9).toString('base64url')}`;
}
