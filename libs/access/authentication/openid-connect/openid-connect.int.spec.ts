import { createHmac, createPublicKey, createSign, generateKeyPairSync } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { importJWK, SignJWT, type JWTPayload } from 'jose';
import { openidResource, startOpenidProvider, type TestOpenidProvider } from '../../../testing/start-openid-provider.js';
import type { AuthenticatedCaller, Authenticator } from '../../authenticator.js';
import { authenticatorOptions, credentials } from '../__fixtures__/credentials.js';
import { authenticationSchema } from '../authentication-schema.js';
import { createAuthenticator, type TriedLogin } from '../create-authenticator.js';

let provider: TestOpenidProvider;
const opened: Authenticator[] = [];
const logins: TriedLogin[] = [];

beforeAll(async () => {
  // The provider warns of what suits nothing but specs.
  for (const level of ['warn', 'info'] as const) jest.spyOn(console, level).mockImplementation(() => undefined);
  provider = await startOpenidProvider();
});
afterEach(async () => {
  provider.instead = undefined;
  logins.length = 0;
  for (const each of opened.splice(0)) await each.close();
});
afterAll(async () => provider[Symbol.asyncDispose]());

const introspection = { 'client-id': openidResource.id, 'client-secret': { env: 'OIDC_SECRET' } };

async function open(changes: object = {}, now?: () => number): Promise<(token: string) => Promise<AuthenticatedCaller | undefined>> {
  const settings = authenticationSchema.parse({ 'openid-connect': { issuer: provider.issuer, audience: ['millrace'], 'timeout-seconds': 2, ...changes }, anonymous: true, 'failed-logins-per-minute': 5 });
  const authenticator = await createAuthenticator(settings, authenticatorOptions({ environment: { OIDC_SECRET: openidResource.secret, WRONG: 'wrong' }, onLogin: (login) => void logins.push(login), ...(now === undefined ? {} : { now }) }));
  opened.push(authenticator);
  expect(authenticator.backend).toBe('openidc');
  return (token) => authenticator.authenticate(credentials({ authorization: `Bearer ${token}` }));
}

async function signed(claims: JWTPayload, header: { readonly kid?: string; readonly typ?: string } = {}): Promise<string> {
  const key = provider.key();
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ iss: provider.issuer, aud: 'millrace', sub: 'builder', exp: now + 600, iat: now, ...claims }).setProtectedHeader({ alg: 'ES256', kid: key.kid ?? '', ...header }).sign(await importJWK(key, 'ES256'));
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const inAnHour = (): number => Math.floor(Date.now() / 1000) + 3600;

describe('a token that the provider signed', () => {
  it('proves the client that got it, with its scopes, as an anonymous service too', async () => {
    const login = await open();
    expect(await login(await provider.token({ scope: 'new-compose read' }))).toEqual({ principal: { name: 'builder', groups: [], by: 'bearer', scopes: ['new-compose', 'read'] } });
    expect(logins).toMatchObject([{ by: 'bearer', outcome: 'accepted' }]);
  });

  it('proves a user by the claims that the settings name, with groups, and whatever is odd left out', async () => {
    const login = await open();
    expect(await login(await signed({ preferred_username: 'bob', groups: ['packagers', 7, 'packagers', '', null], scope: 'a  b a' }))).toEqual({ principal: { name: 'bob', groups: ['packagers'], by: 'bearer', scopes: ['a', 'b'] } });
    expect(await login(await signed({ scp: ['x', 1] }))).toMatchObject({ principal: { name: 'builder', scopes: ['x'] } });
    const bySubject = await open({ 'name-claims': ['sub'], 'groups-claim': 'roles' });
    expect(await bySubject(await signed({ preferred_username: 'bob', roles: 'one' }))).toMatchObject({ principal: { name: 'builder', groups: ['one'] } });
  });

  it.each([
    ['of another audience', (): Promise<string> => provider.token({ audience: 'elsewhere' }), /"aud"/],
    ['without an audience', (): Promise<string> => signed({ aud: undefined }), /"aud"/],
    ['of another issuer', (): Promise<string> => signed({ iss: 'https://other.test' }), /"iss"/],
    ['that has expired', (): Promise<string> => signed({ exp: Math.floor(Date.now() / 1000) - 31 }), /"exp"/],
    ['that never expires', (): Promise<string> => signed({ exp: undefined }), /"exp"/],
    ['that is not in force yet', (): Promise<string> => signed({ nbf: Math.floor(Date.now() / 1000) + 120 }), /"nbf"/],
    ['without a name', (): Promise<string> => signed({ sub: '' }), /none of the claims/],
    ['of somebody called unknown', (): Promise<string> => signed({ preferred_username: 'Unknown' }), /stand for nobody/],
    ['with a name of several lines', (): Promise<string> => signed({ preferred_username: 'bob\nroot' }), /control characters/],
    ['of a key that the provider does not have', (): Promise<string> => signed({}, { kid: 'other' }), /no applicable key/],
  ])('is refused %s, and the log says why', async (_name, token, reason) => {
    const login = await open();
    const error = await login(await token()).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'unauthorized', message: 'the credentials are wrong or expired' });
    expect(logins).toMatchObject([{ outcome: 'refused', reason: expect.stringMatching(reason) }]);
  });

  it('is taken within the skew of clocks', async () => {
    const login = await open();
    const now = Math.floor(Date.now() / 1000);
    expect(await login(await signed({ exp: now - 15, nbf: now + 15 }))).toMatchObject({ principal: { name: 'builder' } });
  });

  it('needs the scopes and the type that the settings demand', async () => {
    const login = await open({ 'required-scopes': ['new-compose', 'read'], 'token-type': 'at+jwt' });
    expect(await login(await provider.token({ scope: 'new-compose read' }))).toMatchObject({ principal: { name: 'builder' } });
    await expect(login(await provider.token({ scope: 'new-compose' }))).rejects.toMatchObject({ code: 'unauthorized' });
    await expect(login(await signed({ scope: 'new-compose read' }, { typ: 'JWT' }))).rejects.toMatchObject({ code: 'unauthorized' });
  });
});

