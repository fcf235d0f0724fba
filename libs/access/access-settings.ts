import { z } from 'zod';
import { authenticationSchema } from './authentication/authentication-schema.js';
import { authorizationSchema } from './authorization/authorization-schema.js';

/** The file that `MILLRACE_ACCESS` names: `authentication` says who callers are, `authorization` what they may do. */
const accessSchema = z.strictObject({ authentication: authenticationSchema.prefault({}), authorization: authorizationSchema.prefault({}) });

export type AccessSettings = z.infer<typeof accessSchema>;

export const accessSettingsFile = { schema: accessSchema, variable: 'MILLRACE_ACCESS', page: 'docs/reference/access.md' } as const;
