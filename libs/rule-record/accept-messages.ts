import { inTransaction } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import type { BusMessage } from '../compose-rules/bus-message.js';

export interface Accepted {
  readonly position: number;
  readonly known: boolean;
}

/** Payload: the last position. */
export const busMessagesChannel = 'millrace_bus_messages';
const positionCounter = 'bus-messages';

/**
 * Gives each message that is not known the next position. The lock of the counter is held until the commit, so positions become visible in
 * their order: a sequence would show 6 before 5.
 */
export async function acceptMessages(database: Database, messages: readonly BusMessage[]): Promise<readonly Accepted[]> {
  const parameters = [messages.map(({ bus }) => bus), messages.map(({ id }) => id)];
  const { before, rows } = await inTransaction(database, async ({ sql }) => {
    await sql('insert into counters (name, value) values ($1, 0) on conflict do nothing', [positionCounter]);
    const [counter] = await sql<{ value: string }>('select value from counters where name = $1 for update', [positionCounter]);
    const last = Number(counter?.value);
    const fresh = await sql<{ position: string }>(insertFresh, [...parameters, messages.map(({ topic }) => topic), messages.map(({ body }) => JSON.stringify(body)), last]);
    if (fresh.length > 0) await sql('with counted as (update counters set value = $2 where name = $1) select pg_notify($3, $4)', [positionCounter, last + fresh.length, busMessagesChannel, String(last + fresh.length)]);
    await sql(countReceived, [parameters[0], last]);
    const found = await sql<{ number: string; position: string }>(
      'select i.number, m.position from unnest($1::text[], $2::text[]) with ordinality as i(bus, message_id, number) join bus_messages m using (bus, message_id) order by i.number',
      parameters,
    );
    return { before: last, rows: found };
  });
  const seen = new Set<number>();
  return rows.map((row) => {
    const position = Number(row.position);
    const known = position <= before || seen.has(position);
    seen.add(position);
    return { position, known };
  });
}

/** Whole milliseconds, as readers see them; never earlier than a lower position, whatever the server's clock does. */
const receivedNow = `greatest(date_trunc('milliseconds', clock_timestamp()), (select received_at from bus_messages order by position desc limit 1))`;

const insertFresh = `
  with incoming as (
    select distinct on (bus, message_id) bus, message_id, topic, body, number
    from unnest($1::text[], $2::text[], $3::text[], $4::text[]) with ordinality as i(bus, message_id, topic, body, number)
    order by bus, message_id, number),
  fresh as (
    select i.*, row_number() over (order by number) as place from incoming i
    where not exists (select 1 from bus_messages m where m.bus = i.bus and m.message_id = i.message_id))
  insert into bus_messages (position, bus, message_id, topic, body, received_at)
  select $5::bigint + place, bus, message_id, topic, body, ${receivedNow} from fresh
  returning position`;

const countReceived = `
  with came as (select bus, count(*) as all_of_it from unnest($1::text[]) as i(bus) group by bus),
  fresh as (select bus, count(*) as news from bus_messages where position > $2::bigint group by bus)
  insert into buses as b (name, received, repeated, received_at)
  select bus, coalesce(news, 0), all_of_it - coalesce(news, 0), now() from came left join fresh using (bus) order by bus
  on conflict (name) do update set received = b.received + excluded.received, repeated = b.repeated + excluded.repeated, received_at = excluded.received_at`;
