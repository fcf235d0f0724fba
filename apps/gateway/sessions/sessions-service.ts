import { Inject, Injectable } from '@nestjs/common';
import type { Principal, Role } from '../../../libs/access/principal.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { policyText } from '../../../libs/policy/record-policy-documents.js';
import { isSessionId } from '../../../libs/session/session-id.js';
import type { Settings } from '../../../libs/settings/settings.js';
import type { Access } from '../access/open-access.js';
import type { RecordedSession, SessionReads } from '../gateway-ports.js';
import { ACCESS, LIFECYCLE, READS, SETTINGS } from '../gateway-tokens.js';
import { validate } from '../http/parse-json-body.js';
import { readOpenRequest } from '../session-lifecycle/open-request.js';
import { requireOwnSession } from '../session-lifecycle/require-own-session.js';
import type { SessionLifecycle } from '../session-lifecycle/session-lifecycle.js';
import { proxyUrl } from './proxy-url.js';
import { sessionLinks } from './session-links.js';
import { downloadQuery, policyCheckRequest, sessionQuery } from './session-schemas.js';
import type { CacheEntryPage, CreatedSession, DownloadPage, PolicyCheck, RevokedSession, Session, SessionPage } from './session-schemas.js';

/** Millrace's own view of sessions: also of those that ended, as long as their record is kept. */
@Injectable()
export class SessionsService {
  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(READS) private readonly reads: SessionReads,
    @Inject(LIFECYCLE) private readonly lifecycle: SessionLifecycle,
    @Inject(ACCESS) private readonly access: Access,
  ) {}

  /** All of them, or the caller's own, as their role is. */
  async list(query: unknown, caller: Principal): Promise<SessionPage> {
    const { 'opened-after': openedAfter, 'opened-before': openedBefore, ...rest } = validate(sessionQuery, query);
    const page = await this.reads.list({ ...rest, ...this.ownersFor(caller, rest.owner), ...(openedAfter === undefined ? {} : { openedAfter }), ...(openedBefore === undefined ? {} : { openedBefore }) });
    return { items: page.items.map((session) => this.present(session)), nextCursor: page.nextCursor };
  }

  async create(body: unknown, { caller, requestHost }: { readonly caller: Principal; readonly requestHost: string }): Promise<CreatedSession> {
    const request = readOpenRequest(body, this.settings.permissive);
    const opened = await this.lifecycle.open(request, caller.name);
    return { ...opened, proxyUrl: proxyUrl(this.settings, opened, requestHost), policy: request.policy, links: sessionLinks(this.settings, opened.id) };
  }

  async get(sessionId: string, caller: Principal): Promise<Session> {
    return this.present(await this.find(sessionId, caller));
  }

  async downloads(sessionId: string, query: unknown, caller: Principal): Promise<DownloadPage> {
    await this.find(sessionId, caller);
    const page = validate(downloadQuery, query);
    const { items, nextCursor } = await this.reads.downloads(sessionId, page);
    return { items: [...items], nextCursor };
  }

  async cacheEntries(sessionId: string, query: unknown, caller: Principal): Promise<CacheEntryPage> {
    await this.find(sessionId, caller);
    const { items, nextCursor } = await this.reads.cacheEntries(sessionId, validate(downloadQuery, query));
    return { items: items.map((entry) => ({ ...entry, qualifiers: { ...entry.qualifiers } })), nextCursor };
  }

  async report(sessionId: string, caller: Principal): Promise<object> {
    const session = await this.find(sessionId, caller);
    if (session.state === 'open') {
      throw new MillraceError('session-token-active', 'session token is active', { suggestion: 'Revoke the session first; its downloads can be read while it runs.' });
    }
    return this.reads.report(sessionId);
  }

  /** What strict with this document would have refused; a running session is judged up to now. */
  async checkPolicy(sessionId: string, body: unknown, caller: Principal): Promise<PolicyCheck> {
    await this.find(sessionId, caller);
    const { 'policy-document': document } = validate(policyCheckRequest, body);
    const check = await this.reads.checkPolicy(sessionId, policyText(document));
    return { ...check, refused: [...check.refused], undecided: [...check.undecided] };
  }

  async revoke(sessionId: string, caller: Principal): Promise<RevokedSession> {
    const session = await this.find(sessionId, caller, 'admin');
    if (session.state === 'ended' || session.state === 'expired') throw new MillraceError('session-closed', `session is ${session.state}`);
    const revoked = await this.lifecycle.revoke(sessionId, caller.name);
    return { id: sessionId, openedAt: revoked.openedAt, revokedAt: revoked.revokedAt, links: sessionLinks(this.settings, sessionId) };
  }

  /** Ending what has ended changes nothing. */
  async end(sessionId: string, caller: Principal): Promise<void> {
    const session = await this.find(sessionId, caller, 'admin');
    if (session.state === 'ended' || session.state === 'expired') return;
    await this.lifecycle.end(sessionId, caller.name);
  }

  private ownersFor(caller: Principal, asked: string | undefined): { readonly owner?: string } {
    if (this.access.authorization.hasRole(caller, 'sessions', 'reader')) return {};
    if (asked === undefined || asked === caller.name) return { owner: caller.name };
    throw new MillraceError('forbidden', `User ${caller.name} does not have the role reader of sessions`, { suggestion: 'Without it, only your own sessions are listed.' });
  }

  /** Errors: `session-not-found`, `forbidden` when it is another's and the caller does not have the role. */
  private async find(sessionId: string, caller: Principal, role: Role = 'reader'): Promise<RecordedSession> {
    const session = isSessionId(sessionId) ? await this.reads.find(sessionId) : undefined;
    if (session === undefined) {
      throw new MillraceError('session-not-found', 'no such session', { suggestion: 'It may have ended: an ended session leaves no record unless it was opened with `retain`.' });
    }
    requireOwnSession(this.access.authorization, caller, { session, role });
    return session;
  }

  private present(session: RecordedSession): Session {
    return { ...session, links: sessionLinks(this.settings, session.id) };
  }
}
