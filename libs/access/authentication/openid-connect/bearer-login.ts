import { createHash } from 'node:crypto';
import type { JWTPayload } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Environment } from '../../../settings/settings.js';
import { credentialsOf, schemeOf } from '../control-login.js';
import type { FailedLogins } from '../failed-logins.js';
import type { LoginMethod } from '../login-method.js';
import { groupNames, refusedLogin } from '../login-method.js';
import { checkIntrospected, introspectToken } from './introspect-token.js';
import type { JsonRequests } from './json-requests.js';
import type { OpenidConnectSettings } from './openid-connect-schema.js';
import { createProvider } from './provider.js';
import { readUserInfo, type UserInfo } from './user-info.js';
import { looksSigned, verifyToken } from './verify-token.js';

export interface BearerLoginOptions {
  readonly environment: Environment;
  readonly requests: JsonRequests;
  /** Of tokens that the provider has to be asked about: nobody makes us ask it for ever. */
  readonly failures: FailedLogins;
  readonly now: () => number;
}

const tokenLimit = 16 * 1024;
const rememberedTokens = 10_000;

/** Tokens of an OpenID provider. */
export function createBearerLogin(settings: OpenidConnectSettings, { environment, requests, failures, now }: BearerLoginOptions): LoginMethod {
  const provider = createProvider(settings, { requests, now });
  const around = { provider, requests, environment };
  const { introspection } = settings;
  const introspected = rememberAnswers(settings['cache-seconds'], (token) => (introspection === undefined ? Promise.resolve(undefined) : introspectToken(token, introspection, around)));
  const userInfo = rememberAnswers(settings['cache-seconds'], (token) => readUserInfo(token, around));

  async function claimsOf(token: string, peerAddress: string): Promise<JWTPayload> {
    const signed = settings.keys && looksSigned(token);
    const claims = signed ? await verifyToken(token, settings, provider) : undefined;
    if (introspection === undefined) return claims ?? refuse('the token is no JWT, and introspection is not configured');
    if (claims !== undefined && introspection.tokens === 'opaque') return claims;
    // What is known asks nobody: whoever shares the address and fails on purpose does not lock others out.
    if (!introspected.knows(token)) failures.check(peerAddress);
    const answer = await introspected.ask(token);
    if (answer === undefined) {
      failures.note(peerAddress);
      return refuse('the provider says that the token is not in force');
    }
    return { ...checkIntrospected(answer, settings), ...claims };
  }

  return {
    by: 'bearer',
    challenge: 'Bearer realm="millrace"',
    async login({ authorization, peerAddress }) {
      if (schemeOf(authorization) !== 'bearer') return undefined;
      const token = credentialsOf(authorization);
      if (token.length > tokenLimit || !/^[A-Za-z0-9._~+/-]+=*$/.test(token)) return refuse('what was sent is no bearer token');
      const claims = await claimsOf(token, peerAddress);
      const scopes = scopesOf(claims);
      const missing = settings['required-scopes'].filter((scope) => !scopes.includes(scope));
      if (missing.length > 0) return refuse(`the token lacks the scopes ${missing.join(' ')}`);
      const user = settings['user-info'] ? ofSameSubject(await userInfo.ask(token), claims) : undefined;
      const name = firstText({ ...user, ...claims }, settings['name-claims']);
      if (name === undefined) return refuse(`the token has none of the claims ${settings['name-claims'].join(', ')}`);
      const group = settings['groups-claim'];
      return { name, groups: groupNames([claims[group] ?? [], user?.[group] ?? []].flat()), scopes };
    },
    close: () => requests.close(),
  };
}

interface RememberedAnswers<Answer> {
  ask(token: string): Promise<Answer | undefined>;
  /** Whether there is an answer, or one is on its way. */
  knows(token: string): boolean;
}

/** Answers are kept by the digest of the token: the memory of the service holds no tokens. */
function rememberAnswers<Answer extends object>(seconds: number, ask: (token: string) => Promise<Answer | undefined>): RememberedAnswers<Answer> {
  if (seconds === 0) return { ask, knows: () => false };
  const answers = new LRUCache<string, Promise<Answer | undefined>>({ max: rememberedTokens, ttl: seconds * 1000 });
  return {
    ask(token) {
      const key = digestOf(token);
      const known = answers.get(key);
      if (known !== undefined) return known;
      const asked = ask(token);
      answers.set(key, asked);
      asked.catch(() => answers.delete(key));
      return asked;
    },
    knows: (token) => answers.has(digestOf(token)),
  };
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}

function ofSameSubject(user: UserInfo | undefined, claims: JWTPayload): UserInfo | undefined {
  if (user !== undefined && claims.sub !== undefined && user.sub !== claims.sub) return refuse('UserInfo is of another subject than the token');
  return user;
}

/** `scope` of RFC 9068 and RFC 7662, or `scp` as some providers have it. */
function scopesOf(claims: JWTPayload): readonly string[] {
  const given = claims['scope'] ?? claims['scp'] ?? [];
  const list: readonly unknown[] = typeof given === 'string' ? given.split(' ') : Array.isArray(given) ? given : [];
  return [...new Set(list.filter((scope): scope is string => typeof scope === 'string' && scope !== ''))];
}

function firstText(claims: Readonly<Record<string, unknown>>, names: readonly string[]): string | undefined {
  return names.map((name) => claims[name]).find((value): value is string => typeof value === 'string' && value !== '');
}

function refuse(reason: string): never {
  throw refusedLogin(reason);
}
