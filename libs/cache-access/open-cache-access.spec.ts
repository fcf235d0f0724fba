import { describe, expect, it } from '@jest/globals';
import type { CacheCredentials } from './cache-access.js';
import { basic, codeOf, openAccess, readAccessFile, readCacheAccess, shown } from './__fixtures__/opened-access.js';
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

describe('wrong credentials', () => {
  const secondSession = 'decade'.padEnd(32, '0');
  const limited = 'authentication: { failed-logins-per-minute: 6 }';

  async function open(): Promise<{ try(authorization: string, peerAddress?: string): Promise<string>; readonly asked: string[]; readonly told: string[]; wait(milliseconds: number): void }> {
    let time = Date.parse('2026-01-01T00:00:00Z');
    const [asked, told] = [[] as string[], [] as string[]];
    const check = (id: string, given: string): Promise<{ owner: string } | undefined> => Promise.resolve((asked.push(id), given === sessionToken) ? { owner: 'nightly' } : undefined);
    const opened = (await openAccess(file, { sessions: { check }, accessFile: limited, now: () => time, onLogin: ({ by, outcome: came }) => void told.push(`${by} ${came}`) })).access;
    return {
      try: (authorization, peerAddress = '192.0.2.7') => opened.identify(shown({ authorization, peerAddress })).then(({ name }) => name, ({ code }: { readonly code: string }) => code),
      asked,
      told,
      wait: (milliseconds) => void (time += milliseconds),
    };
  }

  it.each([
    ['of sessions', (count: number) => basic(`${sessionId}:${'x'.repeat(20)}${count}`), 'session'],
    ['of sessions, as one token', (count: number) => `Bearer ${sessionId}.${'x'.repeat(20)}${count}`, 'session'],
    ['that are tokens', () => `Bearer ${makeCacheToken().token}`, 'token'],
    ['that look like identity tokens', (count: number) => `Bearer ${Buffer.from('{"alg":"ES256"}').toString('base64url')}.${count}.x`, 'token'],
    ['of another scheme', (count: number) => `Negotiate ${count}`, 'token'],
    ['that are huge', (count: number) => `Bearer ${count}${'x'.repeat(100_000)}`, 'token'],
  ])('%s are answered some times of one address, and not looked up after that', async (_name, wrong, by) => {
    const cache = await open();
    for (let count = 0; count < 6; count += 1) expect(await cache.try(wrong(count))).toBe('unauthorized');
    cache.asked.length = 0;
    for (let count = 6; count < 20; count += 1) expect(await cache.try(wrong(count))).toBe('quota-exceeded');
    expect([cache.asked, cache.told.at(-1)]).toEqual([[], `${by} too-many`]);
    expect(await cache.try(wrong(20), '192.0.2.8')).toBe('unauthorized');
    cache.wait(10_000);
    expect([await cache.try(wrong(21)), await cache.try(wrong(22))]).toEqual(['unauthorized', 'quota-exceeded']);
  });

  it('are one sum, whatever they are of, and say when to come again', async () => {
    const cache = await open();
    for (const each of [basic('craft:guess'), 'Bearer guess', basic(`${sessionId}:guess`), 'Negotiate YQ==', `Bearer ${expired.token}`, basic('builder:guess')]) expect(await cache.try(each)).toBe('unauthorized');
    for (const each of [basic('craft:other'), 'Bearer guess', basic(`${sessionId}:guess`), `Bearer ${expired.token}`]) expect(await cache.try(each)).toBe('quota-exceeded');
  });

  it('of others at the address lock out nobody who was right before, no token, and nobody elsewhere', async () => {
    const cache = await open();
    expect(await cache.try(basic(`${sessionId}:${sessionToken}`))).toBe(`session:${sessionId}`);
    for (let count = 0; count < 10; count += 1) await cache.try(`Bearer wrong-${count}`);
    cache.wait(1000);
    expect(await cache.try(basic(`${sessionId}:${sessionToken}`))).toBe(`session:${sessionId}`);
    expect(await cache.try(`Bearer ${builder.token}`)).toBe('token:builder');
    expect(await cache.try(basic(`${secondSession}:${sessionToken}`))).toBe('quota-exceeded');
    expect(await cache.try(basic(`${secondSession}:${sessionToken}`), '192.0.2.8')).toBe(`session:${secondSession}`);
  });
});

