import { createChangeWaits } from '../database/change-waits.js';
import { groupCommit } from '../database/group-commit.js';
import { query } from '../database/sql.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { ReceivedMessage } from '../compose-rules/bus-message.js';
import type { Database } from '../database/open-database.js';
import type { IncomingMessages, ParkedMessage, UnreadMessage } from '../event-bus/incoming-messages.js';
import { acceptMessages, busMessagesChannel } from './accept-messages.js';
import { getParked, listParked, parkMessage, removeParkedBefore, unparkMessage } from './parked-messages.js';
import { readBusTotals, type BusTotals } from './bus-totals.js';

/** Closing gives up the connection on which changes are heard, and wakes whoever waits. */
export interface RecordedIncomingMessages extends IncomingMessages {
  /** With what came, of what never became a message. Errors: `message-not-found`. */
  parkedMessage(id: number): Promise<ParkedMessage & { readonly unread: UnreadMessage | null }>;
  /** Forgets what has been parked since before this time. Answers how many. */
  removeParkedBefore(time: string): Promise<number>;
  totals(): Promise<readonly BusTotals[]>;
  close(): Promise<void>;
}

/** Most messages in one transaction. */
const largestBatch = 200;
/** Removed by one statement. */
const removedAtOnce = 5000;
/** Bytes of bodies that are read at once: whoever reads a page of the largest messages, with other rules beside it, must have room for them. */
const largestRead = 4 * 1024 * 1024;
/** There is one queue of messages for all buses. */
const everything = 'all';

interface MessageRow {
  readonly position: string;
  readonly bus: string;
  readonly message_id: string;
  readonly topic: string;
  readonly body: string;
  readonly received_at: string;
}

/** Messages in PostgreSQL. Errors: `database-unavailable`, `message-not-found`; `invalid-request` for a time that is none. */
export function createIncomingMessages(database: Database): RecordedIncomingMessages {
  const accept = groupCommit({ commit: (messages: Parameters<typeof acceptMessages>[1]) => acceptMessages(database, messages), largestBatch });
  const changes = createChangeWaits<string>({
    databaseUrl: database.url,
    channel: busMessagesChannel,
    applicationName: 'millrace-bus-messages',
    read: (payload) => ({ key: everything, version: Number(payload) }),
    // Of what is kept: who waits behind messages that were removed has nothing to read.
    look: async () => {
      const [row] = await query<{ last: string | null }>(database, 'select max(position) as last from bus_messages');
      return [{ key: everything, version: Number(row?.last ?? 0) }];
    },
    isNews: (version, seen) => version > seen,
  });
  const read = async (source: string, parameters: readonly unknown[]): Promise<readonly ReceivedMessage[]> =>
    (await query<MessageRow>(database, `select position, bus, message_id, topic, body, received_at from ${source}`, parameters)).map(messageOf);

  return {
    accept,
    after: (position, limit) => read(sourceAfter, [position, limit, largestRead]),

    async get(position) {
      const [message] = await read('bus_messages where position = $1', [position]);
      if (message === undefined) throw new MillraceError('message-not-found', `no message has position ${position}`, { suggestion: 'Messages are kept for as long as retention says in the file of rules.' });
      return message;
    },

    async positionBefore(time) {
      const [row] = await query<{ position: string }>(database, 'select position from bus_messages where received_at < $1 order by received_at desc, position desc limit 1', [instant(time)]);
      return Number(row?.position ?? 0);
    },

    changed: (position, options) => changes.wait(everything, { version: position, ...options }),
    park: (parked, unread) => parkMessage(database, parked, unread),
    parked: (wanted) => listParked(database, wanted),
    parkedMessage: (id) => getParked(database, id),
    unpark: (id) => unparkMessage(database, id),

    async removeBefore(time) {
      for (let total = 0; ; ) {
        const removed = await query(
          database,
          `delete from bus_messages where position in (
             select position from bus_messages m where received_at < $1 and not exists (select 1 from parked_messages p where p.position = m.position) limit $2 for update skip locked)
           returning 1`,
          [instant(time), removedAtOnce],
        );
        total += removed.length;
        if (removed.length < removedAtOnce) return total;
      }
    },

    removeParkedBefore: (time) => removeParkedBefore((text, parameters) => query(database, text, parameters), instant(time)),
    totals: () => readBusTotals(database),
    close: () => changes.close(),
  };
}

/** Up to the message with which there are bytes enough. Sizes are known without reading the bodies. */
const sourceAfter = `(
  select *, sum(octet_length(body)) over (order by position) - octet_length(body) as bytes_before
  from (select * from bus_messages where position > $1 order by position limit $2) as next) as sized
  where bytes_before < $3 order by position`;

function messageOf(row: MessageRow): ReceivedMessage {
  return {
    position: Number(row.position),
    bus: row.bus,
    id: row.message_id,
    topic: row.topic,
    body: JSON.parse(row.body) as unknown,
    receivedAt: new Date(row.received_at).toISOString(),
  };
}

function instant(time: string): string {
  const parsed = new Date(time);
  if (Number.isNaN(parsed.getTime())) throw new MillraceError('invalid-request', `${time.slice(0, 100)} is not a time`, { suggestion: 'Write it as 2026-01-31T12:00:00Z.' });
  return parsed.toISOString();
}
