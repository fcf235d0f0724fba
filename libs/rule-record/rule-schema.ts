import { z } from 'zod';
import { errorMessage } from '../errors/error-message.js';
import type { ComposeRule, GateSettings } from '../compose-rules/compose-rule.js';
import { compileJsonPath } from '../compose-rules/json-path.js';
import { compilePattern } from '../compose-rules/linear-pattern.js';
import { checkTemplate } from '../compose-rules/templates.js';
import { gateSchema } from '../compose-gates/gate-schema.js';
import { nameSchema } from '../settings-file/common-schemas.js';

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

const ofMessage = readable((text) => checkTemplate(text, ['message']));

function check(context: z.core.$RefinementCtx<unknown>, texts: Iterable<string>, variables: readonly string[]): void {
  try {
    for (const text of texts) checkTemplate(text, variables);
  } catch (error) {
    context.addIssue({ code: 'custom', message: errorMessage(error) });
  }
}

const condition = z
  .strictObject({
    path: readable(compileJsonPath),
    equals: z.union([z.array(z.union([z.string(), z.number(), z.boolean(), z.null()])).min(1).max(1000), z.union([z.string(), z.number(), z.boolean(), z.null()]).transform((value) => [value])]).optional(),
    matches: readable(compilePattern).optional(),
    exists: z.boolean().optional(),
  })
  .refine(({ equals, matches, exists }) => [equals, matches, exists].filter((each) => each !== undefined).length === 1, 'a condition has a path, and one of equals, matches and exists')
  .transform(({ path, equals, matches, exists }) => ({ path, ...(equals === undefined ? {} : { equals }), ...(matches === undefined ? {} : { matches }), ...(exists === undefined ? {} : { exists }) }));

function gateWith(...variables: readonly string[]): z.ZodType<GateSettings, unknown> {
  return gateSchema.superRefine(({ productVersion, decisionContext, subjectType, subjectIdentifier }, context) => check(context, [productVersion, decisionContext, subjectType, subjectIdentifier], variables));
}

const request = z.record(z.string(), z.unknown()).superRefine((value, context) => check(context, textsIn(value), ['message']));

/** One rule of `MILLRACE_COMPOSE_RULES`. */
const ruleSchema = z
  .strictObject({
    name: nameSchema,
    buses: z.array(nameSchema).min(1).max(50),
    topics: z.array(topic).min(1).max(100).default(['#']),
    when: z.array(condition).max(50).default([]),
    key: ofMessage.default(''),
    debounce: z.strictObject({ quiet: z.number().min(0).max(day), longest: z.number().min(0).max(week) }).refine(({ quiet, longest }) => quiet <= longest, 'longest is at least quiet').default({ quiet: 10, longest: 300 }),
    request,
    latest: ofMessage.nullable().default(null),
    'gate-before': gateWith('message').nullable().default(null),
    'gate-after': gateWith('message', 'compose').nullable().default(null),
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
