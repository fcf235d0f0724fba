import { query } from '../database/sql.js';
import type { Database } from '../database/open-database.js';

/** For metrics. */
export interface BusTotals {
  readonly bus: string;
  /** Since the bus is known. */
  readonly received: number;
  /** Came again and changed nothing. */
  readonly repeated: number;
  readonly parked: number;
  /** Parked now. */
  readonly waiting: number;
  /** Unix time of the last message; 0: none yet. */
  readonly receivedAt: number;
}

interface Row {
  readonly name: string;
  readonly received: string;
  readonly repeated: string;
  readonly parked: string;
  readonly waiting: string;
  readonly last: string;
}

/** One entry a bus, by name. Errors: `database-unavailable`. */
export async function readBusTotals(database: Database): Promise<readonly BusTotals[]> {
  const rows = await query<Row>(
    database,
    `select b.name, b.received, b.repeated, b.parked, coalesce(extract(epoch from b.received_at), 0) as last,
       (select count(*) from parked_messages p where p.bus = b.name) as waiting
     from buses b order by b.name`,
  );
  return rows.map((row) => ({
    bus: row.name,
    received: Number(row.received),
    repeated: Number(row.repeated),
    parked: Number(row.parked),
    waiting: Number(row.waiting),
    receivedAt: Number(row.last),
  }));
}
