import type { Database } from '../database/open-database.js';
import { inTransaction, query, type Sql } from '../database/sql.js';

const counter = 'messages-ordered';
const batch = 1000;

/**
 * Gives each message that can be seen, and has none yet, the next position. Ids are given out before their transactions are committed, so
 * a reader that remembered an id would pass over a lower one that becomes visible later; a position is never lower than one that a
 * reader has passed. Within a stream the order is that of its lock: who left a message after another could see it. See ADR 22.
 */
export async function orderMessages(database: Database): Promise<void> {
  const waiting = await query(database, 'select 1 from outbound_messages where position is null limit 1');
  if (waiting.length > 0) await inTransaction(database, async ({ sql }) => void (await orderInTransaction(sql)));
}

/** Resolves to the last position that is given; nobody gives another before the transaction ends. */
export async function orderInTransaction(sql: Sql): Promise<number> {
  await sql('insert into counters (name, value) values ($1, 0) on conflict do nothing', [counter]);
  const [row] = await sql<{ value: string }>('select value from counters where name = $1 for update', [counter]);
  let last = Number(row?.value);
  for (;;) {
    const given = await sql(
      `update outbound_messages m set position = $1::bigint + n.number
       from (select id, row_number() over (order by id) as number from outbound_messages where position is null order by id limit $2) n
       where m.id = n.id returning 1`,
      [last, batch],
    );
    last += given.length;
    if (given.length < batch) break;
  }
  await sql('update counters set value = $2 where name = $1', [counter, last]);
  return last;
}
