import { z } from 'zod';
import { authenticationSchema } from './authentication/authentication-schema.js';
import { authorizationSchema } from './authorization/authorization-schema.js';

/** The file that `MILLRACE_ACCESS` names: `authentication` says who callers are, `authorization` what they may do. */
const accessSchema = z.strictObject({ authentication: authenticationSchema.prefault({}), authorization: authorizationSchema.prefault({}) }).superRefine(({ authentication, authorization }, context) => {
  const { allowed_clients: clients, admins } = authorization.composes;
  const named = [clients.users, clients.groups, admins.users, admins.groups].some((some) => Object.keys(some).length > 0);
  // As in ODCS's NoAuth mode: whoever shows nothing has every role, and clients could leave their own limits by that.
  if (authentication.anonymous && named) context.addIssue({ code: 'custom', path: ['authorization', 'composes'], message: 'names clients or admins, but authentication.anonymous lets everybody do everything with composes' });
});

export type AccessSettings = z.infer<typeof accessSchema>;

export const accessSettingsFile = { schema: accessSchema, variable: 'MILLRACE_ACCESS', page: 'docs/reference/access.md' } as const;
