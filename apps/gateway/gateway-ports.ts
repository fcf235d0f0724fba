import type { SessionCommands } from '../../libs/session-record/session-commands.js';
import type { SessionPolicy } from '../../libs/policy/session-policy.js';
import type { EndedSession, RevokedSession, SessionInput, SessionState, TrafficTotals } from '../../workflows/session/session-messages.js';

/**
 * What the gateway needs from the rest. `gateway-dependencies.ts` makes these from the libraries; specs may replace one
 * of them to show what the gateway does when its other side fails.
 */

/** States that the record knows; `opening` exists only in the workflow. */
export type RecordedState = Exclude<SessionState, 'opening'>;

export interface RecordedSession {
  readonly id: string;
  readonly state: RecordedState;
  readonly policy: SessionPolicy;
  readonly owner: string;
  /** RFC 3339, as all times here. */
  readonly openedAt: string;
  readonly expiresAt: string;
  readonly revokedAt: string | null;
  readonly endedAt: string | null;
  readonly timeoutSeconds: number;
  readonly retain: boolean;
  readonly totals: TrafficTotals;
}

export interface SessionFilter {
  readonly state?: RecordedState;
  readonly policy?: SessionPolicy;
  readonly owner?: string;
  readonly openedAfter?: string;
  readonly openedBefore?: string;
  readonly limit: number;
  readonly cursor?: string;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Opaque; null on the last page. */
  readonly nextCursor: string | null;
}

/** One exchange of a session, whatever became of it. */
export interface RecordedDownload {
  /** Position of the event in the session's stream. */
  readonly position: number;
  readonly kind: 'downloaded' | 'refused' | 'failed';
  readonly startedAt: string;
  readonly endedAt: string;
  readonly method: string;
  readonly url: string;
  /** HTTP status that was recorded; null when no response head arrived. */
  readonly status: number | null;
  readonly sha256: string | null;
  /** Body bytes. */
  readonly size: number;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly verdict: 'Approved' | 'Rejected' | null;
  /** Why it was refused or failed; empty for a download. */
  readonly reason: string;
}

export interface SessionReads {
  find(sessionId: string): Promise<RecordedSession | undefined>;
  list(filter: SessionFilter): Promise<Page<RecordedSession>>;
  /** Sessions opened ever, and those whose resources are held (open or revoked). */
  overview(): Promise<{ readonly openedEver: number; readonly active: readonly RecordedSession[] }>;
  countByState(): Promise<Readonly<Partial<Record<RecordedState, number>>>>;
  downloads(sessionId: string, page: { readonly limit: number; readonly cursor?: string }): Promise<Page<RecordedDownload>>;
  /** fetch-service's report with our own keys beside; errors: `session-not-found`, `session-token-active`. */
  report(sessionId: string): Promise<object>;
  /** Constant-time comparison with the stored digest; undefined for an unknown session. True also for a revoked session's token. */
  tokenMatches(sessionId: string, token: string): Promise<boolean | undefined>;
  /** Resolves when the database answers and its schema is current; rejects otherwise. */
  ready(): Promise<void>;
}

/** Messages that the worker delivers to the workflow engine later. */
export interface WorkflowOutbox {
  /** The workflow has been started: its `start` message is not needed any more. */
  startDelivered(sessionId: string): Promise<void>;
  /** The command has run here because the engine was away: the workflow still has to hear of it. */
  leaveRevoke(sessionId: string, by: string): Promise<void>;
  leaveEnd(sessionId: string, by: string): Promise<void>;
}

/** The workflow engine. Every promise rejects with `workflow-engine-unavailable` when the engine, or the workflow in it, does not answer. */
export interface SessionWorkflows {
  start(input: SessionInput): Promise<void>;
  revoke(sessionId: string, by: string): Promise<RevokedSession>;
  end(sessionId: string, by: string): Promise<EndedSession>;
  reachable(): Promise<boolean>;
}

/** The certificate authority that signs for intercepted hosts; public part only. */
export interface AuthorityCertificate {
  pem(): Promise<string>;
  /** Trust stores with the one certificate in them, under the password `changeit` that Java tools expect. */
  pkcs12(): Promise<Buffer>;
  jks(): Promise<Buffer>;
}

export type EnvironmentShell = 'sh' | 'fish' | 'powershell' | 'json';

/** Which variables a build needs so that its tools use the proxy and trust the authority. */
export interface BuildEnvironment {
  /** `caFile`: where the build machine keeps the authority's certificate (PEM); without it, files of the service's own machine. */
  snippet(shell: EnvironmentShell, options: { readonly proxyUrl: string; readonly caFile?: string }): Promise<string>;
}

export interface GatewayDependencies {
  readonly commands: SessionCommands;
  readonly reads: SessionReads;
  readonly outbox: WorkflowOutbox;
  readonly workflows: SessionWorkflows;
  readonly authority: AuthorityCertificate;
  readonly buildEnvironment: BuildEnvironment;
}
