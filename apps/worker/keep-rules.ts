import { isMillraceError } from '../../libs/errors/millrace-error.js';
import type { Logger } from 'pino';
import type { RuleRecord } from '../../libs/rule-record/create-rule-record.js';
import type { ComposeRuleWorkflowClient } from '../../temporal/compose-rule-workflow-client.js';

export interface KeepRulesOptions {
  /** Names of those that the settings have. */
  readonly rules: readonly string[];
  readonly record: Pick<RuleRecord, 'list' | 'register' | 'retire'>;
  readonly workflows: Pick<ComposeRuleWorkflowClient, 'start' | 'changed' | 'retire'>;
  readonly log: Logger;
}

/** Milliseconds between two looks at what is there; what could not be done is tried again with the next round. */
const interval = 60_000;

/**
 * A round: every rule of the settings has its workflow, one that was terminated or lost with Temporal's data gets it again. The first round also tells running
 * workflows that their settings may have changed, and retires rules that these settings do not have; later rounds do not, because a worker with newer settings may have
 * come. Rejects when the database or Temporal is away.
 */
export function keepRules({ rules, record, workflows, log }: KeepRulesOptions): () => Promise<void> {
  const told = new Set<string>();
  let retired = false;
  let dueAt = 0;
  return async () => {
    if (performance.now() < dueAt) return;
    await record.register(rules);
    for (const rule of rules) {
      await workflows.start(rule);
      if (told.has(rule)) continue;
      await workflows.changed(rule);
      told.add(rule);
    }
    if (!retired) await retireOthers();
    retired = true;
    dueAt = performance.now() + interval;
  };

  async function retireOthers(): Promise<void> {
    for (const { name, retiredAt } of await record.list()) {
      if (retiredAt !== null || rules.includes(name)) continue;
      await retire(name, { record, workflows });
      log.info({ rule: name }, `the rule ${name} is not in the settings any more: it is retired`);
    }
  }
}

async function retire(name: string, { record, workflows }: Pick<KeepRulesOptions, 'record' | 'workflows'>): Promise<void> {
  try {
    await workflows.retire(name);
  } catch (error) {
    if (!isMillraceError(error) || error.code !== 'rule-not-found') throw error;
    await record.retire(name); // it has no workflow that would do so
  }
}
