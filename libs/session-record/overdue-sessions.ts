import { query } from '../database/sql.js';
import type { Database } from '../database/open-database.js';

/** Errors: `database-unavailable`. */
export interface OverdueSessions {
  /**
   * Sessions whose workflow has let them down, longest first: their timeout passed more than a minute ago and they are neither ended
   * nor expired, or they are one of these, for as long, and their rows are still there although they were not to be kept.
   */
  find(limit: number): Promise<readonly string[]>;
}

const findStatement = `
  select id from sessions
  where (state in ('open', 'revoked') and expires_at < now() - interval '1 minute')
    or (state in ('ended', 'expired') and not retain and ended_at < now() - interval '1 minute')
  order by expires_at limit $1`;

export function createOverdueSessions(database: Database): OverdueSessions {
  return {
    async find(limit) {
      const rows = await query<{ id: string }>(database, findStatement, [limit]);
      return rows.map((row) => row.id);
    },
  };
}
