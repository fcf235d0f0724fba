import { z } from 'zod';
import { openidConnectSchema } from '../access/authentication/openid-connect/openid-connect-schema.js';
import { nameSchema } from '../settings-file/common-schemas.js';

const tokenSchema = z.strictObject({
  /** Lower-case hex SHA-256 of the token: the file holds no secret. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits, as millrace cache token prints them'),
  expires: z.iso.datetime({ offset: true }).optional(),
});

const openid = openidConnectSchema.shape;

/** Identity tokens that a CI service gives to its jobs. */
const issuerSchema = z.strictObject({
  issuer: openid.issuer,
  /** Demanded here: a job's token for another service is no token for this one. */
  audience: openid.audience.unwrap(),
  'keys-url': openid['keys-url'],
  algorithms: openid.algorithms,
  'clock-skew-seconds': openid['clock-skew-seconds'],
  'timeout-seconds': openid['timeout-seconds'],
  'ca-file': openid['ca-file'],
});

/** `login` in the file of MILLRACE_CACHE: ways to be known to the cache alone; see docs/reference/artifact-cache-access.md. */
export const cacheLoginSchema = z.strictObject({
  tokens: z.record(nameSchema, tokenSchema).refine((tokens) => areDistinct(Object.values(tokens).map(({ sha256 }) => sha256)), 'two tokens have the same sha256').default({}),
  issuers: z.record(nameSchema, issuerSchema).refine((issuers) => areDistinct(Object.values(issuers).map(({ issuer }) => issuer)), 'two issuers have the same issuer').default({}),
});

export type CacheLoginSettings = z.infer<typeof cacheLoginSchema>;
export type CacheIssuerSettings = z.infer<typeof issuerSchema>;

function areDistinct(texts: readonly string[]): boolean {
  return new Set(texts).size === texts.length;
}
