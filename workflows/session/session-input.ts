import { ApplicationFailure } from '@temporalio/workflow';
import { defaultTimeoutSeconds, sessionWorkflowId } from './session-messages.js';
import type { SessionInput } from './session-messages.js';

/** Ten years: a guard against nonsense, not a limit that anyone meets. */
const maximumTimeoutSeconds = 315_360_000;
const maximumNameLength = 255;
const maximumDocumentLength = 1024 * 1024;
const knownKeys = new Set(['sessionId', 'policy', 'owner', 'tokenSha256', 'timeoutSeconds', 'retain', 'inspectorsConfiguration', 'policyDocument', 'policyDocumentSha256']);

/** With every default filled in; without a policy document there is no default. */
export type ValidSessionInput = Required<Omit<SessionInput, keyof PolicyInput>> & PolicyInput;

type PolicyInput = Pick<SessionInput, 'policyDocument' | 'policyDocumentSha256'>;

/** Failures of input are final: the same message again would fail the same way. */
export function invalidRequest(message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, 'invalid-request');
}

/**
 * Checks what a caller of the workflow sent, which may be anything, and fills in the defaults. Throws a non-retryable
 * `ApplicationFailure` of type `invalid-request` that names the field; it never repeats a value, because a value in the wrong
 * place may be a token.
 */
export function validSessionInput(input: unknown, workflowId: string): ValidSessionInput {
  if (!isPlainObject(input)) throw invalidRequest('the input of a session workflow must be an object (SessionInput)');
  const unknown = Object.keys(input).filter((key) => !knownKeys.has(key));
  if (unknown.length > 0) throw invalidRequest(`the session input has unknown fields (a token or a secret never belongs here): ${unknown.slice(0, 5).map((key) => key.slice(0, 40)).join(', ')}`);
  const { sessionId, policy, owner, tokenSha256, timeoutSeconds = 0, retain = false, inspectorsConfiguration = {} } = input;
  if (typeof sessionId !== 'string' || !/^[a-z0-9]{1,64}$/.test(sessionId)) throw invalidRequest('sessionId must be 1 to 64 characters of [a-z0-9]');
  if (sessionWorkflowId(sessionId) !== workflowId) throw invalidRequest('the workflow id must be session:<sessionId>');
  if (policy !== 'strict' && policy !== 'permissive') throw invalidRequest('policy must be strict or permissive');
  if (!isShortText(owner)) throw invalidRequest(`owner must be 1 to ${maximumNameLength} characters without control characters`);
  if (typeof tokenSha256 !== 'string' || !/^[0-9a-f]{64}$/.test(tokenSha256)) throw invalidRequest('tokenSha256 must be the SHA-256 of the token in lower-case hex');
  if (typeof timeoutSeconds !== 'number' || !Number.isInteger(timeoutSeconds) || timeoutSeconds < 0 || timeoutSeconds > maximumTimeoutSeconds) {
    throw invalidRequest(`timeoutSeconds must be a whole number of seconds from 0 to ${maximumTimeoutSeconds}`);
  }
  if (typeof retain !== 'boolean') throw invalidRequest('retain must be true or false');
  if (!isPlainObject(inspectorsConfiguration)) throw invalidRequest('inspectorsConfiguration must be an object');
  return { sessionId, policy, owner, tokenSha256, timeoutSeconds: timeoutSeconds === 0 ? defaultTimeoutSeconds : timeoutSeconds, retain, inspectorsConfiguration, ...policyInput(input) };
}

/** What is in the document is the activity's business: it takes a parser. */
function policyInput({ policyDocument, policyDocumentSha256 }: Record<string, unknown>): PolicyInput {
  if (policyDocument !== undefined && (typeof policyDocument !== 'string' || policyDocument.length > maximumDocumentLength)) {
    throw invalidRequest(`policyDocument must be the text of a policy document, at most ${maximumDocumentLength} characters`);
  }
  if (policyDocumentSha256 !== undefined && (typeof policyDocumentSha256 !== 'string' || !/^[0-9a-f]{64}$/.test(policyDocumentSha256))) {
    throw invalidRequest('policyDocumentSha256 must be the SHA-256 of the policy document in lower-case hex');
  }
  return { ...(policyDocument === undefined ? {} : { policyDocument }), ...(policyDocumentSha256 === undefined ? {} : { policyDocumentSha256 }) };
}

/** Validator of `revokeToken` and `endSession`: a rejected update leaves no trace in the history. */
export function validateRequester(argument: unknown): void {
  if (!isPlainObject(argument) || !isShortText(argument.by)) throw invalidRequest(`by must be 1 to ${maximumNameLength} characters without control characters`);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isShortText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= maximumNameLength && !/[\u0000-\u001f\u007f]/.test(value);
}