describe('a token that the provider did not sign', () => {
  it('is refused, however it is made', async () => {
    const login = await open({ algorithms: ['RS256', 'ES256'] });
    const real = await provider.token();
    const [head = '', body = '', signature = ''] = real.split('.');
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const claims = { iss: provider.issuer, aud: 'millrace', sub: 'root', exp: inAnHour() };
    const kid = provider.key().kid;
    const { crv, kty, x, y } = provider.key();
    const publicPem = createPublicKey({ key: { crv, kty, x, y }, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
    const sign = (header: object, by: (input: string) => Buffer): string => `${part(header)}.${part(claims)}.${by(`${part(header)}.${part(claims)}`).toString('base64url')}`;
    const byStranger = (input: string): Buffer => createSign('sha256').update(input).sign({ key: stranger.privateKey, dsaEncoding: 'ieee-p1363' });
    const forged: Record<string, string> = {
      'without a signature': `${head}.${body}.`,
      'alg none': `${part({ alg: 'none' })}.${part(claims)}.`,
      'alg None': `${part({ alg: 'None', kid })}.${part(claims)}.`,
      'other claims under a signature': `${head}.${part({ ...claims, scope: 'everything' })}.${signature}`,
      'the public key as a secret': sign({ alg: 'HS256', kid }, (input) => createHmac('sha256', publicPem).update(input).digest()),
      'the signature of a stranger': sign({ alg: 'ES256', kid }, byStranger),
      'a key of its own in the header': sign({ alg: 'ES256', jwk: stranger.publicKey.export({ format: 'jwk' }) }, byStranger),
      'a key of its own by URL': sign({ alg: 'ES256', kid, jku: 'http://127.0.0.1:1/keys' }, byStranger),
      'an unknown critical header': sign({ alg: 'ES256', kid, crit: ['exp2'], exp2: 1 }, byStranger),
      'the all-zero signature': `${part({ alg: 'ES256', kid })}.${part(claims)}.${Buffer.alloc(64).toString('base64url')}`,
      'encrypted': `${part({ alg: 'dir', enc: 'A128GCM' })}..a.b.c`,
      'a header that is an array': `${part([1])}.${body}.${signature}`,
      'opaque': 'abcdef',
      'nothing': '',
      'two tokens': `${real}, ${real}`,
      'too long': `${'a'.repeat(20_000)}`,
      'not of the alphabet': 'a\u00e4b',
    };
    for (const [name, token] of Object.entries(forged)) {
      const outcome = await login(token).then((caller) => caller, (error: unknown) => (error as { code?: string }).code);
      expect([name, outcome]).toEqual([name, 'unauthorized']);
    }
    expect(JSON.stringify(logins)).not.toContain(body);
    expect(await login(real)).toMatchObject({ principal: { name: 'builder' } });
  });
});

describe('the keys of the provider', () => {
  it('are read anew when a token has another, but not for every forged one', async () => {
    let time = 0;
    const login = await open({}, () => time);
    await login(await provider.token());
    const reads = (): number => provider.asked.filter((place) => place === '/jwks').length;
    const before = reads();
    await provider.rotateKeys();
    const token = await provider.token();
    await expect(login(token)).rejects.toMatchObject({ code: 'unauthorized' });
    expect(reads()).toBe(before);
    time += 31_000;
    expect(await login(token)).toMatchObject({ principal: { name: 'builder' } });
    expect(reads()).toBe(before + 1);
    time += 31_000;
    const forged = await Promise.all(Array.from({ length: 20 }, (_, index) => signed({}, { kid: `forged-${index}` })));
    await Promise.all(forged.map((each) => expect(login(each)).rejects.toMatchObject({ code: 'unauthorized' })));
    expect(reads()).toBe(before + 2);
  });

  it('that are withdrawn are believed ten minutes at most, and an hour while the provider is away', async () => {
    let time = 0;
    const login = await open({}, () => time);
    const token = await provider.token();
    await login(token);
    provider.instead = (_request, response) => response.writeHead(503).end() !== undefined;
    time += 11 * 60_000;
    expect(await login(token)).toMatchObject({ principal: { name: 'builder' } });
    time += 50 * 60_000;
    await expect(login(token)).rejects.toMatchObject({ code: 'identity-unavailable' });
    provider.instead = undefined;
    await provider.rotateKeys();
    time += 31_000;
    await expect(login(token)).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it('are not asked for again and again while the provider is away', async () => {
    let time = 0;
    const token = await provider.token();
    provider.instead = (_request, response) => response.writeHead(500).end() !== undefined;
    const login = await open({}, () => time);
    const before = provider.asked.length;
    for (let count = 0; count < 10; count += 1) await expect(login(token)).rejects.toMatchObject({ code: 'identity-unavailable' });
    expect(provider.asked.length).toBe(before + 1);
    provider.instead = undefined;
    time += 31_000;
    expect(await login(token)).toMatchObject({ principal: { name: 'builder' } });
  });

  it('may be several for a token that names none', async () => {
    const keys = await (await fetch(`${provider.issuer}/jwks`)).json() as { keys: object[] };
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
    provider.instead = (request, response) => {
      if (request.url !== '/jwks') return false;
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [{ ...other, alg: 'ES256', kid: 'other' }, ...keys.keys] }));
      return true;
    };
    const login = await open();
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: provider.issuer, aud: 'millrace', sub: 'builder', exp: now + 60 };
    expect(await login(await new SignJWT(claims).setProtectedHeader({ alg: 'ES256' }).sign(await importJWK(provider.key(), 'ES256')))).toMatchObject({ principal: { name: 'builder' } });
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await expect(login(await new SignJWT(claims).setProtectedHeader({ alg: 'ES256' }).sign(stranger.privateKey))).rejects.toMatchObject({ code: 'unauthorized' });
  });

  const documents: readonly [string, string, (body: { write(text: string | Buffer): unknown; end(text?: string): unknown; writeHead(status: number, headers?: object): unknown }) => void][] = [
    ['a page', '/.well-known/openid-configuration', (response) => response.end('<html>')],
    ['a redirect', '/.well-known/openid-configuration', (response) => (response.writeHead(302, { location: 'http://127.0.0.1:1/' }), response.end())],
    ['of another issuer', '/.well-known/openid-configuration', (response) => response.end(JSON.stringify({ issuer: 'https://other.test', jwks_uri: 'https://other.test/keys' }))],
    ['keys in the clear', '/.well-known/openid-configuration', (response) => response.end(JSON.stringify({ issuer: provider.issuer, jwks_uri: 'http://other.test/keys' }))],
    ['huge', '/jwks', (response) => { response.write('[ '); response.write(Buffer.alloc(700_000, 0x20)); response.end(); }],
    ['deep', '/jwks', (response) => response.end('['.repeat(200_000))],
    ['no keys', '/jwks', (response) => response.end('{"keys":{}}')],
    ['broken keys', '/jwks', (response) => response.end('{"keys":[{"kty":"EC","crv":"P-256","kid":"key-1"}]}')],
    ['never', '/jwks', () => undefined],
  ];
  it.each(documents)('that come as %s let nobody in', async (_name, place, answer) => {
    const token = await provider.token();
    provider.instead = (request, response) => {
      if (request.url !== place) return false;
      answer(response);
      return true;
    };
    const login = await open({ 'timeout-seconds': 0.5 });
    await expect(login(token)).rejects.toMatchObject({ code: expect.stringMatching(/^(identity-unavailable|unauthorized)$/) });
  });
});

