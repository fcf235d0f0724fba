import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { upsertSearchAttributes } from '@temporalio/workflow';

/** What operators filter caches by in the Temporal UI. */
export const artifactCacheSearchAttributes = {
  instance: defineSearchAttributeKey('MillraceCache', SearchAttributeType.KEYWORD),
  state: defineSearchAttributeKey('MillraceCacheState', SearchAttributeType.KEYWORD),
};

/** `full`: over its quota, and eviction does not bring it down; `trouble`: something fails and is tried again. */
export type PublishedCacheState = 'well' | 'paused' | 'full' | 'trouble';

export function publishCache(instance: string, state: PublishedCacheState): void {
  upsertSearchAttributes([
    { key: artifactCacheSearchAttributes.instance, value: instance },
    { key: artifactCacheSearchAttributes.state, value: state },
  ]);
}
