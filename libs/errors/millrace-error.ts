/**
 * The one error type of Millrace. Whatever a user, a client or an operator can reach carries a stable `code` from the
 * closed union below; the tables in `error-table.ts` turn a code into an HTTP status, a CLI exit code and a retry rule.
 */
export type ErrorCode =
  | 'invalid-request'
  | 'invalid-policy'
  | 'invalid-policy-document'
  | 'invalid-secret'
  | 'invalid-setting'
  | 'unauthorized'
  | 'invalid-token'
  | 'session-not-found'
  | 'session-token-active'
  | 'session-closed'
  | 'record-sealed'
  | 'record-conflict'
  | 'record-corrupt'
  | 'payload-too-large'
  | 'policy-not-allowed'
  | 'resources-in-use'
  | 'blob-not-found'
  | 'digest-mismatch'
  | 'compose-not-found'
  | 'compose-closed'
  | 'compose-failed'
  | 'compose-name-not-found'
  | 'rule-not-found'
  | 'message-not-found'
  | 'quota-exceeded'
  | 'identity-unavailable'
  | 'idempotency-conflict'
  | 'forbidden'
  | 'source-unavailable'
  | 'source-changed'
  | 'source-invalid'
  | 'unresolvable'
  | 'storage-full'
  | 'storage-unavailable'
  | 'storage-refused'
  | 'storage-conflict'
  | 'repository-not-found'
  | 'repository-exists'
  | 'state-not-found'
  | 'package-not-found'
  | 'package-invalid'
  | 'package-conflict'
  | 'change-guarded'
  | 'change-not-found'
  | 'upload-not-found'
  | 'key-not-found'
  | 'entry-not-found'
  | 'cache-full'
  | 'repository-full'
  | 'spool-full'
  | 'signing-unavailable'
  | 'database-unavailable'
  | 'workflow-engine-unavailable'
  | 'service-unavailable'
  | 'tool-not-found'
  | 'start-failed'
  | 'port-in-use'
  | 'internal';

export interface MillraceErrorOptions {
  /** What went wrong below; kept as the standard `cause`. */
  readonly cause?: unknown;
  /** What the reader can do about it, one sentence. */
  readonly suggestion?: string;
  /** Each thing that is wrong, where there may be several; goes to the caller as it is. */
  readonly details?: readonly object[];
}

export class MillraceError extends Error {
  override readonly name = 'MillraceError';
  readonly code: ErrorCode;
  readonly suggestion: string | undefined;
  readonly details: readonly object[] | undefined;

  constructor(code: ErrorCode, message: string, options: MillraceErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.suggestion = options.suggestion;
    this.details = options.details;
  }
}

/** True for our own errors, also across jest realms, where `instanceof` fails. */
export function isMillraceError(value: unknown): value is MillraceError {
  return typeof value === 'object' && value !== null && (value as { name?: unknown }).name === 'MillraceError' && 'code' in value;
}
