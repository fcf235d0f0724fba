import type { CacheAccess } from '../../../libs/cache-access/cache-access.js';
import type { ArtifactCache } from '../../../libs/cache-engine/artifact-cache.js';
import type { CacheRecord } from '../../../libs/cache-record/cache-record.js';
import type { NamesByHash } from '../../../libs/cache-record/find-by-hash.js';
import type { ObjectStore } from '../../../libs/object-storage/object-store.js';
import type { ArtifactCacheStatus, EvictRequest, EvictionReport } from '../../../workflows/artifact-cache/artifact-cache-messages.js';

/** What the gateway needs for the artifact cache. `cache-dependencies.ts` makes these from the libraries; specs may replace one. */
export interface CacheDependencies {
  readonly cache: ArtifactCache;
  readonly byHash: NamesByHash;
  readonly access: CacheAccess;
  readonly record: Pick<CacheRecord, 'listEntries' | 'history' | 'usage'>;
  readonly workflows: CacheWorkflows;
  /** Whether the store is the right one, and answers; asked every few seconds at most. */
  readonly storeAnswers: () => Promise<boolean>;
  /** Instances that are OSTree repositories, too. */
  readonly ostree: { readonly instances: ReadonlySet<string>; readonly store: Pick<ObjectStore, 'head' | 'get'> };
}

/** The workflow of an instance. Rejects with `workflow-engine-unavailable`; a round of eviction or verification goes on without whoever asked for it. */
export interface CacheWorkflows {
  status(instance: string, options: CallDeadline): Promise<ArtifactCacheStatus>;
  evict(instance: string, request: EvictRequest, options: CallDeadline): Promise<EvictionReport>;
  verify(instance: string, by: string, options: CallDeadline): Promise<{ readonly checked: number; readonly lost: number }>;
  pause(instance: string, by: string, options: CallDeadline): Promise<void>;
  resume(instance: string, by: string, options: CallDeadline): Promise<void>;
}

export interface CallDeadline {
  /** Milliseconds. */
  readonly deadline: number;
}
