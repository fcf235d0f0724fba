import type { Database } from '../database/open-database.js';
import { inTransaction, query } from '../database/sql.js';
import type { DeliverableMessage, MessageSink, PublishFailure } from './message-sink.js';
import { orderInTransaction } from './order-messages.js';

export interface SinkClaim {
  readonly deliveredPosition: number;
  readonly attempts: number;
  readonly refusals: number;
}

export interface OrderedMessage extends DeliverableMessage {
  readonly position: number;
}

export interface SinkPositionsOptions {
  /** UUID of who claims. */
  readonly owner: string;
  /** Seconds. */
  readonly lease: number;
  /** Seconds to wait after the first failure; twice as long after each further one. */
  readonly firstPause: number;
}

const longestPause = 60;
const longestError = 1000;

interface MessageRow {
  readonly position: string;
  readonly message_id: string;
  readonly stream_id: string;
  readonly topic: string;
  readonly body: string;
  readonly created: string;
}

/** Where each sink stands, in the database; whatever writes is done by the owner of the claim alone. Errors: `database-unavailable`. */
export function createSinkPositions(database: Database, { owner, lease, firstPause }: SinkPositionsOptions) {
  return {
    /** Makes the row of a new sink; says of an old one that it is still there. */
    async register({ name, from }: Pick<MessageSink, 'name' | 'from'>): Promise<void> {
      const known = await query(database, 'update message_sinks set seen_at = now() where name = $1 returning 1', [name]);
      if (known.length > 0) return;
      await inTransaction(database, async ({ sql }) => {
        const last = await orderInTransaction(sql);
        await sql('insert into message_sinks (name, delivered_position) values ($1, $2) on conflict do nothing', [name, from === 'now' ? last : 0]);
      });
    },

    /** Undefined when another has it, when it is not due yet, or when there is nothing to deliver. */
    async claim(name: string): Promise<SinkClaim | undefined> {
      const [row] = await query<{ delivered_position: string; attempts: number; refusals: number }>(
        database,
        `update message_sinks set owner = $2, claimed_until = now() + make_interval(secs => $3)
         where name = $1 and due_at <= now() and (owner = $2 or claimed_until <= now())
           and exists (select 1 from outbound_messages where position > delivered_position)
         returning delivered_position, attempts, refusals`,
        [name, owner, lease],
      );
      return row === undefined ? undefined : { deliveredPosition: Number(row.delivered_position), attempts: row.attempts, refusals: row.refusals };
    },

    async read(after: number, limit: number): Promise<readonly OrderedMessage[]> {
      const rows = await query<MessageRow>(
        database,
        `select position, message_id, stream_id, topic, body, floor(extract(epoch from created_at)) as created
         from outbound_messages where position > $1 order by position limit $2`,
        [after, limit],
      );
      return rows.map((row) => ({ position: Number(row.position), messageId: row.message_id, streamId: row.stream_id, topic: row.topic, body: row.body, createdAt: Number(row.created) }));
    },

    /** False when the claim is lost: another delivers, maybe the same again. */
    async delivered(name: string, position: number, count: number): Promise<boolean> {
      const rows = await query(
        database,
        `update message_sinks set delivered_position = $3, delivered = delivered + $4, attempts = 0, refusals = 0, last_error = null, claimed_until = now() + make_interval(secs => $5)
         where name = $1 and owner = $2 and delivered_position < $3 returning 1`,
        [name, owner, position, count, lease],
      );
      return rows.length > 0;
    },

    /** Passes over one message, which stays the last error until another was delivered. */
    async skipped(name: string, position: number, reason: string): Promise<void> {
      await query(
        database,
        `update message_sinks set delivered_position = $3, skipped = skipped + 1, attempts = 0, refusals = 0, last_error = $4
         where name = $1 and owner = $2 and delivered_position < $3`,
        [name, owner, position, reason.slice(0, longestError)],
      );
    },

    /** Gives the claim back, to be taken by anybody after a pause. */
    async failed(name: string, { reason, refused }: PublishFailure): Promise<void> {
      await query(
        database,
        `update message_sinks set attempts = attempts + 1, refusals = refusals + $3, last_error = $4, claimed_until = now(),
           due_at = now() + make_interval(secs => least($5, $6 * power(2, least(attempts, 10))))
         where name = $1 and owner = $2`,
        [name, owner, refused === true ? 1 : 0, reason.slice(0, longestError), longestPause, firstPause],
      );
    },

    async release(name: string): Promise<void> {
      await query(database, 'update message_sinks set claimed_until = now() where name = $1 and owner = $2', [name, owner]);
    },
  };
}

export type SinkPositions = ReturnType<typeof createSinkPositions>;
