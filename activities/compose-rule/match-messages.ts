import type { ComposeRule } from '../../libs/compose-rules/compose-rule.js';
import type { ReceivedMessage } from '../../libs/compose-rules/bus-message.js';
import { judgeMessage } from '../../libs/rule-record/judge-message.js';
import { takeBreaks } from '../../libs/rule-record/take-breaks.js';
import { asReason } from '../compose/compose-activity-failure.js';
import type { ComposeRuleActivities, MatchedKey, MatchedMessages } from '../../workflows/compose-rule/compose-rule-activities.js';
import type { ComposeRuleActivityOptions } from './rule-activity-options.js';

/** Messages read at once at most, and looked at by one call. */
const page = 100;
const mostLookedAt = 5000;
/** Milliseconds that one call takes, about. */
const longest = 10_000;

type Options = Pick<ComposeRuleActivityOptions, 'incoming' | 'record' | 'chains' | 'readRequest'>;
type Arguments = Parameters<ComposeRuleActivities['matchMessages']>;

interface Found {
  readonly keys: Map<string, MatchedKey>;
  parked: number;
  loops: number;
  problem: string | null;
}

/** Looks at messages in their order; what it has looked at is in the record with what came of it. */
export async function matchMessages(rule: ComposeRule, { range, standing }: { readonly range: Arguments[1]; readonly standing: Arguments[2] }, options: Options): Promise<MatchedMessages> {
  const { until = Infinity, most } = range;
  const found: Found = { keys: new Map(), parked: 0, loops: 0, problem: null };
  const begun = performance.now();
  const enough = (): boolean => found.keys.size >= most || performance.now() - begun >= longest;
  const takeBreak = takeBreaks();
  let position = range.after;
  let looked = 0;
  let more = true;
  while (more && looked < mostLookedAt && !enough()) {
    const messages = await options.incoming.after(position, page);
    more = (messages.at(-1)?.position ?? until) < until;
    for (const message of messages.filter((each) => each.position <= until)) {
      await look(rule, message, found, options);
      position = message.position;
      looked += 1;
      if (enough()) {
        more = true;
        break;
      }
      await takeBreak();
    }
  }
  const result = { position, more, keys: [...found.keys.values()], parked: found.parked, loops: found.loops, problem: found.problem };
  if (range.until === undefined) await note(rule.name, { result, range, standing }, options);
  return result;
}

async function look(rule: ComposeRule, message: ReceivedMessage, found: Found, options: Options): Promise<void> {
  const judgement = await judgeMessage(rule, message, options);
  const { position, bus, topic, body } = message;
  if (judgement.kind === 'match') {
    const known = found.keys.get(judgement.match.key);
    found.keys.set(judgement.match.key, { key: judgement.match.key, position, oldest: known?.oldest ?? position, messages: (known?.messages ?? 0) + 1 });
  } else if (judgement.kind === 'loop') {
    found.loops += 1;
    found.problem = asReason(`message ${position} is about a compose that the rule itself led to (${judgement.chain.join(' → ')}): left out`);
  } else if (judgement.kind === 'unfit') {
    await options.incoming.park({ bus, topic, position, rule: rule.name, reason: asReason(judgement.reason), excerpt: JSON.stringify(body).slice(0, 1000) });
    found.parked += 1;
    found.problem = asReason(`message ${position}: ${judgement.reason}`);
  }
}

/** Nothing before the oldest message that has just been found is left to be done, where nothing was left before. */
async function note(rule: string, { result, range, standing }: { readonly result: MatchedMessages; readonly range: Arguments[1]; readonly standing: Arguments[2] }, { record }: Pick<Options, 'record'>): Promise<void> {
  const oldest = Math.min(...result.keys.map((key) => key.oldest)) - 1;
  const settled = standing.settled < range.after ? standing.settled : Math.min(result.position, oldest);
  const counts = {
    ...standing.counts,
    matched: standing.counts.matched + result.keys.reduce((sum, { messages }) => sum + messages, 0),
    parked: standing.counts.parked + result.parked,
    loops: standing.counts.loops + result.loops,
  };
  await record.note(rule, { position: result.position, settled, counts, problem: result.problem ?? standing.problem });
}
