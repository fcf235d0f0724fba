import { MillraceError } from '../libs/errors/millrace-error.js';
import { composeRuleWorkflowId, replayRuleUpdate } from '../workflows/compose-rule/compose-rule-messages.js';
import { withinDeadline } from './within-deadline.js';
import { asMillraceError, hasName } from './workflow-errors.js';
import type { Client } from '@temporalio/client';

/** Milliseconds. */
const deadline = 3000;

export type RuleReplay = (rule: string, options: { readonly position: number; readonly by: string }) => Promise<void>;

/** Has the workflow of a rule look at one message again. Errors: `workflow-engine-unavailable`, `rule-not-found`. */
export function createRuleReplay(client: Client): RuleReplay {
  return async (rule, { position, by }) => {
    const workflowId = composeRuleWorkflowId(rule);
    try {
      await withinDeadline(deadline, client.withDeadline(Date.now() + deadline, () => client.workflow.getHandle(workflowId).executeUpdate(replayRuleUpdate, { args: [{ by, position }] })));
    } catch (error) {
      if (hasName(error, 'WorkflowNotFoundError')) throw new MillraceError('rule-not-found', `no rule ${rule} runs`, { cause: error, suggestion: 'If the rule is gone from the settings, drop what it parked.' });
      throw asMillraceError(error, workflowId, 'compose');
    }
  };
}
