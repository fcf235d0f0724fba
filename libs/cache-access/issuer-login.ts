import { createHash } from 'node:crypto';
import { decodeJwt, type JWTPayload } from 'jose';
import { LRUCache } from 'lru-cache';
import { checkedName, refusedLogin } from '../access/authentication/login-method.js';
import { createJsonRequests, type JsonRequestsOptions } from '../access/authentication/openid-connect/json-requests.js';
import { openidConnectSchema } from '../access/authentication/openid-connect/openid-connect-schema.js';
import { createProvider } from '../access/authentication/openid-connect/provider.js';
import { looksSigned, verifyToken } from '../access/authentication/openid-connect/verify-token.js';
import { callerName, type IssuerClaims } from './cache-identity.js';
import type { CacheIssuerSettings, CacheLoginSettings } from './cache-login-schema.js';

export interface IssuerLogin {
  /** Undefined: no token of an issuer that the file knows. Errors: `unauthorized`, `identity-unavailable`. */
  login(token: string): Promise<(IssuerClaims & { readonly name: string }) | undefined>;
  close(): Promise<void>;
}

export interface IssuerLoginOptions extends Omit<JsonRequestsOptions, 'timeoutMilliseconds' | 'caFile'> {
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Milliseconds that a verified token is believed without its signature being checked again: clients of caches ask thousands of times a minute. */
const believedFor = 60_000;
const rememberedTokens = 10_000;

/** Identity tokens of CI services: JWTs, verified by the keys that their issuer publishes. Errors: `invalid-setting`. */
export function createIssuerLogin(issuers: CacheLoginSettings['issuers'], options: IssuerLoginOptions): IssuerLogin {
  const known = new Map(Object.entries(issuers).map(([name, settings]) => [settings.issuer, openIssuer(name, settings, options)]));
  const verified = new LRUCache<string, { readonly claims: IssuerClaims & { readonly name: string }; readonly until: number }>({ max: rememberedTokens });

  return {
    async login(token) {
      const issuer = known.size === 0 || !looksSigned(token) ? undefined : known.get(saidIssuer(token) ?? '');
      if (issuer === undefined) return undefined;
      const key = createHash('sha256').update(token).digest('base64');
      const kept = verified.get(key);
      if (kept !== undefined && options.now() < kept.until) return kept.claims;
      const values = await issuer.verify(token);
      const subject = typeof values.sub === 'string' && values.sub !== '' ? values.sub : refuse('the token has no sub');
      const claims = { issuer: issuer.name, values, name: checkedName(callerName.claims(issuer.name, subject)) };
      verified.set(key, { claims, until: Math.min((values.exp ?? 0) * 1000, options.now() + believedFor) });
      return claims;
    },
    close: async () => void (await Promise.all([...known.values()].map((issuer) => issuer.close()))),
  };
}

interface Issuer {
  readonly name: string;
  verify(token: string): Promise<JWTPayload>;
  close(): Promise<void>;
}

function openIssuer(name: string, settings: CacheIssuerSettings, options: IssuerLoginOptions): Issuer {
  const openid = openidConnectSchema.parse(settings);
  const requests = createJsonRequests({ ...options, timeoutMilliseconds: openid['timeout-seconds'] * 1000, caFile: openid['ca-file'] });
  const provider = createProvider(openid, { requests, now: options.now });
  return { name, verify: (token) => verifyToken(token, openid, provider), close: () => requests.close() };
}

/** Only to find whose keys it has to be verified with. */
function saidIssuer(token: string): string | undefined {
  try {
    const { iss } = decodeJwt(token);
    return typeof iss === 'string' ? iss : undefined;
  } catch {
    return undefined;
  }
}

function refuse(reason: string): never {
  throw refusedLogin(reason);
}
