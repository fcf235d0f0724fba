import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { upsertSearchAttributes } from '@temporalio/workflow';

/** What operators filter rules by in the Temporal UI. */
export const composeRuleSearchAttributes = {
  rule: defineSearchAttributeKey('MillraceRule', SearchAttributeType.KEYWORD),
  state: defineSearchAttributeKey('MillraceRuleState', SearchAttributeType.KEYWORD),
};

export function publishRule(rule: string, state: 'active' | 'paused' | 'retired'): void {
  upsertSearchAttributes([
    { key: composeRuleSearchAttributes.rule, value: rule },
    { key: composeRuleSearchAttributes.state, value: state },
  ]);
}
