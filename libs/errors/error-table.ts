import type { ErrorCode } from './millrace-error.js';

export interface ErrorMapping {
  /** Status that the REST gateway answers with. */
  readonly http: number;
  /** Exit code of the `millrace` command; documented in docs/reference/cli.md. */
  readonly exit: number;
  /** Whether the same call may succeed later without a change. Temporal activities retry only these. */
  readonly retryable: boolean;
}

/** One row a code; nothing else in the project maps errors to numbers. */
export const errorTable: Readonly<Record<ErrorCode, ErrorMapping>> = {
  'invalid-request': { http: 400, exit: 64, retryable: false },
  'invalid-policy': { http: 400, exit: 64, retryable: false },
  'invalid-policy-document': { http: 400, exit: 65, retryable: false },
  'invalid-secret': { http: 400, exit: 64, retryable: false },
  'invalid-setting': { http: 500, exit: 78, retryable: false },
  unauthorized: { http: 401, exit: 77, retryable: false },
  'invalid-token': { http: 400, exit: 77, retryable: false },
  'session-not-found': { http: 404, exit: 66, retryable: false },
  'session-token-active': { http: 400, exit: 65, retryable: false },
  'session-closed': { http: 409, exit: 65, retryable: false },
  'record-sealed': { http: 409, exit: 65, retryable: false },
  'record-conflict': { http: 409, exit: 75, retryable: true },
  'record-corrupt': { http: 500, exit: 70, retryable: false },
  'payload-too-large': { http: 413, exit: 65, retryable: false },
  'policy-not-allowed': { http: 400, exit: 77, retryable: false },
  'resources-in-use': { http: 409, exit: 65, retryable: false },
  'blob-not-found': { http: 404, exit: 66, retryable: false },
  'digest-mismatch': { http: 422, exit: 65, retryable: false },
  'compose-not-found': { http: 404, exit: 66, retryable: false },
  'compose-closed': { http: 409, exit: 65, retryable: false },
  // What the command line says of a compose that it has waited for.
  'compose-failed': { http: 409, exit: 1, retryable: false },
  'compose-name-not-found': { http: 404, exit: 66, retryable: false },
  'rule-not-found': { http: 404, exit: 66, retryable: false },
  'message-not-found': { http: 404, exit: 66, retryable: false },
  'quota-exceeded': { http: 429, exit: 75, retryable: true },
  'identity-unavailable': { http: 503, exit: 69, retryable: true },
  'idempotency-conflict': { http: 422, exit: 65, retryable: false },
  forbidden: { http: 403, exit: 77, retryable: false },
  'source-unavailable': { http: 502, exit: 69, retryable: true },
  'source-changed': { http: 502, exit: 75, retryable: true },
  'source-invalid': { http: 422, exit: 65, retryable: false },
  unresolvable: { http: 422, exit: 65, retryable: false },
  'storage-full': { http: 507, exit: 74, retryable: true },
  'storage-unavailable': { http: 503, exit: 69, retryable: true },
  'storage-refused': { http: 502, exit: 77, retryable: false },
  // Somebody else has written in between: whoever looks again may do better.
  'storage-conflict': { http: 409, exit: 75, retryable: true },
  'repository-not-found': { http: 404, exit: 66, retryable: false },
  'repository-exists': { http: 409, exit: 65, retryable: false },
  'state-not-found': { http: 404, exit: 66, retryable: false },
  'package-not-found': { http: 404, exit: 66, retryable: false },
  'package-invalid': { http: 422, exit: 65, retryable: false },
  'package-conflict': { http: 409, exit: 65, retryable: false },
  'change-guarded': { http: 409, exit: 65, retryable: false },
  'change-not-found': { http: 404, exit: 66, retryable: false },
  'upload-not-found': { http: 404, exit: 66, retryable: false },
  'key-not-found': { http: 422, exit: 78, retryable: false },
  'entry-not-found': { http: 404, exit: 66, retryable: false },
  // A push: what is there is in use, and eviction has not made room yet.
  'cache-full': { http: 507, exit: 74, retryable: true },
  // What is kept there has to become less, by somebody's decision.
  'repository-full': { http: 507, exit: 74, retryable: false },
  'spool-full': { http: 507, exit: 74, retryable: true },
  'signing-unavailable': { http: 503, exit: 69, retryable: true },
  'database-unavailable': { http: 503, exit: 69, retryable: true },
  'workflow-engine-unavailable': { http: 503, exit: 69, retryable: true },
  // What the command line says when no gateway answers.
  'service-unavailable': { http: 503, exit: 69, retryable: true },
  'tool-not-found': { http: 500, exit: 69, retryable: false },
  'start-failed': { http: 500, exit: 70, retryable: false },
  'port-in-use': { http: 500, exit: 70, retryable: false },
  internal: { http: 500, exit: 70, retryable: false },
};
