import type { BlobReference, EntryOrigin } from './cache-entry.js';

/** Stream of an entry, `cache-entry:<instance>/<kind>/<sha256 of key and qualifiers>`: who pushed what, when, and when it went. */
export type CacheEntryEvent =
  | { readonly type: 'CacheEntryPushed'; readonly data: CacheEntryPushed }
  | { readonly type: 'CacheEntryRemoved'; readonly data: CacheEntryRemoved };

export interface CacheEntryPushed {
  readonly instance: string;
  readonly kind: string;
  readonly key: string;
  readonly qualifiers: Readonly<Record<string, string>>;
  readonly target: BlobReference | null;
  /** Lower-case hex SHA-256 of the value that is kept in the record; null: none is. */
  readonly valueDigest: string | null;
  /** How many blobs it names besides the target. */
  readonly references: number;
  readonly by: string;
  readonly origin: EntryOrigin;
  readonly expiresAt: string | null;
}

export interface CacheEntryRemoved {
  readonly reason: 'evicted' | 'expired' | 'aged' | 'removed';
  readonly by: string;
}

/** Stream `artifact-cache:<instance>`: what operators and the upkeep did, and what went wrong with the store. */
export type ArtifactCacheEvent =
  | { readonly type: 'CacheEvicted'; readonly data: { readonly entries: number; readonly blobs: number; readonly bytes: number; readonly reason: 'quota' | 'age' | 'operator'; readonly by: string } }
  | { readonly type: 'CacheBlobLost'; readonly data: { readonly digest: string; readonly problem: 'missing' | 'corrupt'; readonly entries: number } }
  | { readonly type: 'CacheQuotaAlarm'; readonly data: { readonly bytes: number; readonly high: number; readonly limit: number; readonly state: 'raised' | 'cleared' } }
  | { readonly type: 'CacheStoreAlarm'; readonly data: { readonly problem: string; readonly state: 'raised' | 'cleared' } };
