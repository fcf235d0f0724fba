import { defineEntity, p } from '@mikro-orm/postgresql';

const instant = () => p.datetime().columnType('timestamptz');

/** What the record knows of a rule, beside what its workflow does with it. Not a projection. */
export const ComposeRuleRow = defineEntity({
  name: 'ComposeRuleRow',
  tableName: 'compose_rules',
  properties: {
    name: p.text().primary(),
    /** Of the last message that it has looked at. */
    position: p.bigint('number').default(0),
    /** Up to here nothing is left to be done: where a workflow begins that knows nothing. */
    settledPosition: p.bigint('number').default(0),
    /** JSON, as the workflow counts. */
    counts: p.text().default('{}'),
    problem: p.text().nullable(),
    pausedBy: p.text().nullable(),
    pausedAt: instant().nullable(),
    /** Since when no settings have it. */
    retiredAt: instant().nullable(),
    createdAt: instant().defaultRaw('now()'),
  },
});

/** Which composes rules asked for, and why. Not a projection. */
export const RuleComposeRow = defineEntity({
  name: 'RuleComposeRow',
  tableName: 'rule_composes',
  properties: {
    composeId: p.bigint('number').primary().autoincrement(false),
    rule: p.text(),
    key: p.text(),
    /** Of the message that made the request. */
    position: p.bigint('number'),
    /** Empty, or which replay asked for it. */
    replay: p.text(),
    /** From 1; more when composes before it failed. */
    attempt: p.integer(),
    /** JSON list: names of the rules that led to it, its own last. */
    chain: p.text(),
    requestedAt: instant().defaultRaw('now()'),
  },
  uniques: [{ name: 'rule_composes_cause', properties: ['rule', 'key', 'position', 'replay', 'attempt'] }],
});
