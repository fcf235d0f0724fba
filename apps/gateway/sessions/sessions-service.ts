import { Inject, Injectable } from '@nestjs/common';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { policyText } from '../../../libs/policy/record-policy-documents.js';
import { isSessionId } from '../../../libs/session/session-id.js';
import type { Settings } from '../../../libs/settings/settings.js';
import type { RecordedSession, SessionReads } from '../gateway-ports.js';
import { LIFECYCLE, READS, SETTINGS } from '../gateway-tokens.js';
import { controlUser } from '../../../libs/access/authentication/control-credentials.js';
import { validate } from '../http/parse-json-body.js';
import { readOpenRequest } from '../session-lifecycle/open-request.js';
import type { SessionLifecycle } from '../session-lifecycle/session-lifecycle.js';
import { proxyUrl } from './proxy-url.js';
import { sessionLinks } from './session-links.js';
import { downloadQuery, policyCheckRequest, sessionQuery } from './session-schemas.js';
import type { CreatedSession, DownloadPage, PolicyCheck, RevokedSession, Session, SessionPage } from './session-schemas.js';

/** Millrace's own view of sessions: also of those that ended, as long as their record is kept. */
@Injectable()
export class SessionsService {
  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(READS) private readonly reads: SessionReads,
    @Inject(LIFECYCLE) private readonly lifecycle: SessionLifecycle,
  ) {}

  async list(query: unknown): Promise<SessionPage> {
    const { 'opened-after': openedAfter, 'opened-before': openedBefore, ...rest } = validate(sessionQuery, query);
    const page = await this.reads.list({ ...rest, ...(openedAfter === undefined ? {} : { openedAfter }), ...(openedBefore === undefined ? {} : { openedBefore }) });
    return { items: page.items.map((session) => this.present(session)), nextCursor: page.nextCursor };
  }

  async create(body: unknown, requestHost: string): Promise<CreatedSession> {
    const request = readOpenRequest(body, this.settings.permissive);
    const opened = await this.lifecycle.open(request, controlUser(this.settings.controlAuth));
    return { ...opened, proxyUrl: proxyUrl(this.settings, opened, requestHost), policy: request.policy, links: sessionLinks(this.settings, opened.id) };
  }

  async get(sessionId: string): Promise<Session> {
    return this.present(await this.find(sessionId));
  }

  async downloads(sessionId: string, query: unknown): Promise<DownloadPage> {
    const page = validate(downloadQuery, query);
    await this.find(sessionId);
    const { items, nextCursor } = await this.reads.downloads(sessionId, page);
    return { items: [...items], nextCursor };
  }

  async report(sessionId: string): Promise<object> {
    const session = await this.find(sessionId);
    if (session.state === 'open') {
      throw new MillraceError('session-token-active', 'session token is active', { suggestion: 'Revoke the session first; its downloads can be read while it runs.' });
    }
    return this.reads.report(sessionId);
  }

  /** What strict with this document would have refused; a running session is judged up to now. */
  async checkPolicy(sessionId: string, body: unknown): Promise<PolicyCheck> {
    const { 'policy-document': document } = validate(policyCheckRequest, body);
    await this.find(sessionId);
    const check = await this.reads.checkPolicy(sessionId, policyText(document));
    return { ...check, refused: [...check.refused], undecided: [...check.undecided] };
  }

  async revoke(sessionId: string): Promise<RevokedSession> {
    const session = await this.find(sessionId);
    if (session.state === 'ended' || session.state === 'expired') throw new MillraceError('session-closed', `session is ${session.state}`);
    const revoked = await this.lifecycle.revoke(sessionId, controlUser(this.settings.controlAuth));
    return { id: sessionId, openedAt: revoked.openedAt, revokedAt: revoked.revokedAt, links: sessionLinks(this.settings, sessionId) };
  }

  /** Ending what has ended changes nothing. */
  async end(sessionId: string): Promise<void> {
    const session = await this.find(sessionId);
    if (session.state === 'ended' || session.state === 'expired') return;
    await this.lifecycle.end(sessionId, controlUser(this.settings.controlAuth));
  }

  private async find(sessionId: string): Promise<RecordedSession> {
    const session = isSessionId(sessionId) ? await this.reads.find(sessionId) : undefined;
    if (session === undefined) {
      throw new MillraceError('session-not-found', 'no such session', { suggestion: 'It may have ended: an ended session leaves no record unless it was opened with `retain`.' });
    }
    return session;
  }

  private present(session: RecordedSession): Session {
    return { ...session, links: sessionLinks(this.settings, session.id) };
  }
}
