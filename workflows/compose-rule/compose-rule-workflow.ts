import { allHandlersFinished, CancellationScope, condition, continueAsNew, isCancellation, setHandler, workflowInfo } from '@temporalio/workflow';
import { validateRequester } from '../session/session-input.js';
import { messagesReceivedSignal, pauseRuleUpdate, replayRuleUpdate, resumeRuleUpdate, retireRuleSignal, ruleChangedSignal, ruleStatusQuery } from './compose-rule-messages.js';
import type { ComposeRuleInput, ComposeRuleStatus } from './compose-rule-messages.js';
import { validateReplay, validRuleInput } from './compose-rule-input.js';
import { RuleEntity, type CarriedRule } from './rule-entity.js';

/** Events; a worker that has to replay this many still answers an update at once. */
const longHistory = 1000;
/** Milliseconds: whether or not anybody said that there are messages, they are looked for so often. */
const lookInterval = 300_000;

/**
 * One rule: looks at messages of its buses in their order, gathers those that match by key, and makes one compose at a time of each key (`matter-steps.ts`). The record has
 * the messages and the composes; where this workflow was lost, another goes on from what the record knows to be settled. It completes when its rule is retired or
 * somebody cancels it. Fails with `invalid-request` where there is nothing to work on.
 */
export async function composeRule(input: ComposeRuleInput, carried?: CarriedRule): Promise<ComposeRuleStatus> {
  const { workflowId, continuedFromExecutionRunId } = workflowInfo();
  const rule = validRuleInput(input, workflowId);
  const { cancelRequested } = CancellationScope.current();
  return CancellationScope.nonCancellable(async () => {
    const entity = new RuleEntity(rule, continuedFromExecutionRunId === undefined ? undefined : carried);
    bindHandlers(entity);
    cancelRequested.catch(() => entity.stop());
    await live(entity, input);
    return entity.status();
  });
}

function bindHandlers(entity: RuleEntity): void {
  setHandler(ruleStatusQuery, () => entity.status());
  setHandler(messagesReceivedSignal, () => {
    entity.poked = true;
  });
  setHandler(ruleChangedSignal, () => {
    entity.changed = true;
  });
  setHandler(retireRuleSignal, () => entity.retire());
  setHandler(pauseRuleUpdate, ({ by }) => entity.pause(by), { validator: validateRequester });
  setHandler(resumeRuleUpdate, () => entity.resume(), { validator: validateRequester });
  setHandler(replayRuleUpdate, (replay) => entity.replay(replay), { validator: validateReplay });
}

async function live(entity: RuleEntity, input: ComposeRuleInput): Promise<void> {
  try {
    await entity.scope.run(() => work(entity, input));
  } catch (error) {
    if (!isCancellation(error) || !entity.ending) throw error;
  }
  await entity.end();
  await condition(allHandlersFinished);
}

async function work(entity: RuleEntity, input: ComposeRuleInput): Promise<void> {
  await entity.begin();
  let lookedAt = Date.now();
  while (!entity.ending) {
    if (isLong()) await handOver(entity, input);
    if (entity.changed) await entity.readSettings();
    if (Date.now() - lookedAt >= lookInterval) entity.poked = true;
    if (entity.poked) lookedAt = Date.now();
    if (entity.mayLook) {
      await entity.look();
      continue;
    }
    entity.startDue();
    const now = Date.now();
    await condition(() => entity.stirred, Math.max(1, Math.min(lookedAt + lookInterval, entity.nextDue()) - now));
  }
}

function isLong(): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return continueAsNewSuggested || historyLength >= longHistory;
}

/** What is under way is left where it is; the next run does the step again, which changes nothing. */
async function handOver(entity: RuleEntity, input: ComposeRuleInput): Promise<never> {
  await condition(allHandlersFinished);
  const carried = await entity.handOver();
  return continueAsNew<typeof composeRule>(input, carried);
}
