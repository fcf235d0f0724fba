import { condition, proxyActivities, sleep, workflowInfo } from '@temporalio/workflow';
import type { RuleCounts } from '../../libs/compose-rules/rule-counts.js';
import type { ComposeRuleActivities, ComposeWaitActivities, RuleSettings } from './compose-rule-activities.js';
import { composeWaitTaskQueueOf } from './compose-rule-messages.js';
import { referenceOf, type RunningMatter } from './rule-matters.js';

/** Activities say themselves which of their failures are final; the others are repeated until they succeed. */
export const retry = { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '15s' } as const;
export const brief = proxyActivities<ComposeRuleActivities>({ startToCloseTimeout: '2 minutes', heartbeatTimeout: '15s', retry });

/** Milliseconds between two questions to a gate, at first and at most. */
const firstPause = 5000;
const longestPause = 300_000;

/** What the steps of one matter share with the rest of the workflow. */
export interface MatterWork {
  readonly rule: string;
  readonly settings: () => RuleSettings;
  /** Whether newer messages of the key wait already: then nothing is tried again. */
  readonly outdated: () => boolean;
  readonly count: (what: keyof RuleCounts, problem?: string | null) => void;
}

/** From the gate before it to the name that points at the compose. Each step may be repeated by another run, which finds it as it was left. */
export async function workOn(matter: RunningMatter, work: MatterWork): Promise<void> {
  if (matter.step === 'gate-before' && !(await passed(matter, work, 'before'))) return;
  if (matter.step !== 'gate-after' && !(await composed(matter, work))) return;
  if (!(await passed(matter, work, 'after'))) return;
  if (work.settings().named && matter.composeId !== null) {
    const { problem } = await brief.promoteCompose(work.rule, referenceOf(matter), matter.composeId);
    if (problem !== null) return work.count('failed', problem);
  }
  work.count('done');
}

async function passed(matter: RunningMatter, { rule, settings, count }: MatterWork, when: 'before' | 'after'): Promise<boolean> {
  if (!(when === 'before' ? settings().gateBefore : settings().gateAfter)) return true;
  if (matter.since === 0) matter.since = Date.now();
  for (let pause = firstPause; ; pause = Math.min(longestPause, pause * 2)) {
    const { open, summary, patience } = await brief.askGate(rule, referenceOf(matter), { when, composeId: matter.composeId });
    if (open) return true;
    const left = matter.since + patience * 1000 - Date.now();
    if (left <= 0) {
      count('refused', `the gate ${when} it stayed closed: ${summary}`);
      return false;
    }
    await sleep(Math.min(pause, left));
  }
}

async function composed(matter: RunningMatter, work: MatterWork): Promise<boolean> {
  if (matter.step === 'gate-before') matter.since = 0;
  matter.step = 'composing';
  for (;;) {
    if (matter.composeId === null && !(await requested(matter, work))) return false;
    if (matter.composeId === null) return false;
    const { done, reason } = await waits().awaitCompose(matter.composeId);
    if (done) break;
    work.count('failed', `compose ${matter.composeId}: ${reason ?? 'it has not been made'}`);
    if (matter.attempt > work.settings().retry.times || work.outdated()) return false;
    matter.attempt += 1;
    matter.composeId = null;
    matter.since = Date.now() + work.settings().retry.wait * 1000;
  }
  matter.step = 'gate-after';
  matter.since = 0;
  return true;
}

async function requested(matter: RunningMatter, { rule, count, outdated }: MatterWork): Promise<boolean> {
  if (matter.since > Date.now()) await condition(outdated, matter.since - Date.now());
  if (matter.attempt > 1 && outdated()) return false;
  const { composeId, problem } = await brief.requestCompose(rule, referenceOf(matter));
  if (composeId === null) {
    count('parked', problem);
    return false;
  }
  matter.composeId = composeId;
  count('requested');
  return true;
}

function waits(): ComposeWaitActivities {
  return proxyActivities<ComposeWaitActivities>({ taskQueue: composeWaitTaskQueueOf(workflowInfo().taskQueue), startToCloseTimeout: '1 day', heartbeatTimeout: '30s', retry });
}
