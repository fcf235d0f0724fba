import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { InspectorsConfiguration, SessionPolicy } from '../../libs/policy/session-policy.js';

/**
 * The published contract of the session workflow: build managers may drive a session with these messages alone.
 * Workflow type `session`, task queue `sessions`, workflow id `session:<id>`. Nothing here ever holds a token or a secret.
 */
export const sessionWorkflowType = 'session';
export const sessionTaskQueue = 'sessions';
export const sessionWorkflowId = (sessionId: string): string => `session:${sessionId}`;

/** Seconds; what `timeoutSeconds` means when it is absent or 0. */
export const defaultTimeoutSeconds = 21_600;

export interface SessionInput {
  /** `[a-z0-9]{1,64}`; 32 lower-case hex digits by custom. */
  readonly sessionId: string;
  readonly policy: SessionPolicy;
  /** Who asked. */
  readonly owner: string;
  /** Lower-case hex SHA-256 of a token that the caller made (at least 20 random characters of [A-Za-z0-9]). */
  readonly tokenSha256: string;
  /** Seconds from opening until the session expires; 21600 when absent or 0. */
  readonly timeoutSeconds?: number;
  readonly retain?: boolean;
  readonly inspectorsConfiguration?: InspectorsConfiguration;
  /** Text of the session's policy document (YAML or JSON, at most 1 MiB); it stays in the workflow's history. */
  readonly policyDocument?: string;
  /** In its place, when the session has been opened by the record with that document: lower-case hex SHA-256 of it. */
  readonly policyDocumentSha256?: string;
}

export type SessionState = 'opening' | 'open' | 'revoked' | 'ended' | 'expired';

/** Cumulative totals up to `position`; a later signal replaces an earlier one, an older position is ignored. */
export interface TrafficTotals {
  /** Position of the last event counted, from 1. */
  readonly position: number;
  readonly downloads: number;
  readonly refused: number;
  readonly failed: number;
  /** Body bytes of all downloads. */
  readonly bytes: number;
  /** Downloads that strict would refuse, or did. */
  readonly violations: number;
}

export interface SessionStatus extends TrafficTotals {
  readonly sessionId: string;
  readonly state: SessionState;
  readonly policy: SessionPolicy;
  readonly owner: string;
  readonly openedAt: string | null;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
  readonly endedAt: string | null;
}

export interface RevokedSession {
  readonly sessionId: string;
  readonly openedAt: string;
  readonly revokedAt: string;
}

export interface EndedSession {
  readonly sessionId: string;
  readonly endedAt: string;
  /** False when everything that was stored for the session is deleted. */
  readonly retained: boolean;
}

/** What the workflow completes with. */
export interface SessionResult extends SessionStatus {
  readonly retained: boolean;
}

/** Answers when no proxy lets a request of the session through any more. Again with the same result when revoked already. */
export const revokeTokenUpdate = defineUpdate<RevokedSession, [{ readonly by: string }]>('revokeToken');
/** Revokes first if that has not been done; deletes what was stored unless the session was opened with `retain`; completes the workflow. */
export const endSessionUpdate = defineUpdate<EndedSession, [{ readonly by: string }]>('endSession');
/** Sent by the worker's traffic notifier, at most every few seconds per session. */
export const trafficRecordedSignal = defineSignal<[TrafficTotals]>('trafficRecorded');
export const sessionStatusQuery = defineQuery<SessionStatus>('sessionStatus');
