import { defineEntity, p } from '@mikro-orm/postgresql';

const instant = () => p.datetime().columnType('timestamptz');

/** What buses brought, for rules; see `libs/rule-record`. */
export const BusMessageRow = defineEntity({
  name: 'BusMessageRow',
  tableName: 'bus_messages',
  properties: {
    /** From the counter `bus-messages`, under its lock until the commit: who has read up to one misses nothing before it. */
    position: p.bigint('number').primary().autoincrement(false),
    bus: p.text(),
    messageId: p.text(),
    topic: p.text(),
    /** JSON. */
    body: p.text(),
    /** Whole milliseconds; never before that of a lower position. */
    receivedAt: instant(),
  },
  uniques: [{ name: 'bus_messages_message', properties: ['bus', 'messageId'] }],
  indexes: [{ name: 'bus_messages_received', properties: ['receivedAt', 'position'] }],
});

/** What an operator has to look at. */
export const ParkedMessageRow = defineEntity({
  name: 'ParkedMessageRow',
  tableName: 'parked_messages',
  properties: {
    id: p.bigint('number').primary().autoincrement(),
    bus: p.text(),
    topic: p.text(),
    position: p.bigint('number').nullable(),
    rule: p.text().nullable(),
    reason: p.text(),
    excerpt: p.text(),
    parkedAt: instant().defaultRaw('now()'),
    /** Of what was parked for whom, so that a repetition is parked once. */
    fingerprint: p.text(),
    /** The bytes that came, of what never became a message, to be read again by command. */
    unread: p.blob().nullable(),
    /** JSON: what came beside the bytes. */
    unreadDetails: p.text().nullable(),
  },
  uniques: [{ name: 'parked_messages_fingerprint', properties: ['fingerprint'] }],
  indexes: [
    { name: 'parked_messages_position', properties: ['position'] },
    { name: 'parked_messages_parked', properties: ['parkedAt'] },
  ],
});

/** Totals of each bus since it is known. */
export const BusRow = defineEntity({
  name: 'BusRow',
  tableName: 'buses',
  properties: {
    name: p.text().primary(),
    received: p.bigint('number').default(0),
    /** Came again and changed nothing. */
    repeated: p.bigint('number').default(0),
    parked: p.bigint('number').default(0),
    receivedAt: instant().nullable(),
  },
});
