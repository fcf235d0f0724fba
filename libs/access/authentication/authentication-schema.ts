import { z } from 'zod';
import { certificateNames, tlsListenerSchema } from './certificates/tls-listener-schema.js';
import { frontEndSchema } from './front-end/front-end-schema.js';
import { kerberosSchema } from './kerberos/kerberos-schema.js';
import { ldapGroupsSchema } from './ldap/ldap-groups-schema.js';
import { openidConnectSchema } from './openid-connect/openid-connect-schema.js';

/** See docs/reference/access.md. */
export const authenticationSchema = z
  .strictObject({
    /** The control credentials (`MILLRACE_CONTROL_AUTH`) by HTTP basic. */
    control: z.boolean().default(true),
    /** Whoever shows nothing is `unknown`. */
    anonymous: z.boolean().default(false),
    'openid-connect': openidConnectSchema.optional(),
    tls: tlsListenerSchema.optional(),
    /** What of a client certificate's subject is the name. */
    'certificate-name': z.enum(certificateNames).default('subject'),
    kerberos: kerberosSchema.optional(),
    'front-end': frontEndSchema.optional(),
    'ldap-groups': ldapGroupsSchema.optional(),
    /** Of one address; as many more may fail at once. */
    'failed-logins-per-minute': z.int().min(1).max(100_000).default(60),
  })
  .refine(someoneMayAsk, 'lets nobody in: with control: false, another way to log in or anonymous: true is needed');

export type AuthenticationSettings = z.infer<typeof authenticationSchema>;

function someoneMayAsk(settings: Readonly<Record<string, unknown>> & { readonly control: boolean; readonly anonymous: boolean; readonly tls?: { readonly 'client-certificates': string } | undefined }): boolean {
  const others = ['openid-connect', 'kerberos', 'front-end'].some((name) => settings[name] !== undefined);
  return settings.control || settings.anonymous || others || settings.tls?.['client-certificates'] === 'optional';
}
