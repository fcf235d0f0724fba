import { query } from '../../libs/database/sql.js';
import { consumeBuses } from '../../libs/event-bus/consume-buses.js';
import { createMessageIntake } from '../../libs/event-bus/message-intake.js';
import { openConsumers } from '../../libs/event-bus/open-buses.js';
import { createIncomingMessages } from '../../libs/rule-record/incoming-messages.js';
import { repeat } from './repeat.js';
import type { Database } from '../../libs/database/open-database.js';
import type { WorkerProcessOptions } from './worker-process-options.js';

export interface RuleWork {
  /** Buses and sweeps until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface RuleWorkOptions extends WorkerProcessOptions {
  readonly database: Database;
}

/** Milliseconds between rounds. */
const sweepInterval = 10 * 60_000;
const day = 86_400_000;
/** Milliseconds that a message waits for a record that is away, before the broker has it back. */
const patience = 10_000;

/** What a worker process does for rules. Errors: `invalid-setting`. */
export async function openRuleWork({ settings, database, log, environment = {} }: RuleWorkOptions): Promise<RuleWork> {
  const { consumers, retention } = await openConsumers(settings.rulesFile, environment);
  const messages = createIncomingMessages(database);
  const record = (): Promise<unknown> => query(database, 'select 1');

  async function sweep(): Promise<void> {
    const before = (days: number): string => new Date(Date.now() - days * day).toISOString();
    const removed = await messages.removeBefore(before(retention.messages));
    const forgotten = await messages.removeParkedBefore(before(retention.parked));
    if (removed + forgotten > 0) log.info({ task: 'message sweep', removed, forgotten }, 'removed messages that were old');
  }

  return {
    async run(signal) {
      await Promise.all([
        consumeBuses({ consumers, intake: createMessageIntake({ messages, patience }), record, log, signal }),
        repeat(sweep, { name: 'message sweep', interval: sweepInterval, signal, log }),
      ]);
    },
    close: () => messages.close(),
  };
}
