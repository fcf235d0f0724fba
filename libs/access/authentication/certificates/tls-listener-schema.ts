import { z } from 'zod';
import { absolutePath, secretSchema } from '../../../settings-file/common-schemas.js';

export const certificateNames = ['subject', 'common-name'] as const;

/** TLS on the gateway's own port. */
export const tlsListenerSchema = z
  .strictObject({
    /** PEM: the server's certificate and those between it and a root. */
    'certificate-file': absolutePath,
    'key-file': absolutePath,
    'key-passphrase': secretSchema.optional(),
    'minimum-version': z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2'),
    'client-certificates': z.enum(['none', 'optional']).default('none'),
    /** PEM: who signs certificates of clients. */
    'client-authorities-file': absolutePath.optional(),
    /** PEM: revocation lists, one of each of these authorities. */
    'revocation-lists-file': absolutePath.optional(),
  })
  .refine((tls) => tls['client-certificates'] === 'none' || tls['client-authorities-file'] !== undefined, 'client-certificates: optional needs client-authorities-file')
  .refine((tls) => tls['revocation-lists-file'] === undefined || tls['client-certificates'] === 'optional', 'revocation-lists-file is for client-certificates: optional');

export type TlsListenerSettings = z.infer<typeof tlsListenerSchema>;
