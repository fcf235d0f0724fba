import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { upsertSearchAttributes } from '@temporalio/workflow';

/** What operators filter repositories by in the Temporal UI. */
export const repositorySearchAttributes = {
  name: defineSearchAttributeKey('MillraceRepository', SearchAttributeType.KEYWORD),
  state: defineSearchAttributeKey('MillraceRepositoryState', SearchAttributeType.KEYWORD),
};

/** `trouble`: something fails and is being tried again. */
export function publishRepository(name: string, state: 'well' | 'trouble'): void {
  upsertSearchAttributes([
    { key: repositorySearchAttributes.name, value: name },
    { key: repositorySearchAttributes.state, value: state },
  ]);
}
