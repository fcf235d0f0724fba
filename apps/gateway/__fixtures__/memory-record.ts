import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { tokenSha256 } from '../../../libs/session/session-credentials.js';
import type { OpenSession, SessionCommands } from '../../../libs/session-record/session-commands.js';
import type { SessionReport } from '../../../libs/session-record/session-report.js';
import type { RecordedSession, SessionReads, WorkflowOutbox } from '../gateway-ports.js';

const noTotals = { position: 1, downloads: 0, refused: 0, failed: 0, bytes: 0, violations: 0 };

interface Held {
  readonly command: OpenSession;
  session: RecordedSession;
}

/** A record in memory, for specs of what the gateway itself does with HTTP. */
export class MemoryRecord {
  readonly held = new Map<string, Held>();
  readonly outboxRows: string[] = [];
  opened = 0;

  readonly commands: SessionCommands = {
    open: async (command) => {
      const openedAt = new Date().toISOString();
      const expiresAt = new Date(Date.parse(openedAt) + command.timeoutSeconds * 1000).toISOString();
      const { sessionId: id, policy, owner, timeoutSeconds, retain } = command;
      this.held.set(id, { command, session: { id, state: 'open', policy, owner, openedAt, expiresAt, revokedAt: null, endedAt: null, timeoutSeconds, retain, totals: noTotals } });
      this.opened += 1;
      if (command.startWorkflow === true) this.outboxRows.push(`start ${id}`);
      return { openedAt, expiresAt };
    },
    revoke: async (sessionId) => {
      const held = this.get(sessionId);
      const revokedAt = held.session.revokedAt ?? new Date().toISOString();
      held.session = { ...held.session, state: held.session.state === 'open' ? 'revoked' : held.session.state, revokedAt };
      return { sessionId, openedAt: held.session.openedAt, revokedAt };
    },
    end: async (sessionId) => {
      const held = this.get(sessionId);
      const endedAt = new Date().toISOString();
      held.session = { ...held.session, state: 'ended', endedAt };
      if (!held.session.retain) this.held.delete(sessionId);
      return { sessionId, endedAt, retained: held.session.retain };
    },
    expire: async () => {
      throw new Error('the gateway expires nothing');
    },
  };

  readonly reads: SessionReads = {
    find: async (id) => this.held.get(id)?.session,
    list: async () => ({ items: [...this.held.values()].map((held) => held.session), nextCursor: null }),
    overview: async () => ({ openedEver: this.opened, active: [...this.held.values()].map((held) => held.session).filter(({ state }) => state === 'open' || state === 'revoked') }),
    countByState: async () => ({ open: [...this.held.values()].filter((held) => held.session.state === 'open').length }),
    downloads: async () => ({ items: [], nextCursor: null }),
    cacheEntries: async () => ({ items: [], nextCursor: null }),
    report: async (id) => emptyReport(this.get(id).session),
    checkPolicy: async (sessionId) => ({ sessionId: this.get(sessionId).session.id, policySha256: '0'.repeat(64), position: 1, judged: 0, refusedByPolicy: 0, refusedCount: 0, undecidedCount: 0, refused: [], undecided: [] }),
    tokenMatches: async (id, token) => {
      const held = this.held.get(id);
      return held === undefined ? undefined : held.command.tokenSha256 === tokenSha256(token);
    },
    ready: async () => undefined,
  };

  readonly outbox: WorkflowOutbox = {
    startDelivered: async (id) => void this.outboxRows.splice(this.outboxRows.indexOf(`start ${id}`), 1),
    leaveRevoke: async (id) => void this.outboxRows.push(`revoke ${id}`),
    leaveEnd: async (id) => void this.outboxRows.push(`end ${id}`),
  };

  private get(sessionId: string): Held {
    const held = this.held.get(sessionId);
    if (held === undefined) throw new MillraceError('session-not-found', 'no such session');
    return held;
  }
}

function emptyReport({ id, openedAt, revokedAt, policy }: RecordedSession): SessionReport {
  return {
    generator: 'millrace test',
    comment: '',
    'session-id': id,
    'start-time': openedAt,
    'end-time': revokedAt ?? openedAt,
    inspectors: [],
    'spool-path': '/nowhere',
    policy,
    artifacts: [],
    'refused-requests': [],
    'failed-downloads': [],
    'other-responses': [],
    record: { stream: `session:${id}`, events: 1, 'last-digest': '0'.repeat(64) },
  };
}
