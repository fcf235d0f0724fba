import { pino, type Logger } from 'pino';
import { openDatabase, type Database } from '../../database/open-database.js';
import { inTransaction, query } from '../../database/sql.js';
import { createTestDatabase } from '../../testing/test-database.js';
import { deliverMessages, type DeliverMessagesOptions } from '../deliver-messages.js';
import { leaveMessage } from '../leave-message.js';
import type { MessageSink } from '../message-sink.js';

export const topic = 'odcs.compose.state-changed';

export interface MessageScene {
  readonly database: Database;
  readonly url: string;
  /** In a transaction of its own. */
  leave(streamId: string, number: number): Promise<void>;
  /** Delivers until `close`, or until what it resolves to is called. */
  deliver(sinks: readonly MessageSink[], options?: Partial<DeliverMessagesOptions>): () => Promise<void>;
  /** Ends all deliveries and forgets all messages and sinks. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

export const silent: Logger = pino({ level: 'silent' });

export async function openMessageScene(): Promise<MessageScene> {
  const server = await createTestDatabase();
  const database = await openDatabase(server.url);
  const stops = new Set<() => Promise<void>>();
  return {
    database,
    url: server.url,
    leave: (streamId, number) => inTransaction(database, ({ sql }) => leaveMessage(sql, { streamId, topic, body: messageBody(streamId, number) })),
    deliver: (sinks, options = {}) => {
      const abort = new AbortController();
      const ended = deliverMessages({ database, sinks, log: silent, signal: abort.signal, ...options });
      const stop = async (): Promise<void> => {
        stops.delete(stop);
        abort.abort();
        await ended;
      };
      stops.add(stop);
      return stop;
    },
    reset: async () => {
      await Promise.all([...stops].map((stop) => stop()));
      await query(database, 'truncate outbound_messages, message_sinks, streams');
    },
    close: async () => {
      await Promise.all([...stops].map((stop) => stop()));
      await database.close();
      await server.drop();
    },
  };
}

export interface SpecMessage {
  readonly event: 'state-changed';
  readonly compose: { readonly id: number; readonly stream: string };
}

export const messageBody = (stream: string, number: number): SpecMessage => ({ event: 'state-changed', compose: { id: number, stream } });

/** Of every stream the numbers in the order of their first arrival: what a receiver sees that drops repetitions. */
export function numbersByStream(messages: readonly SpecMessage[]): Record<string, number[]> {
  const found: Record<string, number[]> = {};
  for (const { compose } of messages) {
    const numbers = (found[compose.stream] ??= []);
    if (!numbers.includes(compose.id)) numbers.push(compose.id);
  }
  return found;
}

/** The sinks that are known to the record. */
export async function registered(database: Database, count: number): Promise<void> {
  await until(async () => (await query(database, 'select 1 from message_sinks')).length >= count);
}

export async function until(condition: () => boolean | Promise<boolean>, longest = 40_000): Promise<void> {
  const deadline = performance.now() + longest;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`did not come to pass within ${longest / 1000} s: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
