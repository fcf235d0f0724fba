import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { upsertSearchAttributes } from '@temporalio/workflow';

/** What operators filter caches by in the Temporal UI; the workflow's id has the instance. A namespace of SQLite or PostgreSQL has room for ten of type Keyword, all taken now. */
export const artifactCacheSearchAttributes = {
  state: defineSearchAttributeKey('MillraceCacheState', SearchAttributeType.KEYWORD),
};

/** `full`: over its quota, and eviction does not bring it down; `trouble`: something fails and is tried again. */
export type PublishedCacheState = 'well' | 'paused' | 'full' | 'trouble';

export function publishCache(state: PublishedCacheState): void {
  upsertSearchAttributes([{ key: artifactCacheSearchAttributes.state, value: state }]);
}
