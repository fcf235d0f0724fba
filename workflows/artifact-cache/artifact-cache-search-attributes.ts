import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { upsertSearchAttributes } from '@temporalio/workflow';

/** What operators filter caches by in the Temporal UI. The workflow's id says the instance; Temporal's own database has ten attributes of type Keyword in all. */
export const artifactCacheSearchAttributes = {
  state: defineSearchAttributeKey('MillraceCacheState', SearchAttributeType.KEYWORD),
};

/** `full`: over its quota, and eviction does not bring it down; `trouble`: something fails and is tried again. */
export type PublishedCacheState = 'well' | 'paused' | 'full' | 'trouble';

export function publishCache(state: PublishedCacheState): void {
  upsertSearchAttributes([{ key: artifactCacheSearchAttributes.state, value: state }]);
}
