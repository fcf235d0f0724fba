import type { Database } from '../database/open-database.js';
import { query } from '../database/sql.js';
import { tokenMatches } from '../session/session-credentials.js';
import { isSessionId } from '../session/session-id.js';

/** Whose session a token opens, as long as it is open. */
export interface SessionTokenCheck {
  /** Constant-time. Undefined: unknown, closed, run out, or another token. Errors: `database-unavailable`. */
  check(sessionId: string, token: string): Promise<{ readonly owner: string } | undefined>;
  /** Whether there is a record of the session, open or not. */
  isKept(sessionId: string): Promise<boolean>;
}

/** Compared with when the id is unknown, so that an unknown id takes as long as a wrong token. */
const noDigest = `sha256:${'0'.repeat(64)}`;

export function createSessionTokens(database: Database): SessionTokenCheck {
  return {
    async check(sessionId, token) {
      if (!isSessionId(sessionId)) return undefined;
      const [row] = await query<{ readonly owner: string; readonly token_digest: string }>(database, `select owner, token_digest from sessions where id = $1 and state = 'open' and expires_at > now()`, [sessionId]);
      const fits = tokenMatches(token, row?.token_digest ?? noDigest);
      return row !== undefined && fits ? { owner: row.owner } : undefined;
    },
    isKept: async (sessionId) => (await query(database, 'select 1 from sessions where id = $1', [sessionId])).length > 0,
  };
}
