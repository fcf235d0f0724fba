import type { Client } from '@temporalio/client';
import type { Database } from '../../../libs/database/open-database.js';
import { createRuleRecord } from '../../../libs/rule-record/create-rule-record.js';
import { createRuleChains } from '../../../libs/rule-record/rule-causes.js';
import { readRules } from '../../../libs/rule-record/rule-settings-file.js';
import type { Settings } from '../../../libs/settings/settings.js';
import { createComposeRuleWorkflowClient } from '../../../temporal/compose-rule-workflow-client.js';
import type { RuleDependencies } from '../gateway-ports.js';

export interface RuleDependencyOptions {
  readonly settings: Settings;
  readonly client: Client;
  /** Called with every call to the workflow engine. */
  readonly noted: <Value>(call: Promise<Value>) => Promise<Value>;
}

/** Errors: `invalid-setting`. */
export async function openRuleDependencies(database: Database, { settings, client, noted }: RuleDependencyOptions): Promise<RuleDependencies> {
  const workflows = createComposeRuleWorkflowClient(client);
  return {
    rules: await readRules(settings.rulesFile),
    record: createRuleRecord(database),
    chains: createRuleChains(database),
    workflows: {
      pause: (rule, by) => noted(workflows.pause(rule, by)),
      resume: (rule, by) => noted(workflows.resume(rule, by)),
      replay: (rule, replay) => noted(workflows.replay(rule, replay)),
      status: (rule) => noted(workflows.status(rule, { deadline: 1500 })),
    },
  };
}
