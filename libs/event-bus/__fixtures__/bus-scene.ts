import { pino } from 'pino';
import { openDatabase } from '../../database/open-database.js';
import { query } from '../../database/sql.js';
import { createIncomingMessages, type RecordedIncomingMessages } from '../../rule-record/incoming-messages.js';
import type { ReceivedMessage } from '../../compose-rules/bus-message.js';
import type { BusConsumer } from '../bus-consumer.js';
import { consumeBuses } from '../consume-buses.js';
import { createMessageIntake } from '../message-intake.js';

export interface BusWorker {
  readonly messages: RecordedIncomingMessages;
  /** What was logged, by message. */
  readonly log: readonly string[];
  /** As a worker that is stopped. */
  stop(): Promise<void>;
}

export interface BusWorkerOptions {
  readonly databaseUrl: string;
  readonly consumers: readonly BusConsumer[];
  /** Milliseconds that a message waits for a record that is away. */
  readonly patience?: number;
}

const running = new Set<BusWorker>();

/** After a spec, whatever became of it. */
export async function stopBusWorkers(): Promise<void> {
  await Promise.all([...running].map((worker) => worker.stop()));
}

/** What a worker process does with buses, on connections of its own. */
export async function startBusWorker({ databaseUrl, consumers, patience = 500 }: BusWorkerOptions): Promise<BusWorker> {
  const database = await openDatabase(databaseUrl);
  const messages = createIncomingMessages(database);
  const abort = new AbortController();
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line) => void lines.push([(JSON.parse(line) as { msg: string; reason?: string })].map(({ msg, reason }) => (reason === undefined ? msg : `${msg}: ${reason}`)).join()) });
  const ended = consumeBuses({ consumers, intake: createMessageIntake({ messages, patience }), record: () => query(database, 'select 1'), log, signal: abort.signal, firstPause: 50 });
  const worker: BusWorker = {
    messages,
    log: lines,
    async stop() {
      if (!running.delete(worker)) return;
      abort.abort();
      await ended;
      await messages.close();
      await database.close();
    },
  };
  running.add(worker);
  return worker;
}

/** Of a bus, in the order of their positions. */
export async function receivedBy(messages: Pick<RecordedIncomingMessages, 'after'>, bus: string): Promise<readonly ReceivedMessage[]> {
  return (await messages.after(0, 100_000)).filter((message) => message.bus === bus);
}