describe('an opaque token', () => {
  it('is refused where the provider is not asked about it', async () => {
    await expect((await open())(await provider.opaqueToken())).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it('proves whom the provider says, once for the time that answers are kept', async () => {
    const login = await open({ keys: false, audience: undefined, introspection });
    const token = await provider.opaqueToken('new-compose read');
    const before = provider.asked.length;
    expect(await login(token)).toMatchObject({ principal: { name: 'builder', by: 'bearer', scopes: ['new-compose', 'read'] } });
    await login(token);
    expect(provider.asked.slice(before)).toEqual(['/.well-known/openid-configuration', '/token/introspection']);
  });

  it('is refused when it was taken back, of another audience, or never given', async () => {
    const login = await open({ introspection, 'cache-seconds': 0, audience: ['millrace'] });
    await expect(login(await provider.opaqueToken())).rejects.toMatchObject({ code: 'unauthorized' });
    const open2 = await open({ keys: false, audience: undefined, introspection, 'cache-seconds': 0 });
    const token = await provider.opaqueToken();
    expect(await open2(token)).toBeDefined();
    await provider.revoke(token);
    await expect(open2(token)).rejects.toMatchObject({ code: 'unauthorized' });
    expect(logins.filter(({ outcome }) => outcome === 'refused').map(({ reason }) => reason)).toEqual(['the token is for another audience', 'the provider says that the token is not in force']);
  });

  it('cannot be guessed by having the provider asked for ever', async () => {
    const login = await open({ introspection }, () => 0);
    for (let count = 0; count < 5; count += 1) await expect(login(`guess-${count}`)).rejects.toMatchObject({ code: 'unauthorized' });
    const before = provider.asked.length;
    await expect(login('guess-6')).rejects.toMatchObject({ code: 'quota-exceeded' });
    expect(provider.asked.length).toBe(before);
    expect(await login(await provider.token())).toMatchObject({ principal: { name: 'builder' } });
  });

  it('that is known is let in, whoever else fails on purpose at its address', async () => {
    const login = await open({ introspection, keys: false, audience: undefined }, () => 0);
    const token = await provider.opaqueToken();
    await login(token);
    for (let count = 0; count < 5; count += 1) await expect(login(`guess-${count}`)).rejects.toMatchObject({ code: 'unauthorized' });
    await expect(login('guess-6')).rejects.toMatchObject({ code: 'quota-exceeded' });
    expect(await login(token)).toMatchObject({ principal: { name: 'builder' } });
  });

  it('is judged by its times, too', async () => {
    const answers: object[] = [{ active: true, sub: 'x', exp: 1 }, { active: true, sub: 'x', nbf: inAnHour() }, { active: true, sub: 'x', iss: 'https://other.test' }, { active: true, sub: 'x' }];
    provider.instead = (request, response) => {
      if (request.url !== '/token/introspection') return false;
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answers.shift()));
      return true;
    };
    const login = await open({ keys: false, audience: undefined, introspection });
    for (const token of ['a', 'b', 'c']) await expect(login(token)).rejects.toMatchObject({ code: 'unauthorized' });
    expect(await login('d')).toMatchObject({ principal: { name: 'x', scopes: [] } });
  });

  it('lets nobody in when the service has a wrong secret for the provider', async () => {
    const login = await open({ introspection: { ...introspection, 'client-secret': { env: 'WRONG' } } });
    await expect(login('opaque')).rejects.toMatchObject({ code: 'identity-unavailable', cause: { message: expect.stringMatching(/client-id or client-secret is wrong/) } });
  });
});

