import { z } from 'zod';
import { secretSchema, tlsSchema, urlSchema } from '../../../settings-file/common-schemas.js';

const seconds = (most: number): z.ZodNumber => z.number().min(0).max(most);

/** Groups of callers from a directory. */
export const ldapGroupsSchema = z
  .strictObject({
    url: urlSchema(/^ldaps?:$/, 'ldaps://directory.example'),
    'start-tls': z.boolean().default(false),
    tls: tlsSchema.optional(),
    'bind-dn': z.string().min(1).max(1000).optional(),
    'bind-password': secretSchema.optional(),
    /** Looked through one level deep; `cn` of what is found are the groups. */
    searches: z
      .array(z.strictObject({ base: z.string().max(1000), filter: z.string().min(3).max(2000).refine((filter) => /\{user(?:-in-dn)?\}/.test(filter), 'must have {user} or {user-in-dn} where the name goes') }))
      .min(1)
      .max(20),
    /** Whose names the directory knows. */
    for: z.array(z.enum(['bearer', 'certificate', 'kerberos', 'front-end'])).min(1).default(['bearer', 'kerberos', 'front-end']),
    'when-unavailable': z.enum(['refuse', 'no-groups']).default('refuse'),
    'timeout-seconds': seconds(60).min(0.1).default(5),
    'cache-seconds': seconds(3600).default(60),
  })
  .refine((ldap) => (ldap['bind-dn'] === undefined) === (ldap['bind-password'] === undefined), 'bind-dn and bind-password belong together')
  .refine((ldap) => !ldap['start-tls'] || ldap.url.startsWith('ldap:'), 'start-tls is for ldap: URLs')
  .refine((ldap) => ldap['bind-password'] === undefined || ldap['start-tls'] || ldap.url.startsWith('ldaps:'), 'bind-password needs ldaps: or start-tls, or it would cross the network in the clear');

export type LdapGroupsSettings = z.infer<typeof ldapGroupsSchema>;
