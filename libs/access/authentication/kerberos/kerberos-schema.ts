import { z } from 'zod';
import { absolutePath } from '../../../settings-file/common-schemas.js';

/** Kerberos by SPNEGO (`Authorization: Negotiate`). */
export const kerberosSchema = z.strictObject({
  'keytab-file': absolutePath,
  /** Cut from names as `user@REALM`; callers of other realms are refused unless `other-realms` names theirs, and keep it in their names. */
  realm: z.string().min(1).max(255),
  'other-realms': z.array(z.string().min(1).max(255)).max(100).default([]),
  /** Service principals that tickets may be for, without the realm; default: `HTTP/` with any host that the keytab has a key of. */
  services: z.array(z.string().regex(/^[^/@\s]+\/[^/@\s]+$/, 'must be as HTTP/host.example')).min(1).max(100).optional(),
  /** krb5.conf, where it is not the system's. */
  'configuration-file': absolutePath.optional(),
  /** The built native module, where it is not in node_modules. */
  'module-file': absolutePath.optional(),
});

export type KerberosSettings = z.infer<typeof kerberosSchema>;
