import { isIP } from 'node:net';
import { z } from 'zod';
import { secretSchema } from '../../../settings-file/common-schemas.js';

const cidr = z.string().refine(isCidr, 'must be an address or a CIDR such as 10.1.0.0/16');
const header = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,64}$/, 'must be the name of a header field')
  .transform((name) => name.toLowerCase())
  .refine((name) => !['authorization', 'cookie', 'host', 'connection'].includes(name), 'must be a header field of the front end\'s own');

/** A proxy in front of the gateway that has authenticated the caller. */
export const frontEndSchema = z
  .strictObject({
    addresses: z.array(cidr).min(1).max(100),
    'user-header': header.optional(),
    /** Cut from names as `user@REALM`; names of other realms stay whole. */
    realm: z.string().min(1).max(255).optional(),
    'groups-header': header.optional(),
    'groups-separator': z.string().min(1).max(4).default(','),
    'scopes-header': header.optional(),
    /** Of a client certificate, as Apache's SSL_CLIENT_S_DN. */
    'certificate-subject-header': header.optional(),
    /** Must say SUCCESS, as Apache's SSL_CLIENT_VERIFY. */
    'certificate-verify-header': header.optional(),
    'secret-header': header.optional(),
    secret: secretSchema.optional(),
  })
  .refine((front) => front['user-header'] !== undefined || front['certificate-subject-header'] !== undefined, 'needs user-header or certificate-subject-header')
  .refine((front) => (front['certificate-subject-header'] === undefined) === (front['certificate-verify-header'] === undefined), 'certificate-subject-header and certificate-verify-header belong together')
  .refine((front) => (front['secret-header'] === undefined) === (front.secret === undefined), 'secret-header and secret belong together');

export type FrontEndSettings = z.infer<typeof frontEndSchema>;

function isCidr(value: string): boolean {
  const [address = '', length, ...rest] = value.split('/');
  const version = isIP(address);
  return version !== 0 && rest.length === 0 && (length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= (version === 4 ? 32 : 128)));
}
