import { defineEntity, p } from '@mikro-orm/postgresql';

const instant = () => p.datetime().columnType('timestamptz');

/** What the outside is to hear; see `libs/messaging`. */
export const OutboundMessageRow = defineEntity({
  name: 'OutboundMessageRow',
  tableName: 'outbound_messages',
  properties: {
    id: p.bigint('number').primary().autoincrement(),
    /** The same at every delivery and every destination, so that receivers can drop repetitions. */
    messageId: p.uuid().defaultRaw('gen_random_uuid()'),
    streamId: p.text(),
    topic: p.text(),
    /** JSON. */
    body: p.text(),
    createdAt: instant().defaultRaw('now()'),
    /** Order of delivery, from 1 and without gaps: given when the message is seen by a worker, so after its transaction was committed. */
    position: p.bigint('number').nullable(),
  },
  uniques: [{ name: 'outbound_messages_position', properties: ['position'] }],
  indexes: [{ name: 'outbound_messages_created', properties: ['createdAt'] }],
});

/** How far each destination of messages has got. */
export const MessageSinkRow = defineEntity({
  name: 'MessageSinkRow',
  tableName: 'message_sinks',
  properties: {
    name: p.text().primary(),
    deliveredPosition: p.bigint('number').default(0),
    /** One worker at a time delivers to it, until its claim ends by the database's clock. */
    owner: p.uuid().nullable(),
    claimedUntil: instant().defaultRaw('now()'),
    /** Not to be tried again before. */
    dueAt: instant().defaultRaw('now()'),
    /** Failures since the last success. */
    attempts: p.integer().default(0),
    /** How often the next message was refused for good. */
    refusals: p.integer().default(0),
    lastError: p.text().nullable(),
    delivered: p.bigint('number').default(0),
    /** Given up because they were refused. */
    skipped: p.bigint('number').default(0),
    /** Removed for their age before they could be delivered. */
    expired: p.bigint('number').default(0),
    /** When a worker that knows this destination last said so. */
    seenAt: instant().defaultRaw('now()'),
  },
});
