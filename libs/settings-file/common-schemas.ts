import path from 'node:path';
import { z } from 'zod';

export const absolutePath = z.string().refine((value) => path.isAbsolute(value), 'must be an absolute path');
const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable');

/** A secret is never written in a file of settings: a file of its own or an environment variable holds it. */
export const secretSchema = z.union([z.strictObject({ file: absolutePath }), z.strictObject({ env: variable })], { error: 'must be file: <absolute path> or env: <variable>' });
export type SecretPlace = z.infer<typeof secretSchema>;

/** How another server is spoken to over TLS. */
export const tlsSchema = z
  .strictObject({
    'ca-file': absolutePath.optional(),
    'certificate-file': absolutePath.optional(),
    'key-file': absolutePath.optional(),
    'key-passphrase': secretSchema.optional(),
    /** Name that the server's certificate must have, when it is not the host of the URL. */
    'server-name': z.string().min(1).optional(),
  })
  .refine((tls) => (tls['certificate-file'] === undefined) === (tls['key-file'] === undefined), 'certificate-file and key-file belong together');
export type TlsSettings = z.infer<typeof tlsSchema>;

export const nameSchema = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be 1 to 63 of a-z, 0-9, ".", "_" and "-", the first a letter or digit');

/** Users and passwords have keys of their own, because URLs are logged. */
export function urlSchema(schemes: RegExp, example: string): z.ZodType<string, string> {
  return z
    .string()
    .refine((value) => schemes.test(URL.parse(value)?.protocol ?? ''), `must be a URL such as ${example}`)
    .refine((value) => !hasLogin(value), 'must not hold a user or a password: write username and password');
}

function hasLogin(value: string): boolean {
  const url = URL.parse(value);
  return url !== null && (url.username !== '' || url.password !== '');
}
