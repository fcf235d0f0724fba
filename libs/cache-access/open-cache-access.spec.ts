import { describe, expect, it } from '@jest/globals';
import type { CacheCredentials } from './cache-access.js';
import { basic, codeOf, openAccess, readCacheAccess, shown } from './__fixtures__/opened-access.js';
import type { TriedCacheLogin } from './cache-access-options.js';
import { makeCacheToken } from './token-login.js';

const builder = makeCacheToken();
const expired = makeCacheToken();
const fingerprint = `SHA256:${'A'.repeat(43)}`;
const sessionId = 'c0ffee'.padEnd(32, '0');
const sessionToken = 'T'.repeat(24);
const certificate = { subject: 'CN=builder,O=Farm', fingerprint: 'ab' };
const file = `
login:
  tokens:
    builder: { sha256: ${builder.sha256} }
    old: { sha256: ${expired.sha256}, expires: 2020-01-01T00:00:00Z }
instances:
  main:
    push:
      - { tokens: [builder], prefixes: ['urn:app:'], kinds: [blob] }
      - { subjects: ['CN=builder,O=Farm'] }
      - { ssh-keys: ['${fingerprint}'], kinds: [blob] }
      - { sessions: [nightly] }
    admin:
      - { users: [alice] }
  inner:
    pull: known
  closed:
    pull: [{ groups: [staff] }]
    push: [{ users: [bob] }]
`;
const sessions = { check: (id: string, token: string) => Promise.resolve(id === sessionId && token === sessionToken ? { owner: 'nightly' } : undefined) };
const accessFile = 'authentication: { front-end: { addresses: [198.51.100.1], user-header: x-user, groups-header: x-groups } }\nauthorization: { roles: { cache: { reader: { groups: [readers] }, writer: { users: [carol] }, admin: { users: [dora] } } } }';

const { access, takings } = await openAccess(file, { sessions, accessFile });
const user = (name: string, groups = ''): CacheCredentials => shown({ peerAddress: '198.51.100.1', headers: { 'x-user': name, ...(groups === '' ? {} : { 'x-groups': groups }) } });

type Ask = readonly ['pull' | 'push' | 'admin', string, string?];

async function outcome(credentials: CacheCredentials, [action, instance, key]: Ask): Promise<string> {
  const caller = await access.identify(credentials);
  return codeOf(() => access.demand(caller, action, instance, key === undefined ? undefined : { kind: 'blob', key }));
}

describe('without a file', () => {
  it('everybody pulls, and the control credentials push and administer', async () => {
    const plain = (await openAccess('{}')).access;
    const nobody = await plain.identify(shown({}));
    const control = await plain.identify(shown({ authorization: basic('craft:secret') }));
    expect([nobody.name, control.name]).toEqual(['anonymous', 'craft']);
    plain.demand(nobody, 'pull', '');
    expect(codeOf(() => plain.demand(nobody, 'push', 'main'))).toBe('unauthorized');
    for (const action of ['push', 'admin'] as const) plain.demand(control, action, '');
    await expect(plain.identify(shown({ authorization: basic('craft:wrong') }))).rejects.toMatchObject({ code: 'unauthorized' });
    expect(plain.challenges).toEqual(['Bearer realm="millrace"', 'Basic realm="millrace", charset="UTF-8"']);
  });
});

describe('a caller without credentials', () => {
  it.each([
    ['pulls where anonymous is written', ['pull', ''], 'allowed'],
    ['does not where it has to be known', ['pull', 'inner'], 'unauthorized'],
    ['does not where it has to be named', ['pull', 'closed'], 'unauthorized'],
    ['pushes nowhere', ['push', ''], 'unauthorized'],
    ['is no administrator', ['admin', 'inner'], 'unauthorized'],
    ['learns that there is no such instance', ['pull', 'elsewhere'], 'invalid-request'],
    ['finds no instance by the name of a property', ['pull', 'constructor'], 'invalid-request'],
  ] as const)('%s', async (_name, ask, expected) => expect(await outcome(shown({}), ask)).toBe(expected));
});

