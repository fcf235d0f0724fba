import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { upsertSearchAttributes } from '@temporalio/workflow';
import { sessionSearchAttributes } from '../session/session-search-attributes.js';
import type { ComposeView } from './compose-activities.js';

/**
 * What operators filter composes by in the Temporal UI, besides `MillraceOwner`. The id is a keyword, because a Temporal on SQL has room for three whole numbers
 * in a namespace, and sessions have them.
 */
export const composeSearchAttributes = {
  state: defineSearchAttributeKey('MillraceComposeState', SearchAttributeType.KEYWORD),
  id: defineSearchAttributeKey('MillraceComposeId', SearchAttributeType.KEYWORD),
};

export function publishCompose(composeId: number, { state, owner }: ComposeView): void {
  upsertSearchAttributes([
    { key: composeSearchAttributes.state, value: state },
    { key: composeSearchAttributes.id, value: String(composeId) },
    { key: sessionSearchAttributes.owner, value: owner },
  ]);
}
