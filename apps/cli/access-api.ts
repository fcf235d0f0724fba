import { z } from 'zod';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import type { ControlClient } from './control-client.js';

/** What the command line uses of `/v1/access`; keys that it does not know pass through to `--json`. */
const rolesSchema = z.record(z.string(), z.array(z.string()));
const quotaSchema = z.looseObject({ composes: z.number().nullable(), bytes: z.number().nullable(), secondsToLive: z.number().nullable() });
const useSchema = z.looseObject({ composes: z.number(), bytes: z.number() });
const whoAmISchema = z.looseObject({ name: z.string(), groups: z.array(z.string()), by: z.string(), scopes: z.array(z.string()).nullable(), roles: rolesSchema, quota: quotaSchema, use: useSchema });
const explanationSchema = z.looseObject({
  allowed: z.boolean(),
  reason: z.string().nullable(),
  client: z.string().nullable(),
  entries: z.array(z.looseObject({ entry: z.string(), refusals: z.array(z.looseObject({ attribute: z.string(), value: z.string() })) })),
  roles: rolesSchema,
  quota: quotaSchema,
  use: useSchema,
});

export type WhoAmI = z.infer<typeof whoAmISchema>;
export type AccessExplanation = z.infer<typeof explanationSchema>;

export interface AccessQuestion {
  readonly user: string;
  readonly groups: readonly string[];
  readonly request: object;
  /** Text of an access file. */
  readonly document?: string;
}

export async function whoAmI(client: ControlClient): Promise<WhoAmI> {
  return parsed(whoAmISchema, await client.json({ method: 'GET', path: '/v1/access' }));
}

export async function explainAccess(client: ControlClient, question: AccessQuestion): Promise<AccessExplanation> {
  return parsed(explanationSchema, await client.json({ method: 'POST', path: '/v1/access/explain', body: question }));
}

function parsed<Value>(schema: z.ZodType<Value>, answer: unknown): Value {
  const result = schema.safeParse(answer);
  if (result.success) return result.data;
  throw new MillraceError('internal', 'the service answered in a shape that this version does not know', { suggestion: 'Are command and service of the same version?' });
}
