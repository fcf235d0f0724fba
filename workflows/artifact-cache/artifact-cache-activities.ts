/** What the workflow needs to know of its cache. */
export interface CacheView {
  readonly usage: { readonly bytes: number; readonly blobs: number; readonly entries: number; readonly kept: number };
  /** Bytes that eviction brings it down from. */
  readonly high: number;
  readonly limit: number;
  /** Whether the settings say that things go by their age. */
  readonly ages: boolean;
  /** Eviction waits for an operator, as the settings say. */
  readonly paused: boolean;
  /** Bytes that are verified in an hour; 0: none by themselves. */
  readonly verifiedHourly: number;
}

export interface EvictionOrder {
  /** Down to the lower quota, to so many bytes, or whatever is too old. */
  readonly to: 'quota' | 'age' | number;
  readonly dryRun: boolean;
  readonly by: string;
  readonly reason: 'quota' | 'age' | 'operator';
}

export interface EvictionCounts {
  readonly entries: number;
  readonly blobs: number;
  readonly bytes: number;
  /** More is to be evicted: ask again. */
  readonly more: boolean;
}

export interface VerifiedCounts {
  readonly checked: number;
  readonly bytes: number;
  readonly lost: number;
  /** Null: that was the last blob. */
  readonly after: string | null;
}

export interface CacheAlarm {
  readonly state: 'raised' | 'cleared';
  readonly bytes: number;
  readonly high: number;
  readonly limit: number;
}

/** All may be repeated; `createArtifactCacheActivities` in activities/artifact-cache makes them. An instance that the settings do not have: `invalid-request`. */
export interface ArtifactCacheActivities {
  lookAtCache(instance: string): Promise<CacheView>;
  /** Bounded: as much as goes in some seconds. */
  evictFromCache(instance: string, order: EvictionOrder): Promise<EvictionCounts>;
  /** Answers how many objects went. */
  collectCacheGarbage(instance: string): Promise<number>;
  verifyCache(instance: string, range: { readonly after: string | null; readonly bytes: number }): Promise<VerifiedCounts>;
  tellCacheAlarm(instance: string, alarm: CacheAlarm): Promise<void>;
}
