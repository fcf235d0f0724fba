import { setTimeout as pause } from 'node:timers/promises';
import { ruleApplies } from '../../libs/compose-rules/match-rule.js';
import { isMillraceError } from '../../libs/errors/millrace-error.js';
import { takeBreaks } from '../../libs/rule-record/take-breaks.js';
import { repeat } from './repeat.js';
import type { Logger } from 'pino';
import type { ReceivedMessage } from '../../libs/compose-rules/bus-message.js';
import type { ComposeRule } from '../../libs/compose-rules/compose-rule.js';
import type { IncomingMessages } from '../../libs/event-bus/incoming-messages.js';
import type { ComposeRuleWorkflowClient } from '../../temporal/compose-rule-workflow-client.js';

export interface NotifyRulesOptions {
  readonly rules: readonly ComposeRule[];
  readonly incoming: Pick<IncomingMessages, 'after' | 'changed' | 'positionBefore'>;
  readonly workflows: Pick<ComposeRuleWorkflowClient, 'poke'>;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Messages of one round. */
const page = 200;
/** Milliseconds: between rounds, so that a burst is a few pokes; without news; and after trouble. */
const interval = 500;
const idle = 30_000;
const troubled = 2000;

/**
 * Tells workflows of rules that there are messages which they may mean, until the signal aborts. Only a convenience: they look for themselves now and then. What is
 * meant is looked at here first, so that a busy bus does not wake every rule for every message.
 */
export async function notifyRules({ rules, incoming, workflows, log, signal }: NotifyRulesOptions): Promise<void> {
  if (rules.length === 0) return;
  // What came before is found by the workflows themselves when they are started.
  let position: number | undefined;
  await repeat(
    async () => {
      position ??= await incoming.positionBefore(new Date(Date.now() + 86_400_000).toISOString());
      await incoming.changed(position, { milliseconds: idle, signal });
      const messages = signal.aborted ? [] : await incoming.after(position, page);
      const meant = await rulesFor(messages, rules);
      await Promise.all(meant.map(({ name }) => poke(name)));
      position = messages.at(-1)?.position ?? position;
    },
    { name: 'rule messages', interval, signal, log },
  );

  async function poke(name: string): Promise<void> {
    try {
      await workflows.poke(name);
    } catch (error) {
      if (isMillraceError(error) && error.code === 'rule-not-found') return; // it is started soon, and looks then
      await pause(troubled, undefined, { signal }).catch(() => undefined);
      throw error;
    }
  }
}

async function rulesFor(messages: readonly ReceivedMessage[], rules: readonly ComposeRule[]): Promise<readonly ComposeRule[]> {
  const takeBreak = takeBreaks();
  const meant: ComposeRule[] = [];
  for (const rule of rules) {
    for (const message of messages) {
      const may = mayApply(rule, message);
      await takeBreak();
      if (!may) continue;
      meant.push(rule);
      break;
    }
  }
  return meant;
}

/** A message that is too much for the rule is its workflow's to park. */
function mayApply(rule: ComposeRule, message: ReceivedMessage): boolean {
  try {
    return ruleApplies(rule, message);
  } catch {
    return true;
  }
}
