import { composeNamePattern } from '../compose/compose-name-pattern.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { BusMessage } from './bus-message.js';
import type { ComposeRule, GateSettings, RuleCondition, RuleMatch } from './compose-rule.js';
import { findValues } from './json-path.js';
import { matchTopic } from './match-topic.js';
import { compilePattern, type StepBudget } from './linear-pattern.js';
import { renderText, renderValue, type TemplateScope } from './templates.js';

/** Characters of a key, and of a topic that anybody looks at. */
const longestKey = 200;
const longestTopic = 1000;
/** Of a message's body. */
const deepestBody = 64;
const mostValues = 50_000;
/** Of regular expressions, for one rule and one message. */
const steps = 4_000_000;

/**
 * Whether the rule is meant: its buses, topics and conditions. Costs no more than the size of the message times that of the rule. Errors: `invalid-request` for a
 * message that is too much for it.
 */
export function ruleApplies(rule: ComposeRule, message: BusMessage): boolean {
  if (!rule.buses.includes(message.bus) || message.topic.length > longestTopic) return false;
  if (!rule.topics.some((pattern) => matchTopic(pattern, message.topic))) return false;
  if (rule.when.length > 0) checkBody(message.body);
  const budget: StepBudget = { left: steps };
  return rule.when.every((condition) => holds(condition, message.body, budget));
}

/** What the templates of the rule make of the message; undefined: the rule is not meant. Errors: `invalid-request`. */
export function matchRule(rule: ComposeRule, message: BusMessage): RuleMatch | undefined {
  if (!ruleApplies(rule, message)) return undefined;
  checkBody(message.body);
  const scope = scopeOf(message);
  return {
    key: readKey(renderText(rule.key, scope)),
    latest: rule.latest === null ? null : readName(renderText(rule.latest, scope)),
    request: renderValue(rule.request, scope) as RuleMatch['request'],
    gateBefore: rule.gateBefore === null ? null : renderGate(rule.gateBefore, scope),
  };
}

/** The gate that a compose has to pass before a name points at it. Errors: `invalid-request`. */
export function gateAfter(rule: ComposeRule, message: BusMessage, compose: NonNullable<TemplateScope['compose']>): GateSettings | null {
  return rule.gateAfter === null ? null : renderGate(rule.gateAfter, { ...scopeOf(message), compose });
}

function scopeOf({ bus, id, topic, body }: BusMessage): TemplateScope {
  return { message: { bus, id, topic, body } };
}

function renderGate(gate: GateSettings, scope: TemplateScope): GateSettings {
  return {
    ...gate,
    productVersion: renderText(gate.productVersion, scope),
    decisionContext: renderText(gate.decisionContext, scope),
    subjectType: renderText(gate.subjectType, scope),
    subjectIdentifier: renderText(gate.subjectIdentifier, scope),
  };
}

function holds({ path, equals, matches, exists }: RuleCondition, body: unknown, budget: StepBudget): boolean {
  const values = findValues(path, body, budget);
  if (exists !== undefined) return values.length > 0 === exists;
  if (equals !== undefined) return values.some((value) => equals.includes(value));
  return values.some((value) => typeof value === 'string' && matches !== undefined && compilePattern(matches).test(value, 'match', budget));
}

function readKey(key: string): string {
  if (key.length > longestKey) throw new MillraceError('invalid-request', `the key is longer than ${longestKey} characters`);
  if (/\p{C}/u.test(key)) throw new MillraceError('invalid-request', 'the key has characters that cannot be seen');
  return key;
}

function readName(name: string): string {
  if (composeNamePattern.test(name)) return name;
  throw new MillraceError('invalid-request', `latest becomes ${JSON.stringify(name.slice(0, 150))}, which is no name: lower-case letters, digits, ".", "_" and "-", up to 128`);
}

const checked = new WeakSet<object>();

/** Once for all rules that look at it. */
function checkBody(body: unknown): void {
  if (typeof body !== 'object' || body === null || checked.has(body)) return;
  const open: [value: object, depth: number][] = [[body, 1]];
  let values = 1;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [value, depth] = next;
    if (depth > deepestBody) throw new MillraceError('invalid-request', `the message is more than ${deepestBody} deep`);
    for (const item of Object.values(value) as unknown[]) {
      values += 1;
      if (typeof item === 'object' && item !== null) open.push([item, depth + 1]);
    }
    if (values > mostValues) throw new MillraceError('invalid-request', `the message has more than ${mostValues} values`);
  }
  checked.add(body);
}
