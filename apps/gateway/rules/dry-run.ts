import { countComposes, type KeyedMessage } from '../../../libs/compose-rules/debounce.js';
import type { BusMessage, ReceivedMessage } from '../../../libs/compose-rules/bus-message.js';
import type { ComposeRule } from '../../../libs/compose-rules/compose-rule.js';
import type { IncomingMessages } from '../../../libs/event-bus/incoming-messages.js';
import { judgeMessage, type JudgeOptions, type Judgement } from '../../../libs/rule-record/judge-message.js';
import { takeBreaks } from '../../../libs/rule-record/take-breaks.js';
import type { DryRunOfRule, DryRunView } from './rule-schemas.js';

/** Samples of each rule. */
const shown = 20;
const page = 100;
const mostMessages = 20_000;
/** Milliseconds. */
const longest = 4000;

interface RunOfRule {
  readonly rule: ComposeRule;
  readonly keyed: KeyedMessage[];
  readonly samples: DryRunOfRule['samples'][number][];
  unfit: number;
  loops: number;
}

/** What the rules would make of one message. */
export async function dryRunOfMessage(rules: readonly ComposeRule[], message: BusMessage, judge: JudgeOptions): Promise<DryRunView> {
  const runs = rules.map(emptyRun);
  const takeBreak = takeBreaks();
  for (const run of runs) {
    await look(run, { message, position: null, at: 0 }, judge);
    await takeBreak();
  }
  return { looked: 1, complete: true, rules: runs.map(view) };
}

/** What they would have made of kept messages; ends in time, whatever there is. */
export async function dryRunOfMessages(rules: readonly ComposeRule[], { after, messages, judge }: { readonly after: number; readonly messages: Pick<IncomingMessages, 'after'>; readonly judge: JudgeOptions }): Promise<DryRunView> {
  const runs = rules.map(emptyRun);
  const begun = performance.now();
  const takeBreak = takeBreaks();
  let looked = 0;
  for (let position = after; ; ) {
    const batch = await messages.after(position, page);
    for (const message of batch) {
      if (looked >= mostMessages || performance.now() - begun > longest) return { looked, complete: false, rules: runs.map(view) };
      for (const run of runs) {
        await look(run, { message, position: message.position, at: timeOf(message) }, judge);
        await takeBreak();
      }
      looked += 1;
    }
    const last = batch.at(-1);
    if (last === undefined) return { looked, complete: true, rules: runs.map(view) };
    position = last.position;
  }
}

function emptyRun(rule: ComposeRule): RunOfRule {
  return { rule, keyed: [], samples: [], unfit: 0, loops: 0 };
}

async function look(run: RunOfRule, { message, position, at }: { readonly message: BusMessage; readonly position: number | null; readonly at: number }, judge: JudgeOptions): Promise<void> {
  const judgement = await judgeMessage(run.rule, message, judge);
  if (judgement.kind === 'none') return;
  if (judgement.kind === 'match') run.keyed.push({ key: judgement.match.key, at });
  if (judgement.kind === 'unfit') run.unfit += 1;
  if (judgement.kind === 'loop') run.loops += 1;
  run.samples.push({ position, topic: message.topic, ...sampleOf(judgement) });
  if (run.samples.length > shown) run.samples.shift();
}

function sampleOf(judgement: Exclude<Judgement, { kind: 'none' }>): Omit<DryRunOfRule['samples'][number], 'position' | 'topic'> {
  if (judgement.kind === 'unfit') return { kind: 'unfit', key: judgement.key, latest: null, request: null, reason: judgement.reason };
  if (judgement.kind === 'loop') return { kind: 'loop', key: null, latest: null, request: null, reason: `it is about a compose that the rule itself led to: ${judgement.chain.join(' → ')}` };
  const { match, request } = judgement;
  return { kind: 'match', key: match.key, latest: match.latest, request: structuredClone(request) as NonNullable<DryRunOfRule['samples'][number]['request']>, reason: null };
}

function view({ rule, keyed, samples, unfit, loops }: RunOfRule): DryRunOfRule {
  return { rule: rule.name, matched: keyed.length, composes: countComposes(keyed, rule.debounce), unfit, loops, samples };
}

function timeOf({ receivedAt }: ReceivedMessage): number {
  return Date.parse(receivedAt);
}