describe('the right of a call that still runs', () => {
  const control = shown({ authorization: basic('craft:secret') });
  const bearer = shown({ authorization: `Bearer ${builder.token}` });

  it('is looked at again by what is true now', async () => {
    let [time, open] = [0, true];
    const timed = await openAccess(file.replace(/(builder: \{ sha256: \w+)/, '$1, expires: 1970-01-01T00:10:00Z'), { sessions: { check: () => Promise.resolve(open ? { owner: 'nightly' } : undefined) }, now: () => time });
    const session = shown({ authorization: basic(`${sessionId}:${sessionToken}`) });
    const callers = await Promise.all([bearer, session, shown({ certificate }), shown({ sshKey: fingerprint }), control].map(async (credentials) => ({ credentials, caller: await timed.access.identify(credentials) })));
    const recheck = async (): Promise<string[]> => Promise.all(callers.map(({ caller, credentials }) => timed.access.recheck(caller, credentials).then(() => 'allowed', ({ code }: { readonly code: string }) => code)));
    expect(await recheck()).toEqual(Array(5).fill('allowed'));
    open = false;
    time = 600_000;
    callers[2] = { ...callers[2]!, credentials: shown({ certificate: { ...certificate, problem: 'CERT_REVOKED' } }) };
    expect(await recheck()).toEqual(['unauthorized', 'unauthorized', 'unauthorized', 'allowed', 'allowed']);
  });

  it('is lost with the grant that it came from, and with the token, when the file changes', async () => {
    const changing = (await openAccess(file)).access;
    const caller = await changing.identify(bearer);
    changing.demand(caller, 'push', 'main', { kind: 'blob', key: 'urn:app:x' });
    await changing.replace(readCacheAccess(file.replace('urn:app:', 'urn:app:y:')), undefined);
    await expect(changing.recheck(caller, bearer)).rejects.toMatchObject({ code: 'forbidden', message: expect.stringContaining('urn:app:x') });
    expect(codeOf(() => changing.demand(caller, 'push', 'main', { kind: 'blob', key: 'urn:app:x' }))).toBe('forbidden');
    await changing.replace(readCacheAccess(file), undefined);
    await changing.recheck(caller, bearer);
    await changing.replace(readCacheAccess(file.replace(/.*builder: \{.*\n/, '').replace(/.*tokens: \[builder\].*\n/, '')), undefined);
    await expect(changing.recheck(caller, bearer)).rejects.toMatchObject({ code: 'unauthorized' });
    await expect(changing.identify(bearer)).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it('is lost with a role of the access file', async () => {
    const changing = (await openAccess(file, { accessFile })).access;
    const caller = await changing.identify(user('carol'));
    changing.demand(caller, 'push', 'inner');
    await changing.recheck(caller, user('carol'));
    await changing.replace(readCacheAccess(file), readAccessFile(accessFile.replace('carol', 'erin')));
    await expect(changing.recheck(caller, user('carol'))).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('says nothing of rates, which go on counting when the file changes', async () => {
    const rated = file.replace('  main:\n', '  main:\n    rates: { requests-per-minute: 2 }\n');
    const changing = (await openAccess(rated, { now: () => 0 })).access;
    const caller = await changing.identify(bearer);
    changing.demand(caller, 'pull', 'main');
    for (let count = 0; count < 5; count += 1) await changing.recheck(caller, bearer);
    await changing.replace(readCacheAccess(`${rated}  another: {}\n`), undefined);
    changing.demand(caller, 'pull', 'main');
    expect(codeOf(() => changing.demand(caller, 'pull', 'main'))).toBe('quota-exceeded');
    expect(codeOf(() => changing.demand(caller, 'pull', 'another'))).toBe('invalid-request');
  });
});

describe('roles in one instance', () => {
  it('are all those of its administrators, and elsewhere those of the access file alone', async () => {
    const held = async (credentials: CacheCredentials, instance: string): Promise<readonly boolean[]> => {
      const caller = await access.identify(credentials);
      return (['reader', 'writer', 'admin'] as const).map((role) => access.hasRole(caller, role, instance));
    };
    expect(await held(user('alice'), '')).toEqual([true, true, true]);
    expect(await held(user('alice'), 'inner')).toEqual([false, false, false]);
    expect(await held(user('carol'), 'inner')).toEqual([true, true, false]);
    expect(await held(user('dora'), 'closed')).toEqual([true, true, true]);
    expect(await held(shown({}), 'main')).toEqual([false, false, false]);
    expect(await held(shown({ authorization: `Bearer ${builder.token}` }), 'main')).toEqual([false, false, false]);
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
