import { MillraceError } from '../errors/millrace-error.js';
import type { RecordedPolicyDocument } from '../policy/policy-document.js';
import type { InspectorsConfiguration, SessionPolicy } from '../policy/session-policy.js';
import type { SessionEvent, SessionOpened } from './session-events.js';

/** The session aggregate: pure, also imported by workflows. */
export type SessionStateName = 'none' | 'open' | 'revoked' | 'ended' | 'expired';

export interface Session {
  readonly state: SessionStateName;
  readonly opened: SessionOpened['data'] | null;
  readonly revokedAt: string | null;
  readonly endedAt: string | null;
  readonly downloads: number;
  readonly refused: number;
  readonly failed: number;
  /** Body bytes of all downloads. */
  readonly bytes: number;
  /** Downloads that strict would refuse, or did. */
  readonly violations: number;
}

export type SessionCommand =
  | {
      readonly type: 'OpenSession';
      readonly sessionId: string;
      readonly policy: SessionPolicy;
      readonly owner: string;
      readonly now: string;
      readonly timeoutSeconds: number;
      readonly tokenDigest: string;
      readonly retain: boolean;
      readonly inspectorsConfiguration: InspectorsConfiguration;
      /** Undefined: the caller does not know them (a workflow never does), so a repetition is not compared by them. */
      readonly secrets?: readonly { readonly type: string; readonly url: string }[];
      /** In force if the session is opened now. A repetition is compared by the session's own document only: the service's may have changed since. */
      readonly policyDocuments?: readonly RecordedPolicyDocument[];
      /** Of the session's own document, for a repetition by a caller that does not have it. */
      readonly policyDocumentSha256?: string;
    }
  | { readonly type: 'RevokeToken'; readonly now: string; readonly by: string }
  | { readonly type: 'EndSession'; readonly now: string; readonly by: string }
  | { readonly type: 'ExpireSession'; readonly now: string };

export const initialState: Session = { state: 'none', opened: null, revokedAt: null, endedAt: null, downloads: 0, refused: 0, failed: 0, bytes: 0, violations: 0 };

/**
 * What a command makes of a session; no event when it has been carried out already, so that every command can be repeated.
 * Errors: `session-not-found`, `session-token-active` (end before revoke), `record-conflict` (opened before, with other content).
 */
export function decide(command: SessionCommand, session: Session): readonly SessionEvent[] {
  switch (command.type) {
    case 'OpenSession':
      return decideOpen(command, session);
    case 'RevokeToken':
      requireOpened(session);
      return session.state === 'open' ? [{ type: 'TokenRevoked', data: { revokedAt: command.now, by: command.by } }] : [];
    case 'EndSession':
      requireOpened(session);
      if (session.state === 'open') throw new MillraceError('session-token-active', 'the session is ended after its token is revoked');
      return session.state === 'revoked' ? [{ type: 'SessionEnded', data: { endedAt: command.now, by: command.by } }] : [];
    case 'ExpireSession':
      requireOpened(session);
      return session.state === 'open' || session.state === 'revoked' ? [{ type: 'SessionExpired', data: { expiredAt: command.now } }] : [];
  }
}

/** Counts and dates only; the record itself has the rest. */
export function evolve(session: Session, event: SessionEvent): Session {
  switch (event.type) {
    case 'SessionOpened':
      return { ...initialState, state: 'open', opened: event.data };
    case 'ArtefactDownloaded':
      return {
        ...session,
        downloads: session.downloads + 1,
        bytes: session.bytes + event.data.body.size,
        violations: session.violations + (event.data.verdict === 'Rejected' ? 1 : 0),
      };
    case 'RequestRefused':
      return { ...session, refused: session.refused + 1, violations: session.violations + (event.data.rule === 'policy' ? 1 : 0) };
    case 'DownloadFailed':
      return { ...session, failed: session.failed + 1 };
    case 'TokenRevoked':
      return { ...session, state: 'revoked', revokedAt: event.data.revokedAt };
    case 'SessionEnded':
      return { ...session, state: 'ended', endedAt: event.data.endedAt };
    case 'SessionExpired':
      return { ...session, state: 'expired', revokedAt: session.revokedAt ?? event.data.expiredAt, endedAt: event.data.expiredAt };
  }
}

function decideOpen(command: Extract<SessionCommand, { type: 'OpenSession' }>, session: Session): readonly SessionEvent[] {
  const { type: _, now, secrets, policyDocuments = [], policyDocumentSha256, ...content } = command;
  const ownDocument = sessionDocumentDigest(policyDocuments) ?? policyDocumentSha256;
  if (session.opened !== null) {
    const { openedAt: _openedAt, expiresAt: _expiresAt, secrets: secretsBefore, policyDocuments: documentsBefore = [], ...before } = session.opened;
    if (sessionDocumentDigest(documentsBefore) !== ownDocument || canonical(before) !== canonical(content) || (secrets !== undefined && canonical(secretsBefore) !== canonical(secrets))) {
      throw new MillraceError('record-conflict', `session ${command.sessionId} was opened before with other content`);
    }
    return [];
  }
  if (!Number.isSafeInteger(command.timeoutSeconds) || command.timeoutSeconds <= 0) {
    throw new MillraceError('invalid-request', 'the timeout is a whole number of seconds above 0');
  }
  if (ownDocument !== sessionDocumentDigest(policyDocuments)) throw new MillraceError('invalid-request', 'the policy document of the session is named and not there');
  const expiresAt = new Date(Date.parse(now) + command.timeoutSeconds * 1000).toISOString();
  return [{ type: 'SessionOpened', data: { ...content, secrets: secrets ?? [], openedAt: now, expiresAt, ...(policyDocuments.length === 0 ? {} : { policyDocuments }) } }];
}

function sessionDocumentDigest(documents: readonly RecordedPolicyDocument[]): string | undefined {
  return documents.find(({ source }) => source === 'session')?.sha256;
}

function requireOpened(session: Session): void {
  if (session.opened === null) throw new MillraceError('session-not-found', 'there is no such session');
}

/** JSON with sorted keys: content is the same whatever order its keys came in. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item) ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1))) : item,
  );
}
