import { MillraceError } from '../errors/millrace-error.js';
import { query } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { migrations } from '../database/migrations/index.js';
import { tokenMatches } from '../session/session-credentials.js';
import { readPolicyDocument } from '../policy/record-policy-documents.js';
import { checkPolicy, type PolicyCheck } from './check-policy.js';
import { readCacheEntries, type SessionCacheEntry } from './read-cache-entries.js';
import { readDownloads, type RecordedDownload } from './read-downloads.js';
import { readReport, type ReportOptions } from './read-report.js';
import { countSessions, listSessions, readOverview, readSession, type Page, type RecordedSession, type RecordedState, type SessionFilter } from './read-sessions.js';
import type { SessionReport } from './session-report.js';

/** Everything that a gateway reads. Errors: `database-unavailable`, and what each function says. */
export interface SessionReads {
  find(sessionId: string): Promise<RecordedSession | undefined>;
  list(filter: SessionFilter): Promise<Page<RecordedSession>>;
  overview(): Promise<{ readonly openedEver: number; readonly active: readonly RecordedSession[] }>;
  countByState(): Promise<Readonly<Partial<Record<RecordedState, number>>>>;
  downloads(sessionId: string, page: { readonly limit: number; readonly cursor?: string }): Promise<Page<RecordedDownload>>;
  /** Entries of the artifact cache that the session took, or pushed. */
  cacheEntries(sessionId: string, page: { readonly limit: number; readonly cursor?: string }): Promise<Page<SessionCacheEntry>>;
  report(sessionId: string): Promise<SessionReport>;
  /** The dry run; see `checkPolicy`. Errors: also `invalid-policy-document`. */
  checkPolicy(sessionId: string, policyDocument: string): Promise<PolicyCheck>;
  /** Constant-time; undefined for an unknown session, true also for the token of a revoked one. */
  tokenMatches(sessionId: string, token: string): Promise<boolean | undefined>;
  /** Resolves when the database answers and its schema is current. */
  ready(): Promise<void>;
}

export interface SessionReadsOptions extends ReportOptions {
  /** Ecosystems that policy documents may name; undefined: any. */
  readonly ecosystems?: readonly string[];
}

export function createSessionReads(database: Database, report: SessionReadsOptions): SessionReads {
  return {
    find: (sessionId) => readSession(database, sessionId),
    list: (filter) => listSessions(database, filter),
    overview: () => readOverview(database),
    countByState: () => countSessions(database),
    downloads: (sessionId, page) => readDownloads(database, sessionId, page),
    cacheEntries: (sessionId, page) => readCacheEntries(database, sessionId, page),
    report: (sessionId) => readReport(database, sessionId, report),
    checkPolicy: async (sessionId, policyDocument) => checkPolicy(database, sessionId, readPolicyDocument(policyDocument, 'session', report.ecosystems)),
    async tokenMatches(sessionId, token) {
      const [row] = await query<{ token_digest: string }>(database, 'select token_digest from sessions where id = $1', [sessionId]);
      return row === undefined ? undefined : tokenMatches(token, row.token_digest);
    },
    ready: () => readyCheck(database),
  };
}

/** Errors: `database-unavailable`. */
export async function readyCheck(database: Database): Promise<void> {
  const [table] = await query<{ there: boolean }>(database, `select to_regclass('millrace_migrations') is not null as there`);
  const applied = table?.there === true ? await query<{ name: string }>(database, 'select name from millrace_migrations') : [];
  const names = new Set(applied.map((row) => row.name));
  const missing = migrations.filter((migration) => !names.has(migration.name));
  if (missing.length > 0) {
    throw new MillraceError('database-unavailable', `the schema lacks ${missing.map((migration) => migration.name).join(', ')}`, { suggestion: 'Run node dist/libs/database/migrate.js against this database.' });
  }
}
