import { createComposeRuleActivities } from '../../activities/compose-rule/create-compose-rule-activities.js';
import { createComposeWaitActivity } from '../../activities/compose-rule/create-compose-wait-activity.js';
import { whileDatabaseIsAway } from '../../activities/compose/while-database-is-away.js';
import { millraceVersion } from '../../libs/compose-engine/engine-parts.js';
import { openGates } from '../../libs/compose-gates/open-gates.js';
import { createComposeNames } from '../../libs/compose-names/create-compose-names.js';
import { readNewCompose } from '../../libs/compose/request-body/read-new-compose.js';
import { query } from '../../libs/database/sql.js';
import { consumeBuses } from '../../libs/event-bus/consume-buses.js';
import { createMessageIntake } from '../../libs/event-bus/message-intake.js';
import { openConsumers } from '../../libs/event-bus/open-buses.js';
import { createRuleRecord } from '../../libs/rule-record/create-rule-record.js';
import { createIncomingMessages } from '../../libs/rule-record/incoming-messages.js';
import { createRuleChains } from '../../libs/rule-record/rule-causes.js';
import { readRules } from '../../libs/rule-record/rule-settings-file.js';
import { createComposeRuleWorkflowClient } from '../../temporal/compose-rule-workflow-client.js';
import { composeWaitTaskQueueOf } from '../../workflows/compose-rule/compose-rule-messages.js';
import { keepRules } from './keep-rules.js';
import { notifyRules } from './notify-rules.js';
import { repeat } from './repeat.js';
import type { Client } from '@temporalio/client';
import type { ComposeRequest } from '../../libs/compose/compose-request.js';
import type { Database } from '../../libs/database/open-database.js';
import type { ComposeWork } from './open-compose-work.js';
import type { WorkedQueue } from './run-worker.js';
import type { WorkerProcessOptions } from './worker-process-options.js';

export interface RuleWork {
  /** Of rules, on the queue of composes. */
  readonly activities: object;
  readonly queues: readonly WorkedQueue[];
  /** Buses, rules and sweeps until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface RuleWorkOptions extends WorkerProcessOptions {
  readonly database: Database;
  readonly client: Client;
  readonly composes: Pick<ComposeWork, 'taskQueue' | 'commands' | 'reads' | 'engine'>;
}

/** Milliseconds between rounds. */
const sweepInterval = 10 * 60_000;
const ruleInterval = 2000;
const day = 86_400_000;
/** Milliseconds that a message waits for a record that is away, before the broker has it back. */
const patience = 10_000;
/** Composes that rules wait for at once. */
const mostWaits = 500;

/** What a worker process does for rules. Errors: `invalid-setting`. */
export async function openRuleWork({ settings, database, client, composes, log, environment = {} }: RuleWorkOptions): Promise<RuleWork> {
  const rules = await readRules(settings.rulesFile);
  const { consumers, retention } = await openConsumers(settings.rulesFile, environment);
  const { commands, reads, engine, taskQueue } = composes;
  const incoming = createIncomingMessages(database);
  const record = createRuleRecord(database);
  const gates = openGates({ settings, version: millraceVersion() });
  const workflows = createComposeRuleWorkflowClient(client, { taskQueue });
  const readRequest = (body: unknown): ComposeRequest => {
    const request = readNewCompose(body, settings);
    engine.check(request);
    return request;
  };
  const names = createComposeNames(database, { composeUrl: settings.composeUrl, graceSeconds: settings.composeNameGrace });

  async function sweep(): Promise<void> {
    const before = (days: number): string => new Date(Date.now() - days * day).toISOString();
    const removed = await incoming.removeBefore(before(retention.messages));
    const forgotten = await incoming.removeParkedBefore(before(retention.parked));
    if (removed + forgotten > 0) log.info({ task: 'message sweep', removed, forgotten }, 'removed messages that were old');
  }

  return {
    activities: createComposeRuleActivities({ rules, record, incoming, commands, reads, names, gates, chains: createRuleChains(database), readRequest }),
    queues: [{ taskQueue: composeWaitTaskQueueOf(taskQueue), activities: createComposeWaitActivity(reads), workflows: false, concurrency: mostWaits, shutdownGrace: 0 }],
    async run(signal) {
      // Before the first message comes: a rule that is new begins after what is there.
      await whileDatabaseIsAway(() => record.register([...rules.keys()]), signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
      const kept = keepRules({ rules: [...rules.keys()], record, workflows, log });
      await Promise.all([
        consumeBuses({ consumers, intake: createMessageIntake({ messages: incoming, patience }), record: () => query(database, 'select 1'), log, signal }),
        repeat(kept, { name: 'rules', interval: ruleInterval, signal, log }),
        notifyRules({ rules: [...rules.values()], incoming, workflows, log, signal }),
        repeat(sweep, { name: 'message sweep', interval: sweepInterval, signal, log }),
      ]);
    },
    async close() {
      await incoming.close();
      await gates.close();
    },
  };
}
