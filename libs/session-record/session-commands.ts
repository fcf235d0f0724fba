import type { SessionSecret } from '../session/session-secrets.js';
import type { InspectorsConfiguration, SessionPolicy } from '../policy/session-policy.js';

export interface OpenSession {
  readonly sessionId: string;
  readonly policy: SessionPolicy;
  readonly owner: string;
  /** Lower-case hex SHA-256 of the token. */
  readonly tokenSha256: string;
  readonly timeoutSeconds: number;
  readonly retain: boolean;
  readonly inspectorsConfiguration: InspectorsConfiguration;
  /** Text of the session's own policy document; in the record with its digest. */
  readonly policyDocument?: string;
  /** Of that text, for a repetition by a caller that does not have it: what is repeated must have been opened with that document. */
  readonly policyDocumentSha256?: string;
  /** Sealed with a key derived from `token`; only a caller that has the token can hand in secrets. */
  readonly secrets?: { readonly token: string; readonly values: readonly SessionSecret[] };
  /** Also write the `start` message to the outbox, so that the workflow starts even when Temporal is away now. */
  readonly startWorkflow?: boolean;
}

/**
 * Every change of a session, durable when the promise resolves and idempotent: the workflow's activities and, when the
 * workflow engine is away, the gateway call these. Errors: `session-not-found`, `session-closed`, `record-conflict`; of `open` also `invalid-policy-document`.
 */
export interface SessionCommands {
  /** A second call with the same id and the same content changes nothing; with other content: `record-conflict`. */
  open(command: OpenSession): Promise<{ readonly openedAt: string; readonly expiresAt: string }>;
  /** Answers when every live proxy process has acknowledged (or lost its lease) and the record is sealed. */
  revoke(sessionId: string, by: string): Promise<{ readonly sessionId: string; readonly openedAt: string; readonly revokedAt: string }>;
  end(sessionId: string, by: string): Promise<{ readonly sessionId: string; readonly endedAt: string; readonly retained: boolean }>;
  expire(sessionId: string): Promise<{ readonly sessionId: string; readonly endedAt: string; readonly retained: boolean }>;
}
