import { Inject, Injectable } from '@nestjs/common';
import type { Principal } from '../../../libs/access/principal.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { isSessionId } from '../../../libs/session/session-id.js';
import type { Settings } from '../../../libs/settings/settings.js';
import type { Access } from '../access/open-access.js';
import type { RecordedSession, SessionReads } from '../gateway-ports.js';
import { ACCESS, LIFECYCLE, READS, SETTINGS } from '../gateway-tokens.js';
import { validate } from '../http/parse-json-body.js';
import { readOpenRequest } from '../session-lifecycle/open-request.js';
import { requireOwnSession } from '../session-lifecycle/require-own-session.js';
import type { SessionLifecycle } from '../session-lifecycle/session-lifecycle.js';
import { revokeToken } from './session-control-schemas.js';
import { localBlobFolder } from '../../../libs/blobs/local-blob-folder.js';
import type { RevokedToken, ServiceStatus } from './session-control-schemas.js';

/**
 * fetch-service's six operations. A session that has ended or expired is unknown here, as it is there; its record, when it
 * was opened with `retain`, is found under `/v1`.
 */
@Injectable()
export class SessionControlService {
  private readonly startedAt = new Date();

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(READS) private readonly reads: SessionReads,
    @Inject(LIFECYCLE) private readonly lifecycle: SessionLifecycle,
    @Inject(ACCESS) private readonly access: Access,
  ) {}

  async status(): Promise<ServiceStatus> {
    const { openedEver, active } = await this.reads.overview();
    const now = Date.now();
    return {
      uptime: secondsBetween(this.startedAt.getTime(), now),
      'start-time': this.startedAt.toISOString(),
      'session-count': openedEver,
      'active-sessions': active.map((session) => ({
        'session-id': session.id,
        'start-time': session.openedAt,
        policy: session.policy,
        age: secondsBetween(Date.parse(session.openedAt), now),
        timeout: session.timeoutSeconds,
      })),
    };
  }

  async open(body: unknown, caller: Principal): Promise<{ readonly id: string; readonly token: string }> {
    const { id, token } = await this.lifecycle.open(readOpenRequest(body, this.settings.permissive), caller.name);
    return { id, token }; // exactly these: craft-application refuses a third key
  }

  /** The token is the only credential. */
  async revoke(sessionId: string, body: unknown): Promise<RevokedToken> {
    const { token } = validate(revokeToken, body);
    await this.current(sessionId);
    const matches = await this.reads.tokenMatches(sessionId, token);
    if (matches === undefined) throw unknownSession();
    if (!matches) throw new MillraceError('invalid-token', 'invalid session token');
    const revoked = await this.lifecycle.revoke(sessionId, 'token');
    return { 'session-id': sessionId, 'start-time': revoked.openedAt, 'end-time': revoked.revokedAt, 'spool-path': localBlobFolder(this.settings) };
  }

  async report(sessionId: string, caller: Principal): Promise<object> {
    const session = await this.current(sessionId);
    requireOwnSession(this.access.authorization, caller, { session, role: 'reader' });
    if (session.state === 'open') throw new MillraceError('session-token-active', 'session token is active');
    return this.reads.report(sessionId);
  }

  async end(sessionId: string, caller: Principal): Promise<void> {
    requireOwnSession(this.access.authorization, caller, { session: await this.current(sessionId), role: 'admin' });
    await this.lifecycle.end(sessionId, caller.name);
  }

  /** Ending a session removes its resources already, so there is nothing to do; a live session keeps them. An unknown id is fine. */
  async removeResources(sessionId: string, caller: Principal): Promise<void> {
    if (!isSessionId(sessionId)) return;
    const session = await this.reads.find(sessionId);
    if (session === undefined) return;
    requireOwnSession(this.access.authorization, caller, { session, role: 'admin' });
    if (isCurrent(session)) {
      throw new MillraceError('resources-in-use', 'session is not finished', { suggestion: 'End the session first (DELETE /session/<id>).' });
    }
  }

  private async current(sessionId: string): Promise<RecordedSession> {
    const session = isSessionId(sessionId) ? await this.reads.find(sessionId) : undefined;
    if (session === undefined || !isCurrent(session)) throw unknownSession();
    return session;
  }
}

function isCurrent(session: RecordedSession): boolean {
  return session.state === 'open' || session.state === 'revoked';
}

function unknownSession(): MillraceError {
  return new MillraceError('session-not-found', 'no such session');
}

function secondsBetween(start: number, end: number): number {
  return Math.max(0, Math.floor((end - start) / 1000));
}
