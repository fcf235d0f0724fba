import type { Database } from '../database/open-database.js';
import { query } from '../database/sql.js';

/** For metrics and for operators. */
export interface MessageBacklog {
  readonly sink: string;
  /** Messages that it has not got yet. */
  readonly pending: number;
  /** Seconds since the oldest of them was left; 0 when there is none. */
  readonly oldestSeconds: number;
  /** Totals since the sink is known. */
  readonly delivered: number;
  readonly skipped: number;
  readonly expired: number;
  /** Failures since the last success. */
  readonly attempts: number;
  readonly lastError: string | null;
}

interface Row {
  readonly name: string;
  readonly pending: string;
  readonly oldest: string;
  readonly delivered: string;
  readonly skipped: string;
  readonly expired: string;
  readonly attempts: number;
  readonly last_error: string | null;
}

/** One entry a sink, by name. Errors: `database-unavailable`. */
export async function readMessageBacklog(database: Database): Promise<readonly MessageBacklog[]> {
  const rows = await query<Row>(
    database,
    `select s.name, s.delivered, s.skipped, s.expired, s.attempts, s.last_error, count(m.id) as pending,
       coalesce(extract(epoch from now() - min(m.created_at)), 0) as oldest
     from message_sinks s left join outbound_messages m on m.position > s.delivered_position or m.position is null
     group by s.name order by s.name`,
  );
  return rows.map((row) => ({
    sink: row.name,
    pending: Number(row.pending),
    oldestSeconds: Math.max(0, Number(row.oldest)),
    delivered: Number(row.delivered),
    skipped: Number(row.skipped),
    expired: Number(row.expired),
    attempts: row.attempts,
    lastError: row.last_error,
  }));
}