describe('UserInfo', () => {
  const settings = { keys: false, audience: undefined, introspection, 'user-info': true };

  it('gives name and groups of the user', async () => {
    const login = await open(settings);
    expect(await login(await provider.userToken('bob'))).toEqual({ principal: { name: 'bob-name', groups: ['packagers', 'bob-group'], by: 'bearer', scopes: ['openid', 'groups'] } });
  });

  it('has nothing of clients, which are let in without groups', async () => {
    const login = await open({ 'user-info': true });
    expect(await login(await provider.token())).toMatchObject({ principal: { name: 'builder', groups: [] } });
  });

  it('is believed of the same subject only', async () => {
    provider.instead = (request, response) => {
      if (request.url !== '/me') return false;
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ sub: 'root', groups: ['admins'] }));
      return true;
    };
    const login = await open(settings);
    await expect(login(await provider.userToken('bob'))).rejects.toMatchObject({ code: 'unauthorized' });
    expect(logins.at(-1)?.reason).toMatch(/another subject/);
  });

  it('that is broken lets nobody in', async () => {
    const token = await provider.userToken('bob');
    provider.instead = (request, response) => request.url === '/me' && response.writeHead(500).end() !== undefined;
    await expect((await open(settings))(token)).rejects.toMatchObject({ code: 'identity-unavailable' });
  });

  it('that refuses the token for its scope leaves its user without groups', async () => {
    const token = await provider.userToken('bob');
    provider.instead = (request, response) => request.url === '/me' && response.writeHead(403).end() !== undefined;
    expect(await (await open(settings))(token)).toMatchObject({ principal: { name: 'bob', groups: [] } });
  });
});
