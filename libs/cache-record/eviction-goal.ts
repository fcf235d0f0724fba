export interface Evicted {
  readonly entries: number;
  readonly blobs: number;
  readonly bytes: number;
}

/** What a round may take: used before `before`, until `excess` bytes are gone. */
export interface EvictionGoal {
  readonly now: string;
  readonly before: string;
  readonly excess: number;
}
