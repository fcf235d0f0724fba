import { query } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { composeStates } from '../compose/compose-vocabulary.js';

/** Errors: `database-unavailable`. */
export interface OverdueComposes {
  /** Composes whose workflow has let them down, longest first: they should have been removed more than a minute ago. */
  find(limit: number): Promise<readonly number[]>;
  /** Composes that have been waiting or generating for longer than this, longest first. */
  findUnfinished(seconds: number, limit: number): Promise<readonly number[]>;
}

export function createOverdueComposes(database: Database): OverdueComposes {
  return {
    async find(limit) {
      const { done, failed } = composeStates;
      return ids(database, `select id from composes where state in (${done}, ${failed}) and expires_at < now() - interval '1 minute' order by expires_at, id limit $1`, [limit]);
    },
    async findUnfinished(seconds, limit) {
      const { wait, generating } = composeStates;
      return ids(database, `select id from composes where state in (${wait}, ${generating}) and submitted_at < now() - make_interval(secs => $2) order by id limit $1`, [limit, seconds]);
    },
  };
}

async function ids(database: Database, statement: string, parameters: readonly unknown[]): Promise<readonly number[]> {
  const rows = await query<{ id: string }>(database, statement, parameters);
  return rows.map((row) => Number(row.id));
}
