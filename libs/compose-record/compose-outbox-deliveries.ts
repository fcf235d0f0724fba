import { inTransaction, query } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import type { ComposeOutboxKind } from './compose-outbox.js';

export interface ComposeOutboxMessage {
  readonly id: number;
  readonly composeId: number;
  readonly kind: ComposeOutboxKind;
  /** Deliveries tried, this one included. */
  readonly attempts: number;
}

/** Errors: `database-unavailable`. */
export interface ComposeOutboxDeliveries {
  /** Oldest first; nobody else gets them for a minute. Those of one compose one after the other. */
  claim(limit: number): Promise<readonly ComposeOutboxMessage[]>;
  remove(id: number): Promise<void>;
  /** To be delivered again in some seconds. */
  release(id: number): Promise<void>;
}

interface Row {
  readonly id: string;
  readonly compose_id: string;
  readonly kind: ComposeOutboxKind;
  readonly attempts: number;
}

/** Any number that nothing else in the database uses as an advisory lock. */
const claimLock = 5_207_311_905;

/** A message is claimed only when none before it of the same compose is left: a change that overtook the start would find no workflow. */
const claimStatement = `
  update compose_outbox set attempts = attempts + 1, due_at = now() + interval '60 seconds'
  where id in (
    select o.id from compose_outbox o
    where o.due_at <= now() and not exists (select 1 from compose_outbox e where e.compose_id = o.compose_id and e.id < o.id)
    order by o.id limit $1)
  returning id, compose_id, kind, attempts`;

export function createComposeOutboxDeliveries(database: Database): ComposeOutboxDeliveries {
  return {
    async claim(limit) {
      const rows = await inTransaction(database, async ({ sql }) => {
        await sql('select pg_advisory_xact_lock($1)', [claimLock]);
        return sql<Row>(claimStatement, [limit]);
      });
      return rows.map((row) => ({ id: Number(row.id), composeId: Number(row.compose_id), kind: row.kind, attempts: row.attempts })).sort((a, b) => a.id - b.id);
    },
    async remove(id) {
      await query(database, 'delete from compose_outbox where id = $1', [id]);
    },
    async release(id) {
      await query(database, `update compose_outbox set due_at = now() + interval '5 seconds' where id = $1`, [id]);
    },
  };
}
