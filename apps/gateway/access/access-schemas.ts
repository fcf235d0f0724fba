import { z } from 'zod';
import { composeAttributes } from '../../../libs/access/authorization/authorization-schema.js';
import { capabilities, roles } from '../../../libs/access/principal.js';

const heldRoles = z.object(Object.fromEntries(capabilities.map((capability) => [capability, z.array(z.enum(roles))]))).meta({ id: 'AccessRoles', description: 'Of each capability, lowest first.' });
const quota = z
  .object({
    composes: z.int().nullable().describe('That wait or are generated at once; null: as many as one likes.'),
    bytes: z.int().nullable().describe('In the files of composes that are kept.'),
    secondsToLive: z.int().nullable().describe('Longest life of a compose; the maximum of the service holds besides.'),
  })
  .meta({ id: 'AccessQuota' });
const use = z.object({ composes: z.int(), bytes: z.int() }).meta({ id: 'AccessUse', description: 'What of the quota is taken.' });

export const whoAmI = z
  .object({ name: z.string(), groups: z.array(z.string()), by: z.enum(['none', 'control', 'bearer', 'certificate', 'kerberos', 'front-end']).describe('How the name was proven.'), scopes: z.array(z.string()).nullable(), roles: heldRoles, quota, use })
  .meta({ id: 'WhoAmI' });
export type WhoAmI = z.infer<typeof whoAmI>;

export const explainRequest = z
  .strictObject({
    user: z.string().min(1).max(512),
    groups: z.array(z.string().min(1).max(512)).max(5000).default([]),
    request: z.looseObject({}).describe('The body of POST /api/1/composes/.'),
    document: z.string().max(1_000_000).optional().describe('YAML of another access file than the one in force.'),
  })
  .meta({ id: 'ExplainAccessRequest' });

export const accessExplanation = z
  .object({
    allowed: z.boolean(),
    reason: z.string().nullable().describe('What the caller would be told, with status 403; null: nothing is refused.'),
    client: z.string().nullable().describe('What of the settings makes the user a client of composes.'),
    entries: z.array(z.object({ entry: z.string(), refusals: z.array(z.object({ attribute: z.enum(composeAttributes as [string, ...string[]]), value: z.string() })) })).describe('Each that was asked, in order; the last one of an allowed request allows it.'),
    roles: heldRoles,
    quota,
    use,
  })
  .meta({ id: 'AccessExplanation' });
export type AccessExplanationView = z.infer<typeof accessExplanation>;
