import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { gateAfter } from '../../libs/compose-rules/match-rule.js';
import { ruleOwner } from '../../libs/compose-rules/rule-cause.js';
import { errorTable } from '../../libs/errors/error-table.js';
import { isMillraceError, MillraceError } from '../../libs/errors/millrace-error.js';
import { judgeMessage } from '../../libs/rule-record/judge-message.js';
import { performed as withHeartbeat } from '../performed.js';
import { asComposeFailure, asReason } from '../compose/compose-activity-failure.js';
import { matchMessages } from './match-messages.js';
import type { ReceivedMessage } from '../../libs/compose-rules/bus-message.js';
import type { ComposeRule, GateSettings } from '../../libs/compose-rules/compose-rule.js';
import type { ComposeRuleActivityOptions } from './rule-activity-options.js';
import type { ComposeRuleActivities, GateAnswer, MatterReference, RuleSettings } from '../../workflows/compose-rule/compose-rule-activities.js';

/** What it throws may stand in a history. */
const performed = <T>(work: () => Promise<T>): Promise<T> => withHeartbeat(work, (error) => (error instanceof ApplicationFailure ? error : asComposeFailure(error)));

/** The short activities of a rule's workflow. Errors become `ApplicationFailure`s with the Millrace code as type; `errorTable` says which of them are worth a retry. */
export function createComposeRuleActivities(options: ComposeRuleActivityOptions): ComposeRuleActivities {
  const { record, incoming, names } = options;
  const ruleOf = (name: string): ComposeRule => {
    const rule = options.rules.get(name);
    // Workers of several versions may run at once: one of them has it.
    if (rule === undefined) throw ApplicationFailure.retryable(`the settings of this worker have no rule ${name}`, 'rule-not-found');
    return rule;
  };
  return {
    beginRule: (name) =>
      performed(async () => {
        const settings = settingsOf(ruleOf(name));
        await record.register([name]);
        const { settled, pausedAt, counts } = await record.get(name);
        return { settings, paused: pausedAt !== null, position: settled, counts };
      }),
    readRule: (name) => performed(async () => settingsOf(ruleOf(name))),
    matchMessages: (name, range, standing) => performed(() => matchMessages(ruleOf(name), { range, standing }, options)),
    matchMessage: (name, position) => performed(() => matchMessage(ruleOf(name), position, options)),
    positionBefore: (time) => performed(() => incoming.positionBefore(time)),
    pauseRule: (name, by) => performed(() => record.pause(name, by)),
    resumeRule: (name) => performed(() => record.resume(name)),
    retireRule: (name, { position, ...standing }) =>
      performed(async () => {
        await record.register([name]); // somebody may have started the workflow by hand
        await record.note(name, { position, ...standing });
        await record.retire(name);
      }),
    askGate: (name, matter, question) => performed(() => askGate(ruleOf(name), matter, question, options)),
    requestCompose: (name, matter) =>
      performed(async () => {
        const rule = ruleOf(name);
        const message = await incoming.get(matter.position);
        const asked = await request(rule, { message, matter }, options);
        if (typeof asked === 'number') return { composeId: asked, problem: null };
        await incoming.park({ bus: message.bus, topic: message.topic, position: message.position, rule: name, reason: asReason(asked), excerpt: JSON.stringify(message.body).slice(0, 1000) });
        return { composeId: null, problem: asReason(`message ${message.position}: ${asked}`) };
      }),
    promoteCompose: (name, matter, composeId) =>
      performed(async () => {
        const judgement = await judgeMessage(ruleOf(name), await incoming.get(matter.position), options);
        if (judgement.kind !== 'match' || judgement.match.latest === null) return { problem: null };
        try {
          await names.promote(judgement.match.latest, composeId, { by: ruleOwner(name) });
          return { problem: null };
        } catch (error) {
          if (!isMillraceError(error) || !['compose-closed', 'compose-not-found', 'invalid-request'].includes(error.code)) throw error;
          return { problem: asReason(`the name ${judgement.match.latest} cannot point at compose ${composeId}: ${error.message}`) };
        }
      }),
  };
}

/** The id of the compose, or why there can be none. */
async function request(rule: ComposeRule, { message, matter }: { readonly message: ReceivedMessage; readonly matter: MatterReference }, { commands, ...options }: ComposeRuleActivityOptions): Promise<number | string> {
  const judgement = await judgeMessage(rule, message, options);
  if (judgement.kind === 'unfit') return judgement.reason;
  if (judgement.kind !== 'match') return 'the rule has changed: it does not match this message any more';
  try {
    const { compose } = await commands.request(judgement.request, { owner: ruleOwner(rule.name), cause: { rule: rule.name, ...matter, chain: judgement.chain } });
    return compose.id;
  } catch (error) {
    if (!isMillraceError(error) || errorTable[error.code].retryable) throw error;
    return error.message;
  }
}

function settingsOf({ debounce, retry, gateBefore: before, gateAfter: after, latest }: ComposeRule): RuleSettings {
  return { debounce, retry, gateBefore: before !== null, gateAfter: after !== null, named: latest !== null };
}

async function matchMessage(rule: ComposeRule, position: number, options: ComposeRuleActivityOptions): Promise<{ key: string; position: number; oldest: number; messages: number }> {
  const judgement = await judgeMessage(rule, await options.incoming.get(position), options);
  if (judgement.kind === 'match') return { key: judgement.match.key, position, oldest: position, messages: 1 };
  const reasons = { none: 'it does not match', loop: 'it is about a compose that the rule itself led to', unfit: judgement.kind === 'unfit' ? judgement.reason : '' };
  throw new MillraceError('invalid-request', asReason(`the rule ${rule.name} makes no compose of message ${position}: ${reasons[judgement.kind]}`));
}

async function askGate(rule: ComposeRule, matter: MatterReference, { when, composeId }: Parameters<ComposeRuleActivities['askGate']>[2], options: ComposeRuleActivityOptions): Promise<GateAnswer> {
  let gate: GateSettings | null;
  try {
    gate = await gateOf(rule, matter, when === 'before' ? null : composeId, options);
  } catch (error) {
    if (!isMillraceError(error) || error.code !== 'invalid-request') throw error;
    return { open: false, summary: asReason(error.message), patience: 0 };
  }
  if (gate === null) return { open: true, summary: 'the rule has no such gate', patience: 0 };
  try {
    const { open, summary } = await options.gates.decide(gate, Context.current().cancellationSignal);
    return { open, summary: asReason(summary), patience: gate.patience };
  } catch (error) {
    if (!isMillraceError(error) || !['source-unavailable', 'source-invalid', 'forbidden'].includes(error.code)) throw error;
    return { open: false, summary: asReason(error.message), patience: gate.patience };
  }
}

async function gateOf(rule: ComposeRule, matter: MatterReference, composeId: number | null, { incoming, reads, ...judge }: ComposeRuleActivityOptions): Promise<GateSettings | null> {
  const message = await incoming.get(matter.position);
  if (composeId !== null) return gateAfter(rule, message, { id: composeId, pungiComposeId: (await reads.get(composeId))?.pungiComposeId ?? null });
  const judgement = await judgeMessage(rule, message, judge);
  return judgement.kind === 'match' ? judgement.match.gateBefore : null;
}
