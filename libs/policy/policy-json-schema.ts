import { z } from 'zod';
import { policySchema } from './policy-schema.js';

/** JSON Schema (2020-12) of the form in which policy documents are written; docs/reference/policy.schema.json is this, and a spec keeps it so. */
export function policyJsonSchema(): object {
  return z.toJSONSchema(policySchema, { io: 'input', target: 'draft-2020-12' });
}
