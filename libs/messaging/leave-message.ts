import type { Sql } from '../database/sql.js';
import { messagesChannel } from './messages-channel.js';

export interface OutboundMessage {
  /** Messages of one stream arrive in order. */
  readonly streamId: string;
  /** `odcs.compose.state-changed` */
  readonly topic: string;
  /** JSON; with at least one field. `record` is added: which record it is from, so that whoever receives it knows its own. */
  readonly body: object;
}

/** In the caller's transaction, which must hold the lock of the stream: the message goes out if and only if the transaction is committed. */
export async function leaveMessage(sql: Sql, { streamId, topic, body }: OutboundMessage): Promise<void> {
  const statement = `with left_here as (
    insert into outbound_messages (stream_id, topic, body) select $1, $2, left($3::text, -1) || ',"record":"' || (select id from record_identity) || '"}') select pg_notify($4, $5)`;
  await sql(statement, [streamId, topic, JSON.stringify(body), messagesChannel, '']);
}
