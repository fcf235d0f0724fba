import { defineEntity, p } from '@mikro-orm/postgresql';

const instant = () => p.datetime().columnType('timestamptz');

/** What the outside is to hear, in the order in which it became true; see `libs/messaging`. */
export const OutboundMessageRow = defineEntity({
  name: 'OutboundMessageRow',
  tableName: 'outbound_messages',
  properties: {
    id: p.bigint('number').primary().autoincrement(),
    streamId: p.text(),
    topic: p.text(),
    /** JSON. */
    body: p.text(),
    createdAt: instant().defaultRaw('now()'),
    /** Lets a reader stop before the first transaction that is not committed yet. */
    transactionId: p.string().columnType('xid8').defaultRaw('pg_current_xact_id()'),
  },
});

/** How far each destination of messages has got. */
export const MessageSinkRow = defineEntity({
  name: 'MessageSinkRow',
  tableName: 'message_sinks',
  properties: {
    name: p.text().primary(),
    deliveredId: p.bigint('number').default(0),
    /** One worker at a time delivers to it. */
    claimedUntil: instant().defaultRaw('now()'),
    attempts: p.integer().default(0),
    lastError: p.text().nullable(),
  },
});
