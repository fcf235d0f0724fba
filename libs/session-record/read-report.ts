import { MillraceError } from '../errors/millrace-error.js';
import { inTransaction } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { readSessionTakings } from '../cache-record/session-takings.js';
import { readStream } from '../event-store/read-stream.js';
import { sessionStreamId, type SessionEvent } from '../session/session-events.js';
import { loadSession } from './load-session.js';
import { toCacheEntry } from './read-cache-entries.js';
import { createReportBuilder, type SessionReport } from './session-report.js';

export interface ReportOptions {
  /** Version of Millrace. */
  readonly version: string;
  /** Ids of all inspectors that may have judged. */
  readonly inspectors: readonly string[];
  /** `spool-path` is `<spoolRoot>/<id>`, as fetch-service has it. */
  readonly spoolRoot: string;
}

/**
 * The report in the shape of fetch-service, from the events themselves, in their order: the same record gives the same report.
 * Errors: `session-not-found`; `session-token-active` until a revoke has answered, for until then something may be added.
 */
export async function readReport(database: Database, sessionId: string, options: ReportOptions): Promise<SessionReport> {
  return inTransaction(database, async ({ sql }) => {
    // All pages from one snapshot: a purge meanwhile must not give half a report.
    await sql('set transaction isolation level repeatable read, read only');
    const session = await loadSession(sql, sessionId);
    if (session.opened === null) throw new MillraceError('session-not-found', `there is no session ${sessionId}`);
    if (session.state === 'open' || !session.sealed) throw new MillraceError('session-token-active', 'session token is active');
    const builder = createReportBuilder({ ...options, opened: session.opened, endTime: session.revokedAt ?? session.endedAt ?? session.opened.openedAt });
    for await (const stored of readStream(sql, sessionStreamId(sessionId))) {
      const event = { type: stored.type, data: JSON.parse(stored.data) as unknown } as SessionEvent;
      builder.add({ position: stored.position, digest: stored.digest, event });
    }
    return builder.build((await readSessionTakings(sql, sessionId)).map(toCacheEntry));
  });
}
