import type { Database } from '../database/open-database.js';
import { query } from '../database/sql.js';

export interface RemovedMessages {
  readonly removed: number;
  /** Messages that a sink did not get before they were too old, by its name. */
  readonly lost: readonly { readonly sink: string; readonly messages: number }[];
}

const batch = 5000;

/**
 * Removes what every sink has (all messages, where there is no sink), and what is older than `retention` days whether delivered or not. A
 * sink that no worker has spoken of for that long is forgotten. Safe in several workers at once.
 */
export async function removeOldMessages(database: Database, { retention }: { readonly retention: number }): Promise<RemovedMessages> {
  await query(database, 'delete from message_sinks where seen_at < now() - make_interval(days => $1)', [retention]);
  let removed = await inBatches(() =>
    query(
      database,
      `delete from outbound_messages where id in (
         select id from outbound_messages m
         where not exists (select 1 from message_sinks) or m.position <= (select min(delivered_position) from message_sinks)
         limit $1 for update skip locked)
       returning 1`,
      [batch],
    ),
  );
  const lost = new Map<string, number>();
  removed += await inBatches(async () => {
    const rows = await query<{ sink: string | null; messages: string; gone: string }>(
      database,
      `with gone as (
         delete from outbound_messages where id in (select id from outbound_messages where created_at < now() - make_interval(days => $2) limit $1 for update skip locked)
         returning position),
       told as (
         update message_sinks s set expired = expired + (select count(*) from gone where position is null or position > s.delivered_position)
         where exists (select 1 from gone where position is null or position > s.delivered_position)
         returning name, (select count(*) from gone where position is null or position > s.delivered_position) as messages)
       select name as sink, coalesce(messages, 0) as messages, (select count(*) from gone) as gone from (select 1) one left join told on true`,
      [batch, retention],
    );
    for (const { sink, messages } of rows) if (sink !== null) lost.set(sink, (lost.get(sink) ?? 0) + Number(messages));
    return { length: Number(rows[0]?.gone ?? 0) };
  });
  return { removed, lost: [...lost].map(([sink, messages]) => ({ sink, messages })) };
}

async function inBatches(round: () => Promise<{ readonly length: number }>): Promise<number> {
  for (let total = 0; ; ) {
    const { length } = await round();
    total += length;
    if (length < batch) return total;
  }
}
