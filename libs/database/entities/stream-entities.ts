import { defineEntity, p } from '@mikro-orm/postgresql';

/** Head of one event stream; an append locks this row. */
export const Stream = defineEntity({
  name: 'Stream',
  tableName: 'streams',
  properties: {
    id: p.text().primary(),
    /** Position of the last event, 0 when there is none. */
    version: p.bigint('number').default(0),
    lastDigest: p.text(),
    /** True: traffic events are refused, so a report that was given out stays true. */
    sealed: p.boolean().default(false),
  },
});

/** The record itself. `data` is text: exactly the bytes that `digest` covers. */
export const StoredEvent = defineEntity({
  name: 'StoredEvent',
  tableName: 'events',
  properties: {
    globalPosition: p.bigint('number').primary().autoincrement(),
    streamId: p.text(),
    position: p.bigint('number'),
    eventId: p.uuid(),
    type: p.text(),
    data: p.text(),
    recordedAt: p.datetime().columnType('timestamptz').defaultRaw('now()'),
    previousDigest: p.text(),
    digest: p.text(),
    /** Lets a reader of all streams stop before the first transaction that is not committed yet. */
    transactionId: p.string().columnType('xid8').defaultRaw('pg_current_xact_id()'),
  },
  uniques: [
    { name: 'events_stream_position', properties: ['streamId', 'position'] },
    { name: 'events_stream_event', properties: ['streamId', 'eventId'] },
  ],
});
