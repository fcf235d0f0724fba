import { query, type Sql } from '../database/sql.js';
import type { Database } from '../database/open-database.js';

/** `start`: the workflow is not there yet; `changed`: it has to look at the record again. */
export type ComposeOutboxKind = 'start' | 'changed';

/** What commands leave for the workflow engine; `compose-outbox-deliveries.ts` is the worker's side. Errors: `database-unavailable`. */
export interface ComposeOutbox {
  /** The workflow has been started: its `start` message is not needed any more. */
  startDelivered(composeId: number): Promise<void>;
}

export function createComposeOutbox(database: Database): ComposeOutbox {
  return {
    async startDelivered(composeId) {
      await query(database, `delete from compose_outbox where compose_id = $1 and kind = 'start'`, [composeId]);
    },
  };
}

/** In the transaction of the command. */
export async function leaveForWorkflow(sql: Sql, composeId: number, kind: ComposeOutboxKind): Promise<void> {
  // Due a little later: the gateway starts the workflow itself and deletes this row.
  const delay = kind === 'start' ? 3 : 0;
  await sql('insert into compose_outbox (compose_id, kind, due_at) values ($1, $2, now() + make_interval(secs => $3))', [composeId, kind, delay]);
}
