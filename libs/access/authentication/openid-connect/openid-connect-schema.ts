import { z } from 'zod';
import { absolutePath, secretSchema, urlSchema } from '../../../settings-file/common-schemas.js';

/** Public keys only: a secret that both sides know proves nothing about who made a token. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const;

const endpoint = urlSchema(/^https?:$/, 'https://id.example/keys').refine(isEncrypted, 'must be https: what it answers decides who is let in');
const claim = z.string().min(1).max(200);

/** Tokens of an OpenID provider (`Authorization: Bearer`). */
export const openidConnectSchema = z
  .strictObject({
    /** As tokens have it in `iss`, to the last slash. */
    issuer: endpoint,
    /** One of these must be in `aud`. */
    audience: z.array(z.string().min(1).max(1000)).min(1).max(20).optional(),
    /** Whether tokens that are JWTs are verified by the provider's keys. */
    keys: z.boolean().default(true),
    /** Of the key set; by discovery unless given. */
    'keys-url': endpoint.optional(),
    algorithms: z.array(z.enum(algorithms)).min(1).default(['RS256', 'PS256', 'ES256', 'EdDSA']),
    /** `typ` that tokens must have, such as at+jwt. */
    'token-type': z.string().min(1).max(100).optional(),
    'clock-skew-seconds': z.int().min(0).max(300).default(30),
    introspection: z
      .strictObject({
        url: endpoint.optional(),
        'client-id': z.string().min(1).max(1000),
        'client-secret': secretSchema,
        /** `opaque`: those that are no JWT; `all`: the others besides their keys, so that a token that was taken back is refused. */
        tokens: z.enum(['opaque', 'all']).default('opaque'),
      })
      .optional(),
    'required-scopes': z.array(z.string().min(1).max(500)).max(100).default([]),
    /** The first that a token has is the name. */
    'name-claims': z.array(claim).min(1).max(10).default(['preferred_username', 'sub', 'client_id']),
    'groups-claim': claim.default('groups'),
    /** Whether groups (and a name that the token lacks) are asked for at the provider's UserInfo. */
    'user-info': z.boolean().default(false),
    /** How long an answer of introspection or UserInfo is believed. */
    'cache-seconds': z.number().min(0).max(3600).default(30),
    'timeout-seconds': z.number().min(0.1).max(60).default(5),
    /** PEM: authorities trusted for the provider besides the well-known ones. */
    'ca-file': absolutePath.optional(),
  })
  .refine((oidc) => oidc.keys || oidc.introspection !== undefined, 'keys: false needs introspection')
  .refine((oidc) => !oidc.keys || oidc.audience !== undefined, 'audience is missing: without it a token that was given for another service would be taken');

export type OpenidConnectSettings = z.infer<typeof openidConnectSchema>;

export function isEncrypted(value: string): boolean {
  const url = URL.parse(value);
  return url?.protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(url?.hostname ?? '');
}
