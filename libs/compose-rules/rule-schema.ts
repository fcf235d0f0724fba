import { z } from 'zod';
import { errorMessage } from '../errors/error-message.js';
import type { ComposeRule, GateSettings } from './compose-rule.js';
import { compileJsonPath } from './json-path.js';
import { compilePattern } from './patterns/linear-pattern.js';
import { checkTemplate } from './templates.js';

/** As `name` and `buses` have them. */
const name = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be 1 to 63 of a-z, 0-9, ".", "_" and "-", the first a letter or digit');
const topic = z.string().min(1).max(255);
const day = 86_400;
const week = 7 * day;

/** Refused in words by whatever reads it. */
function readable(read: (text: string) => unknown): z.ZodType<string, string> {
  return z.string().superRefine((text, context) => {
    try {
      read(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: errorMessage(error) });
    }
  });
}

const template = (...variables: readonly string[]): z.ZodType<string, string> => readable((text) => checkTemplate(text, variables));
const ofMessage = template('message');

const condition = z
  .strictObject({
    path: readable(compileJsonPath),
    equals: z.union([z.array(z.union([z.string(), z.number(), z.boolean(), z.null()])).min(1).max(1000), z.union([z.string(), z.number(), z.boolean(), z.null()]).transform((value) => [value])]).optional(),
    matches: readable(compilePattern).optional(),
    exists: z.boolean().optional(),
  })
  .refine(({ equals, matches, exists }) => [equals, matches, exists].filter((each) => each !== undefined).length === 1, 'a condition has a path, and one of equals, matches and exists')
  .transform(({ path, equals, matches, exists }) => ({ path, ...(equals === undefined ? {} : { equals }), ...(matches === undefined ? {} : { matches }), ...(exists === undefined ? {} : { exists }) }));

function gate(text: z.ZodType<string, string>): z.ZodType<GateSettings> {
  return z
    .strictObject({
      url: z.url({ protocol: /^https?$/ }).regex(/^[a-z]+:\/\/[^/@]*(\/|$)/i, 'must have no user and password'),
      'product-version': text,
      'decision-context': text,
      'subject-type': text,
      'subject-identifier': text,
      patience: z.int().min(0).max(30 * day).default(3600),
    })
    .transform((given) => ({
      url: given.url.replace(/\/+$/, ''),
      productVersion: given['product-version'],
      decisionContext: given['decision-context'],
      subjectType: given['subject-type'],
      subjectIdentifier: given['subject-identifier'],
      patience: given.patience,
    }));
}

const request = z.record(z.string(), z.unknown()).superRefine((value, context) => {
  try {
    for (const text of textsIn(value)) checkTemplate(text, ['message']);
  } catch (error) {
    context.addIssue({ code: 'custom', message: errorMessage(error) });
  }
});

/** One rule of `MILLRACE_COMPOSE_RULES`. */
const ruleSchema = z
  .strictObject({
    name,
    buses: z.array(name).min(1).max(50),
    topics: z.array(topic).min(1).max(100).default(['#']),
    when: z.array(condition).max(50).default([]),
    key: ofMessage.default(''),
    debounce: z.strictObject({ quiet: z.number().min(0).max(day), longest: z.number().min(0).max(week) }).refine(({ quiet, longest }) => quiet <= longest, 'longest is at least quiet').default({ quiet: 10, longest: 300 }),
    request,
    latest: ofMessage.nullable().default(null),
    'gate-before': gate(ofMessage).nullable().default(null),
    'gate-after': gate(template('message', 'compose')).nullable().default(null),
    retry: z.strictObject({ times: z.int().min(0).max(10), wait: z.number().min(1).max(day).default(60) }).default({ times: 0, wait: 60 }),
  })
  .transform((rule): ComposeRule => ({
    name: rule.name,
    buses: rule.buses,
    topics: rule.topics,
    when: rule.when,
    key: rule.key,
    debounce: rule.debounce,
    request: rule.request,
    latest: rule.latest,
    gateBefore: rule['gate-before'],
    gateAfter: rule['gate-after'],
    retry: rule.retry,
  }));

/** All rules of a file, each name once. */
export const rulesSchema: z.ZodType<readonly ComposeRule[]> = z
  .array(ruleSchema)
  .max(200)
  .superRefine((rules, context) => {
    for (const [index, rule] of rules.entries()) {
      if (rules.findIndex((other) => other.name === rule.name) !== index) context.addIssue({ code: 'custom', path: [index, 'name'], message: `is the name of another rule: ${rule.name}` });
    }
  });

function* textsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) yield* textsIn(item);
}
