import type { ArtefactMetadata, Inspection, Verdict } from '../inspection/inspection.js';
import type { BodyDigest, RequestRecord, ResponseRecord } from './exchange.js';
import type { RecordedPolicyDocument } from '../policy/policy-document.js';
import type { InspectorsConfiguration, SessionPolicy } from '../policy/session-policy.js';

/** Stream id = workflow id = `session:<id>`. */
export function sessionStreamId(sessionId: string): string {
  return `session:${sessionId}`;
}

export interface SessionOpened {
  readonly type: 'SessionOpened';
  readonly data: {
    readonly sessionId: string;
    readonly policy: SessionPolicy;
    /** Who asked: the user of the control API, or the caller of the workflow. */
    readonly owner: string;
    readonly openedAt: string;
    readonly expiresAt: string;
    readonly timeoutSeconds: number;
    /** `sha256:<hex>` of the token; the token itself is nowhere. */
    readonly tokenDigest: string;
    /** Keep the record when the session ends or expires. */
    readonly retain: boolean;
    readonly inspectorsConfiguration: InspectorsConfiguration;
    /** What is injected where, without the credentials. */
    readonly secrets: readonly { readonly type: string; readonly url: string }[];
    /** The policy documents in force, the service's first; absent: none. */
    readonly policyDocuments?: readonly RecordedPolicyDocument[];
  };
}

/** A response reached the build (or, with `delivered` false, was withheld by strict policy). Any status. */
export interface ArtefactDownloaded {
  readonly type: 'ArtefactDownloaded';
  readonly data: {
    readonly request: RequestRecord;
    readonly response: ResponseRecord;
    readonly body: BodyDigest;
    readonly responseInspection: Readonly<Record<string, Inspection>>;
    readonly metadata: ArtefactMetadata;
    readonly verdict: Verdict;
    /** False when strict policy answered 403 in its place. */
    readonly delivered: boolean;
    /** True when the body is kept in the blob store under its sha256. */
    readonly kept: boolean;
    /** What the build got in place of the body, when policy hides a part of an index. */
    readonly replacement?: { readonly body: BodyDigest; readonly reason: string };
  };
}

/** A request that never went upstream. */
export interface RequestRefused {
  readonly type: 'RequestRefused';
  readonly data: {
    readonly request: RequestRecord;
    /** Which rule: `policy`, `destination`, `upgrade`, `host-mismatch`, `malformed`, `too-large`, `unresolved`. */
    readonly rule: string;
    readonly reason: string;
    /** Status that the build was answered with. */
    readonly status: number;
  };
}

/** A request that went (or tried to go) upstream, and whose response did not arrive whole. */
export interface DownloadFailed {
  readonly type: 'DownloadFailed';
  readonly data: {
    readonly request: RequestRecord;
    readonly response: ResponseRecord | null;
    /** Where: `connect`, `tls`, `request`, `response-head`, `response-body`, `client`, `revoked`, `timeout`. */
    readonly stage: string;
    readonly reason: string;
    /** Body bytes received from upstream before it failed. */
    readonly receivedBytes: number;
    /** Digest of these bytes: a build may have used them although the body was torn. Null when there were none. */
    readonly received?: BodyDigest | null;
  };
}

export interface TokenRevoked {
  readonly type: 'TokenRevoked';
  readonly data: { readonly revokedAt: string; readonly by: string };
}

export interface SessionEnded {
  readonly type: 'SessionEnded';
  readonly data: { readonly endedAt: string; readonly by: string };
}

export interface SessionExpired {
  readonly type: 'SessionExpired';
  readonly data: { readonly expiredAt: string };
}

/** Events that proxies append; the others come from commands. */
export type TrafficEvent = ArtefactDownloaded | RequestRefused | DownloadFailed;

export type SessionEvent = SessionOpened | TrafficEvent | TokenRevoked | SessionEnded | SessionExpired;
