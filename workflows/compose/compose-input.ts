import { invalidRequest, validateRequester } from '../session/session-input.js';
import { composeWorkflowId } from './compose-messages.js';

/** Ten years: a guard against nonsense. The record has the service's own limit. */
const maximumSecondsToLive = 315_360_000;

/** The id of the compose. Throws a non-retryable `ApplicationFailure` of type `invalid-request` that names what is wrong. */
export function validComposeInput(input: unknown, workflowId: string): number {
  const composeId = typeof input === 'object' && input !== null ? (input as { composeId?: unknown }).composeId : undefined;
  if (typeof composeId !== 'number' || !Number.isSafeInteger(composeId) || composeId < 1) throw invalidRequest('composeId must be the number of a compose');
  if (composeWorkflowId(composeId) !== workflowId) throw invalidRequest('the workflow id must be compose:<composeId>');
  return composeId;
}

/** Validator of `renewCompose`: a rejected update leaves no trace in the history. */
export function validateRenewal(argument: unknown): void {
  validateRequester(argument);
  const { secondsToLive } = argument as { secondsToLive?: unknown };
  if (secondsToLive === undefined) return;
  if (typeof secondsToLive !== 'number' || !Number.isInteger(secondsToLive) || secondsToLive < 1 || secondsToLive > maximumSecondsToLive) {
    throw invalidRequest(`secondsToLive must be a whole number of seconds from 1 to ${maximumSecondsToLive}`);
  }
}
