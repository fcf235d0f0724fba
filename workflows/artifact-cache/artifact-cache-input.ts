import { invalidRequest, validateRequester } from '../session/session-input.js';
import { artifactCacheWorkflowId } from './artifact-cache-messages.js';

/** The name of the instance. Throws a non-retryable `ApplicationFailure` of type `invalid-request` that says what is wrong. */
export function validCacheInput(input: unknown, workflowId: string): string {
  const instance = typeof input === 'object' && input !== null ? (input as { instance?: unknown }).instance : undefined;
  if (typeof instance !== 'string' || instance === '' || instance.length > 200) throw invalidRequest('instance must be the name of a cache instance');
  if (artifactCacheWorkflowId(instance) !== workflowId) throw invalidRequest('the workflow id must be artifact-cache:<instance>');
  return instance;
}

/** Validator of the update `evict`. */
export function validateEvict(argument: unknown): void {
  validateRequester(argument);
  const { toBytes, dryRun } = argument as Record<string, unknown>;
  if (toBytes !== undefined && (!Number.isSafeInteger(toBytes) || (toBytes as number) < 0)) throw invalidRequest('toBytes must be a number of bytes');
  if (typeof dryRun !== 'boolean') throw invalidRequest('dryRun must be true or false');
}