describe('a bearer token of the file', () => {
  const bearer = shown({ authorization: `Bearer ${builder.token}` });

  it.each([
    ['pushes what its grant says', ['push', '', 'urn:app:x'], 'allowed'],
    ['and blobs, which have no key', ['push', ''], 'allowed'],
    ['nothing below another prefix', ['push', '', 'urn:other:x'], 'forbidden'],
    ['nothing by another case', ['push', '', 'URN:APP:x'], 'forbidden'],
    ['nothing that leads out of its prefix', ['push', '', 'urn:app:../other/x'], 'forbidden'],
    ['nothing that leads out when decoded', ['push', '', 'urn:app:%2e%2E%2fother'], 'forbidden'],
    ['nothing with a backslash', ['push', '', 'urn:app:..\\other'], 'forbidden'],
    ['nothing with hidden characters', ['push', '', 'urn:app:\u202ex'], 'forbidden'],
    ['pulls where callers are known', ['pull', 'inner'], 'allowed'],
    ['not where others are named', ['pull', 'closed'], 'forbidden'],
    ['is no administrator', ['admin', ''], 'forbidden'],
  ] as const)('%s', async (_name, ask, expected) => expect(await outcome(bearer, ask)).toBe(expected));

  it('is none for another kind of entry', async () => {
    const caller = await access.identify(bearer);
    expect(() => access.demand(caller, 'push', '', { kind: 'ccache', key: 'urn:app:x' })).toThrow(/token:builder may not push to the instance main .* an entry of kind ccache/);
  });

  it('may be the password of its name, for clients that know Basic only', async () => {
    expect((await access.identify(shown({ authorization: basic(`builder:${builder.token}`) }))).name).toBe('token:builder');
    await expect(access.identify(shown({ authorization: basic(`other:${builder.token}`) }))).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it.each([
    ['that has expired', `Bearer ${expired.token}`],
    ['of another length', `Bearer ${builder.token}x`],
    ['that is unknown', `Bearer ${makeCacheToken().token}`],
    ['that is its digest', `Bearer ${builder.sha256}`],
    ['that is empty', 'Bearer '],
    ['that is huge', `Bearer ${'x'.repeat(1_000_000)}`],
    ['given twice', `Bearer ${builder.token}, Bearer ${builder.token}`],
    ['of a scheme that nobody knows', `Digest ${builder.token}`],
  ])('%s lets nobody in, not even where everybody may pull', async (_name, authorization) => {
    await expect(access.identify(shown({ authorization }))).rejects.toMatchObject({ code: 'unauthorized' });
  });
});

describe('the credentials of a fetch session', () => {
  it.each([
    ['as a build has them', basic(`${sessionId}:${sessionToken}`)],
    ['as one token in a file', `Bearer ${sessionId}.${sessionToken}`],
  ])('%s make its entries the session\'s, whatever it says', async (_name, authorization) => {
    const caller = await access.identify(shown({ authorization }));
    expect(caller).toEqual({ name: `session:${sessionId}`, session: sessionId, groups: [] });
    expect(access.origin(caller, { session: 'another', build: 'b1' })).toEqual({ session: sessionId, build: 'b1' });
    access.demand(caller, 'push', '', { kind: 'blob', key: 'anything' });
    const name = { instance: 'main', kind: 'blob', key: 'k', qualifiers: {} } as const;
    access.took(caller, name, 'pulled');
    expect(takings.splice(0)).toEqual([{ session: sessionId, name, how: 'pulled' }]);
  });

  it('are wrong with another token, and of no account beside another caller', async () => {
    await expect(access.identify(shown({ authorization: basic(`${sessionId}:${sessionToken}x`) }))).rejects.toMatchObject({ code: 'unauthorized' });
    const nobody = await access.identify(shown({}));
    access.took(nobody, { instance: 'main', kind: 'blob', key: 'k', qualifiers: {} }, 'pulled');
    expect(takings).toEqual([]);
    expect(access.origin(nobody, { session: 's', tool: 't' })).toEqual({ session: 's', tool: 't' });
  });

  it('are asked for again a second later, so that a session that was closed is let in no more', async () => {
    let [time, open, asked] = [0, true, 0];
    const check = (): Promise<{ owner: string } | undefined> => Promise.resolve(((asked += 1), open) ? { owner: 'nightly' } : undefined);
    const timed = (await openAccess(file, { sessions: { check }, now: () => time })).access;
    const credentials = shown({ authorization: basic(`${sessionId}:${sessionToken}`) });
    for (let count = 0; count < 3; count += 1) await timed.identify(credentials);
    expect(asked).toBe(1);
    open = false;
    time = 1000;
    await expect(timed.identify(credentials)).rejects.toMatchObject({ code: 'unauthorized' });
  });
});

describe('a client certificate', () => {
  it('pushes by its subject, also where the request shows a session besides', async () => {
    const caller = await access.identify(shown({ certificate }));
    expect(caller.name).toBe('CN=builder,O=Farm');
    access.demand(caller, 'push', '', { kind: 'action', key: 'sha256:ab/1' });
    const both = await access.identify(shown({ certificate, authorization: basic(`${sessionId}:${sessionToken}`) }));
    expect(both.session).toBe(sessionId);
  });

  it('of another subject is known and pushes nothing', async () => {
    const caller = await access.identify(shown({ certificate: { subject: 'CN=builder,O=Farmer', fingerprint: 'cd' } }));
    access.demand(caller, 'pull', 'inner');
    expect(codeOf(() => access.demand(caller, 'push', ''))).toBe('forbidden');
  });

  it('of another authority, expired or revoked lets nobody in', async () => {
    await expect(access.identify(shown({ certificate: { ...certificate, problem: 'CERT_REVOKED' } }))).rejects.toMatchObject({ code: 'unauthorized' });
    const withToken = await access.identify(shown({ certificate: { ...certificate, problem: 'CERT_REVOKED' }, authorization: `Bearer ${builder.token}` }));
    expect(codeOf(() => access.demand(withToken, 'push', '', { kind: 'action', key: 'sha256:ab/1' }))).toBe('forbidden');
  });
});

describe('an ssh key', () => {
  it('is known by its fingerprint, and to nobody else', async () => {
    const caller = await access.identify(shown({ sshKey: fingerprint }));
    expect(caller.name).toBe(`ssh:${fingerprint}`);
    access.demand(caller, 'push', '', { kind: 'blob', key: 'k' });
    await expect(access.identify(shown({ sshKey: `SHA256:${'B'.repeat(43)}` }))).rejects.toMatchObject({ code: 'unauthorized' });
  });
});

describe('users of Millrace', () => {
  it.each([
    ['with a grant push', user('bob'), ['push', 'closed'], 'allowed'],
    ['who push also pull', user('bob'), ['pull', 'closed'], 'allowed'],
    ['of a group pull', user('erin', 'staff'), ['pull', 'closed'], 'allowed'],
    ['with the role of a reader pull', user('frank', 'readers'), ['pull', 'closed'], 'allowed'],
    ['and do not push', user('frank', 'readers'), ['push', 'closed'], 'forbidden'],
    ['with the role of a writer push everywhere', user('carol'), ['push', 'inner'], 'allowed'],
    ['and administer nothing', user('carol'), ['admin', 'inner'], 'forbidden'],
    ['with the role of an administrator do', user('dora'), ['admin', 'closed'], 'allowed'],
    ['who administer an instance push there', user('alice'), ['push', ''], 'allowed'],
    ['and nowhere else', user('alice'), ['push', 'inner'], 'forbidden'],
  ] as const)('%s', async (_name, credentials, ask, expected) => expect(await outcome(credentials, ask)).toBe(expected));

  it.each(['token:builder', `session:${sessionId}`, 'ci:forge:job', `ssh:${fingerprint}`])('have no name of the cache\'s own callers: %s', async (name) => {
    await expect(access.identify(user(name))).rejects.toMatchObject({ code: 'unauthorized' });
  });
});

describe('logins', () => {
  it('are told with their reason and without what was shown', async () => {
    const seen: TriedCacheLogin[] = [];
    const watched = (await openAccess(file, { sessions, onLogin: (login) => void seen.push(login) })).access;
    await watched.identify(shown({ authorization: `Bearer ${builder.token}` }));
    await watched.identify(shown({ authorization: `Bearer ${expired.token}` })).catch(() => undefined);
    await watched.identify(shown({ authorization: basic(`${sessionId}:no-such-token`) })).catch(() => undefined);
    expect(seen.map(({ by, outcome: came }) => [by, came])).toEqual([['token', 'accepted'], ['token', 'refused'], ['session', 'refused']]);
    const text = JSON.stringify(seen);
    for (const secret of [builder.token, expired.token, expired.sha256, 'no-such-token']) expect(text).not.toContain(secret);
  });
});

describe('the file', () => {
  it.each([
    ['a grant for nobody', 'instances: { main: { push: [{ kinds: [blob] }] } }', 'instances.main.push[0]: names nobody'],
    ['a prefix that ends within a word', 'instances: { main: { push: [{ users: [a], prefixes: [app] }] } }', 'must end with a mark'],
    ['claims without any', 'instances: { main: { push: [{ claims: [{ issuer: forge, match: {} }] }] } }', 'needs at least one claim'],
    ['a token in the clear', 'login: { tokens: { a: { token: secret } } }', 'login.tokens.a.sha256'],
    ['one token for two', `login: { tokens: { a: { sha256: ${'a'.repeat(64)} }, b: { sha256: ${'a'.repeat(64)} } } }`, 'two tokens have the same sha256'],
    ['an issuer without audience', 'login: { issuers: { forge: { issuer: "https://forge.test" } } }', 'login.issuers.forge.audience'],
    ['an issuer in the clear', 'login: { issuers: { forge: { issuer: "http://forge.test", audience: [a] } } }', 'must be https'],
    ['a fingerprint of another digest', 'instances: { main: { push: [{ ssh-keys: ["MD5:ab"] }] } }', 'must be a fingerprint'],
    ['an unknown kind', 'instances: { main: { push: [{ users: [a], kinds: [blobs] }] } }', 'instances.main.push[0].kinds[0]'],
  ])('is refused with %s', (_name, text, message) => {
    expect(() => readCacheAccess(text)).toThrow(message);
    expect(codeOf(() => readCacheAccess(text))).toBe('invalid-setting');
  });
});
