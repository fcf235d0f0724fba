import type { Client } from '@temporalio/client';
import type { Database } from '../../../libs/database/open-database.js';
import { openWebhooks } from '../../../libs/event-bus/open-buses.js';
import { createIncomingMessages } from '../../../libs/rule-record/incoming-messages.js';
import type { Environment, Settings } from '../../../libs/settings/settings.js';
import { createComposeRuleWorkflowClient } from '../../../temporal/compose-rule-workflow-client.js';
import type { BusDependencies } from '../gateway-ports.js';

export interface BusDependencyOptions {
  readonly settings: Settings;
  readonly client: Client;
  /** Secrets of webhooks. */
  readonly environment: Environment;
  /** Called with every call to the workflow engine. */
  readonly noted: <Value>(call: Promise<Value>) => Promise<Value>;
}

export interface OpenBusDependencies extends BusDependencies {
  close(): Promise<void>;
}

/** Errors: `invalid-setting`. */
export async function openBusDependencies(database: Database, { settings, client, environment, noted }: BusDependencyOptions): Promise<OpenBusDependencies> {
  const messages = createIncomingMessages(database);
  const workflows = createComposeRuleWorkflowClient(client);
  return {
    messages,
    webhooks: await openWebhooks(settings.rulesFile, environment),
    replay: async (rule, options) => void (await noted(workflows.replay(rule, options))),
    close: () => messages.close(),
  };
}
