import type { Sql } from '../database/sql.js';

export interface OutboundMessage {
  /** Messages of one stream arrive in order. */
  readonly streamId: string;
  /** `odcs.compose.state-changed` */
  readonly topic: string;
  /** JSON. */
  readonly body: object;
}

/** In the caller's transaction, which must hold the lock of the stream: the message goes out if and only if the transaction is committed. */
export async function leaveMessage(sql: Sql, { streamId, topic, body }: OutboundMessage): Promise<void> {
  await sql('insert into outbound_messages (stream_id, topic, body) values ($1, $2, $3)', [streamId, topic, JSON.stringify(body)]);
}
