import { createLocalJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import { checkedAnswer, unavailable, type JsonRequests } from './json-requests.js';
import { keepAnswer } from './kept-answer.js';
import type { OpenidConnectSettings } from './openid-connect-schema.js';
import { isEncrypted } from './openid-connect-schema.js';

/** Errors of all: `identity-unavailable`. */
export interface Provider {
  /** Key of a token's header; rejects with jose's errors where there is none. */
  readonly key: JWTVerifyGetKey;
  endpoint(name: 'introspection' | 'userinfo'): Promise<string>;
}

const endpoint = z.string().max(2000).refine(isEncrypted, 'must be https');
const metadataSchema = z.object({ issuer: z.string(), jwks_uri: endpoint.optional(), introspection_endpoint: endpoint.optional(), userinfo_endpoint: endpoint.optional() });
const keySetSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(200) });

const minute = 60_000;

export function createProvider(settings: OpenidConnectSettings, { requests, now }: { readonly requests: JsonRequests; readonly now: () => number }): Provider {
  const { issuer } = settings;
  const metadata = keepAnswer({ ask: readMetadata, now, freshFor: 60 * minute, keptFor: 24 * 60 * minute, notBefore: minute / 12 });
  // A key that the provider has withdrawn is believed no longer than this.
  const keySet = keepAnswer({ ask: readKeys, now, freshFor: 10 * minute, keptFor: 60 * minute, notBefore: minute / 2 });

  async function readMetadata(): Promise<z.infer<typeof metadataSchema>> {
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const { status, value } = await requests.get(url);
    if (status !== 200) throw unavailable(`${url} answers with HTTP ${status}`);
    const found = checkedAnswer(metadataSchema, value, url);
    if (found.issuer !== issuer) throw unavailable(`${url} is of the issuer ${JSON.stringify(found.issuer.slice(0, 300))}, not of ${issuer}`);
    return found;
  }

  async function readKeys(): Promise<JWTVerifyGetKey> {
    const url = settings['keys-url'] ?? (await metadata.get()).jwks_uri ?? missing('jwks_uri');
    const { status, value } = await requests.get(url);
    if (status !== 200) throw unavailable(`${url} answers with HTTP ${status}`);
    return createLocalJWKSet(checkedAnswer(keySetSchema, value, url));
  }

  function missing(name: string): never {
    throw unavailable(`the metadata of ${issuer} have no ${name}`);
  }

  return {
    async key(header, token) {
      try {
        return await (await keySet.get())(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
        // The provider may have a new key since.
        return (await keySet.renewed())(header, token);
      }
    },
    async endpoint(name) {
      const given = name === 'introspection' ? settings.introspection?.url : undefined;
      return given ?? (await metadata.get())[`${name}_endpoint`] ?? missing(`${name}_endpoint`);
    },
  };
}
