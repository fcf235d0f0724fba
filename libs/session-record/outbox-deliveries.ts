import { inTransaction, query } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import type { OutboxKind } from './workflow-outbox.js';

export interface OutboxMessage {
  readonly id: number;
  readonly sessionId: string;
  readonly kind: OutboxKind;
  /** JSON: the workflow's input, or who asked. */
  readonly payload: string;
  /** Deliveries tried, this one included. */
  readonly attempts: number;
}

/** What the gateway left for the workflow engine. Errors: `database-unavailable`. */
export interface OutboxDeliveries {
  /** Oldest first; nobody else gets them for a minute. */
  claim(limit: number): Promise<readonly OutboxMessage[]>;
  remove(id: number): Promise<void>;
  /** To be delivered again in some seconds. */
  release(id: number): Promise<void>;
}

interface Row {
  readonly id: string;
  readonly session_id: string;
  readonly kind: OutboxKind;
  readonly payload: string;
  readonly attempts: number;
}

/** Any number that nothing else in the database uses as an advisory lock. */
const claimLock = 5_207_311_904;

/**
 * A message is claimed only when no earlier one of its session is under way elsewhere: a revocation that overtook the start
 * would find no workflow and be taken for settled. Claims are one after the other for the same reason.
 */
const claimStatement = `
  update outbox set attempts = attempts + 1, due_at = now() + interval '60 seconds'
  where id in (
    select o.id from outbox o
    where o.due_at <= now() and o.created_at <= now() - interval '2 seconds'
      and not exists (select 1 from outbox e where e.session_id = o.session_id and e.id < o.id and e.due_at > now())
    order by o.id limit $1)
  returning id, session_id, kind, payload, attempts`;

export function createOutboxDeliveries(database: Database): OutboxDeliveries {
  return {
    async claim(limit) {
      const rows = await inTransaction(database, async ({ sql }) => {
        await sql('select pg_advisory_xact_lock($1)', [claimLock]);
        return sql<Row>(claimStatement, [limit]);
      });
      return rows.map((row) => ({ id: Number(row.id), sessionId: row.session_id, kind: row.kind, payload: row.payload, attempts: row.attempts })).sort((a, b) => a.id - b.id);
    },
    async remove(id) {
      await query(database, 'delete from outbox where id = $1', [id]);
    },
    async release(id) {
      await query(database, `update outbox set due_at = now() + interval '5 seconds' where id = $1`, [id]);
    },
  };
}
