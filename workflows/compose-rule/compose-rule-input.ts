import { invalidRequest, validateRequester } from '../session/session-input.js';
import { composeRuleWorkflowId } from './compose-rule-messages.js';

/** The name of the rule. Throws a non-retryable `ApplicationFailure` of type `invalid-request` that names what is wrong. */
export function validRuleInput(input: unknown, workflowId: string): string {
  const rule = typeof input === 'object' && input !== null ? (input as { rule?: unknown }).rule : undefined;
  if (typeof rule !== 'string' || !/^[a-z0-9][a-z0-9._-]{0,62}$/.test(rule)) throw invalidRequest('rule must be the name of a rule');
  if (composeRuleWorkflowId(rule) !== workflowId) throw invalidRequest('the workflow id must be compose-rule:<rule>');
  return rule;
}

/** Validator of `replayRule`: a rejected update leaves no trace in the history. */
export function validateReplay(argument: unknown): void {
  validateRequester(argument);
  const { since, position } = argument as { since?: unknown; position?: unknown };
  if ((since === undefined) === (position === undefined)) throw invalidRequest('a replay has either since, a time, or position, that of one message');
  if (since !== undefined && (typeof since !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(since) || Number.isNaN(Date.parse(since)))) throw invalidRequest('since must be a time such as 2026-01-31T12:00:00Z');
  if (position !== undefined && (typeof position !== 'number' || !Number.isSafeInteger(position) || position < 1)) throw invalidRequest('position must be that of a message, from 1');
}
