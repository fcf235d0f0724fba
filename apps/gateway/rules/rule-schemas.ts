import { z } from 'zod';
import { composeRequest } from '../composes/compose-schemas.js';

/** The shapes of `/v1/rules`, one source for validation, types and the OpenAPI document. */
const time = z.iso.datetime({ offset: true });
const position = z.int().min(0);
const count = z.int().min(0);

const counts = z
  .object({
    matched: count.describe('Messages.'),
    requested: count.describe('Composes asked for.'),
    failed: count.describe('Composes that failed.'),
    done: count.describe('Composes that are done, and passed the gate after them.'),
    refused: count.describe('Given up because a gate stayed closed.'),
    parked: count.describe('Messages that no request could be made of.'),
    loops: count.describe('Messages about composes that the rule itself had led to; left out.'),
  })
  .meta({ id: 'RuleCounts' });

const summary = {
  name: z.string(),
  state: z.enum(['active', 'paused', 'retired']).describe('`retired`: no settings have it any more.'),
  position: position.describe('Of the last message that it has looked at.'),
  behind: count.describe('Messages that it has not looked at.'),
  counts,
  problem: z.string().nullable().describe('The last that went wrong.'),
  pausedAt: time.nullable(),
  pausedBy: z.string().nullable(),
  retiredAt: time.nullable(),
  links: z.object({ self: z.string(), workflow: z.string().nullable().describe('The rule in the Temporal UI; null when its address is not known.') }).meta({ id: 'RuleLinks' }),
};
export const rule = z.object(summary).meta({ id: 'Rule' });
export const ruleList = z.object({ items: z.array(rule) }).meta({ id: 'RuleList' });

const matter = z
  .object({
    key: z.string(),
    state: z.enum(['waiting', 'gate-before', 'composing', 'gate-after']),
    position: position.describe('Of its newest message.'),
    messages: count,
    composeId: z.int().nullable(),
    attempt: z.int().min(1),
  })
  .meta({ id: 'RuleMatter' });
const ruleCompose = z
  .object({
    composeId: z.int().min(1),
    key: z.string(),
    position: position.describe('Of the message that made the request.'),
    replay: z.string().describe('Empty, or which replay asked for it.'),
    attempt: z.int().min(1),
    chain: z.array(z.string()).describe('The rules that led to it, its own last.'),
    requestedAt: time,
  })
  .meta({ id: 'RuleCompose' });
export const ruleDetail = z
  .object({
    ...summary,
    matters: z.array(matter).nullable().describe('What is under way; null when the workflow engine does not answer.'),
    composes: z.array(ruleCompose).describe('The last 20.'),
    settings: z.looseObject({}).nullable().describe('As this gateway has read them; null where it has no such rule.'),
  })
  .meta({ id: 'RuleDetail' });

export const replayRequest = z
  .strictObject({ since: time.optional().describe('All messages since this time.'), position: z.int().min(1).optional().describe('One message.') })
  .refine(({ since, position: one }) => (since === undefined) !== (one === undefined), 'give either since or position')
  .meta({ id: 'RuleReplay' });

const message = z
  .strictObject({ bus: z.string().min(1).max(63), topic: z.string().max(1000), body: z.unknown(), id: z.string().max(500).default('dry-run') })
  .meta({ id: 'DryRunMessage' });
export const dryRunRequest = z
  .strictObject({
    message: message.optional().describe('Instead of kept messages.'),
    hours: z.number().positive().max(24 * 365).optional().describe('Kept messages of the last hours; 24 unless told.'),
    rules: z.array(z.unknown()).max(200).optional().describe('Instead of the rules of the service: as `rules` in the file.'),
    rule: z.string().max(63).optional().describe('Only this one.'),
  })
  .refine(({ message: given, hours }) => given === undefined || hours === undefined, 'give either message or hours')
  .meta({ id: 'DryRunRequest' });

const sample = z
  .object({
    kind: z.enum(['match', 'unfit', 'loop']),
    position: position.nullable().describe('Null for a message that was posted.'),
    topic: z.string(),
    key: z.string().nullable(),
    latest: z.string().nullable(),
    request: composeRequest.nullable(),
    reason: z.string().nullable().describe('Why no compose would be asked for.'),
  })
  .meta({ id: 'DryRunSample' });
const ruleRun = z
  .object({ rule: z.string(), matched: count, composes: count.describe('How many composes they would have become, if each took no time.'), unfit: count, loops: count, samples: z.array(sample).describe('The last 20.') })
  .meta({ id: 'DryRunOfRule' });
export const dryRun = z
  .object({ looked: count.describe('Messages.'), complete: z.boolean().describe('False: there were too many; the first ones were looked at.'), rules: z.array(ruleRun) })
  .meta({ id: 'DryRun' });

export type RuleView = z.infer<typeof rule>;
export type RuleDetailView = z.infer<typeof ruleDetail>;
export type DryRunRequest = z.infer<typeof dryRunRequest>;
export type DryRunView = z.infer<typeof dryRun>;
export type DryRunOfRule = DryRunView['rules'][number];
