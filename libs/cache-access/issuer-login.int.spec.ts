import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { importJWK, SignJWT, type JWTPayload } from 'jose';
import { startOpenidProvider, type TestOpenidProvider } from '../testing/start-openid-provider.js';
import { codeOf, openAccess, shown } from './__fixtures__/opened-access.js';
import type { CacheAccess, CacheCaller } from './cache-access.js';
import type { TriedCacheLogin } from './cache-access-options.js';

let forge: TestOpenidProvider;
let other: TestOpenidProvider;
const opened: CacheAccess[] = [];
const logins: TriedCacheLogin[] = [];

beforeAll(async () => {
  // The provider warns of what suits nothing but specs.
  for (const level of ['warn', 'info'] as const) jest.spyOn(console, level).mockImplementation(() => undefined);
  [forge, other] = await Promise.all([startOpenidProvider(), startOpenidProvider()]);
});
afterEach(async () => {
  forge.instead = undefined;
  logins.length = 0;
  for (const each of opened.splice(0)) await each.close();
});
afterAll(async () => void (await Promise.all([forge[Symbol.asyncDispose](), other[Symbol.asyncDispose]()])));

async function open(now: () => number = Date.now): Promise<{ readonly access: CacheAccess; identify(token: string): Promise<CacheCaller> }> {
  const { access } = await openAccess(
    `
login:
  issuers:
    forge: { issuer: "${forge.issuer}", audience: [cache], timeout-seconds: 2 }
    other: { issuer: "${other.issuer}", audience: [cache], timeout-seconds: 2 }
instances:
  main: { pull: known, push: [{ claims: [{ issuer: forge, match: { repository: farm/*, ref: refs/heads/main } }] }] }
`,
    { now, onLogin: (login) => void logins.push(login) },
  );
  opened.push(access);
  return { access, identify: (token) => access.identify(shown({ authorization: `Bearer ${token}` })) };
}

async function jobToken(claims: JWTPayload, { by = forge, audience = 'cache', signer }: { readonly by?: TestOpenidProvider; readonly audience?: string; readonly signer?: TestOpenidProvider } = {}): Promise<string> {
  const key = (signer ?? by).key();
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ iss: by.issuer, aud: audience, sub: 'repo:farm/app', exp: now + 300, iat: now, ...claims }).setProtectedHeader({ alg: 'ES256', kid: key.kid ?? '' }).sign(await importJWK(key, 'ES256'));
}

const job = { repository: 'farm/app', ref: 'refs/heads/main' };

describe('an identity token of a CI job', () => {
  it('pushes by its claims, is named for its issuer, and asks the issuer once', async () => {
    const { access, identify } = await open();
    const token = await jobToken(job);
    forge.asked.length = 0;
    const [caller] = await Promise.all([identify(token), identify(token), identify(token)]);
    expect(caller?.name).toBe('ci:forge:repo:farm/app');
    access.demand(caller ?? fail(), 'push', '', { kind: 'blob', key: 'k' });
    await identify(token);
    expect(forge.asked).toHaveLength(2);
  });

  it('of another project or another issuer is known to nobody, also where known callers may pull', async () => {
    const { access, identify } = await open();
    for (const token of [await jobToken({ ...job, repository: 'evil/app' }), await jobToken(job, { by: other })]) {
      const caller = await identify(token);
      expect(codeOf(() => access.demand(caller, 'pull', ''))).toBe('forbidden');
      expect(codeOf(() => access.demand(caller, 'push', ''))).toBe('forbidden');
    }
  });

  it.each([
    ['for another service', () => jobToken(job, { audience: 'elsewhere' })],
    ['that has expired', () => jobToken({ ...job, exp: Math.floor(Date.now() / 1000) - 60 })],
    ['of the future', () => jobToken({ ...job, nbf: Math.floor(Date.now() / 1000) + 300 })],
    ['that never expires', () => jobToken({ ...job, exp: undefined })],
    ['that another issuer has signed', () => jobToken(job, { by: forge, signer: other })],
    ['of an issuer that the file does not know', () => jobToken({ ...job, iss: 'https://evil.test' })],
    ['whose issuer is written otherwise', () => jobToken({ ...job, iss: `${forge.issuer}/` })],
    ['without a subject', () => jobToken({ ...job, sub: undefined })],
    ['with a subject of several lines', () => jobToken({ ...job, sub: 'a\nb' })],
    ['without a signature', async () => `${(await jobToken(job)).split('.').slice(0, 2).join('.')}.`],
    ['that says it needs none', async () => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${(await jobToken(job)).split('.')[1] ?? ''}.`],
  ])('%s lets nobody in', async (_name, token) => {
    const { identify } = await open();
    await expect(identify(await token())).rejects.toMatchObject({ code: 'unauthorized' });
    const text = JSON.stringify(logins);
    expect(text).not.toContain((await token()).split('.')[2] || 'eyJ');
  });

  it('is believed for a minute and no longer than it says', async () => {
    let time = Date.now();
    const { identify } = await open(() => time);
    const token = await jobToken({ ...job, exp: Math.floor(time / 1000) + 5 });
    await identify(token);
    const real = jest.spyOn(Date, 'now').mockImplementation(() => time);
    const dates = jest.useFakeTimers({ now: time, doNotFake: ['setTimeout', 'setInterval', 'setImmediate', 'nextTick', 'queueMicrotask', 'clearTimeout', 'clearInterval', 'clearImmediate', 'performance'] });
    try {
      time += 40_000;
      dates.setSystemTime(time);
      await expect(identify(token)).rejects.toMatchObject({ code: 'unauthorized' });
    } finally {
      jest.useRealTimers();
      real.mockRestore();
    }
  });
});

describe('an issuer', () => {
  it('that has new keys is asked for them once, not for each token of keys that nobody has', async () => {
    let time = Date.now();
    const { identify } = await open(() => time);
    const before = await jobToken(job);
    await identify(before);
    await forge.rotateKeys();
    time += 31_000;
    expect((await identify(await jobToken(job))).name).toBe('ci:forge:repo:farm/app');
    forge.asked.length = 0;
    for (let count = 0; count < 20; count += 1) await expect(identify(await jobToken({ ...job, jti: `${count}` }, { signer: other }))).rejects.toMatchObject({ code: 'unauthorized' });
    expect(forge.asked).toEqual([]);
    time += 61_000;
    await expect(identify(before)).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it.each([
    ['is down', 503, {}, ''],
    ['leads elsewhere', 302, { location: 'http://127.0.0.1:1/' }, ''],
    ['answers with a page', 200, { 'content-type': 'text/html' }, '<html>'],
    ['answers with 10 MB', 200, {}, ' '.repeat(10_000_000)],
    ['speaks for another', 200, {}, '{"issuer":"https://evil.test","jwks_uri":"https://evil.test/keys"}'],
  ])('that %s makes nobody wait and lets nobody in, and other ways go on', async (_name, status, headers, body) => {
    const { access, identify } = await open();
    forge.instead = (_request, response) => {
      response.writeHead(status, headers).end(body);
      return true;
    };
    const token = await jobToken(job);
    await expect(identify(token)).rejects.toMatchObject({ code: 'identity-unavailable' });
    expect(logins).toMatchObject([{ by: 'claims', outcome: 'unavailable' }]);
    expect((await access.identify(shown({}))).name).toBe('anonymous');
    const caller = await identify(await jobToken(job, { by: other }));
    expect(caller.name).toBe('ci:other:repo:farm/app');
  });
});

function fail(): never {
  throw new Error('nobody was identified');
}
