import { describe, expect, it } from '@jest/globals';
import { parseSettingsFile } from '../../settings-file/read-settings-file.js';
import { authenticationSchema } from './authentication-schema.js';
import { authenticatorOptions, credentials } from './__fixtures__/credentials.js';
import type { TriedLogin } from './create-authenticator.js';
import { createAuthenticator } from './create-authenticator.js';

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
const options = authenticatorOptions({ controlAuth: 'craft:secret' });
const read = (text: string): ReturnType<typeof authenticationSchema.parse> => parseSettingsFile(text, 'access.yaml', { schema: authenticationSchema, page: 'docs/reference/access.md' });

describe('the control credentials', () => {
  it('prove the control user, whatever the letters of the scheme', async () => {
    const { authenticate, challenges, backend } = await createAuthenticator(undefined, options);
    const principal = { name: 'craft', groups: [], by: 'control', scopes: undefined };
    expect(await authenticate(credentials({ authorization: basic('craft:secret') }))).toEqual({ principal });
    expect(await authenticate(credentials({ authorization: basic('craft:secret').replace('Basic', 'bASIC') }))).toEqual({ principal });
    expect(challenges).toEqual(['Basic realm="millrace", charset="UTF-8"']);
    expect(backend).toBe('basic');
  });

  it.each([
    ['another password', basic('craft:secreT')],
    ['a prefix', basic('craft:secre')],
    ['another user', basic('Craft:secret')],
    ['nothing', 'Basic'],
    ['no base64', 'Basic ;;;;'],
    ['two of them', `${basic('craft:secret')}, ${basic('craft:secret')}`],
    ['an empty pair', basic(':')],
  ])('are not %s, also where nobody has to log in', async (_name, authorization) => {
    for (const composeAuth of ['basic', 'noauth'] as const) {
      const { authenticate } = await createAuthenticator(undefined, { ...options, composeAuth });
      await expect(authenticate(credentials({ authorization }))).rejects.toMatchObject({ code: 'unauthorized' });
    }
  });

  it('are no way in where the settings say so', async () => {
    const { authenticate, challenges, backend } = await createAuthenticator(read('control: false\nanonymous: true'), options);
    expect(await authenticate(credentials({ authorization: basic('craft:secret') }))).toMatchObject({ principal: { by: 'none' } });
    expect(challenges).toEqual([]);
    expect(backend).toBe('noauth');
  });
});

describe('a request that shows nothing', () => {
  it('is nobody\'s where callers have to log in, and of `unknown` where they have not', async () => {
    const unknown = { principal: { name: 'unknown', groups: [], by: 'none', scopes: undefined } };
    const authenticated = async (settings: string | undefined, composeAuth: 'basic' | 'noauth'): Promise<unknown> => (await createAuthenticator(settings === undefined ? undefined : read(settings), { ...options, composeAuth })).authenticate(credentials({}));
    expect(await authenticated(undefined, 'basic')).toBeUndefined();
    expect(await authenticated(undefined, 'noauth')).toEqual(unknown);
    expect(await authenticated('anonymous: true', 'basic')).toEqual(unknown);
    expect(await authenticated('anonymous: false', 'noauth')).toBeUndefined();
  });
});

describe('the names of those who are no users', () => {
  it.each(['rule:nightly', 'rule:', 'craft', 'unknown', 'Anonymous'])('are nobody else\'s: %s', async (name) => {
    const { authenticate } = await createAuthenticator(read('front-end: { addresses: [192.0.2.7], user-header: x-user }'), options);
    await expect(authenticate(credentials({ headers: { 'x-user': name } }))).rejects.toMatchObject({ code: 'unauthorized' });
    expect(await authenticate(credentials({ authorization: basic('craft:secret') }))).toMatchObject({ principal: { name: 'craft', by: 'control' } });
  });

  it('are others\' once the control credentials are no way in, or when they only look alike', async () => {
    const { authenticate } = await createAuthenticator(read('control: false\nfront-end: { addresses: [192.0.2.7], user-header: x-user }'), options);
    for (const name of ['craft', 'ruler', 'my-rule:x']) expect(await authenticate(credentials({ headers: { 'x-user': name } }))).toMatchObject({ principal: { name } });
  });
});

describe('guessing of the password', () => {
  it('is not limited where it is hopeless, so that a build that fails on purpose locks nobody out at its address', async () => {
    const controlAuth = `craft:${'k'.repeat(20)}`;
    const { authenticate } = await createAuthenticator(read('failed-logins-per-minute: 1'), { ...options, controlAuth, now: () => 0 });
    for (let count = 0; count < 5; count += 1) await expect(authenticate(credentials({ authorization: basic('craft:wrong') }))).rejects.toMatchObject({ code: 'unauthorized' });
    expect(await authenticate(credentials({ authorization: basic(controlAuth) }))).toMatchObject({ principal: { by: 'control' } });
  });

  it('ends for an address that was wrong too often, comes back with time, and concerns no other address', async () => {
    let time = 0;
    const seen: TriedLogin[] = [];
    const { authenticate } = await createAuthenticator(read('failed-logins-per-minute: 6'), { ...options, now: () => time, onLogin: (login) => void seen.push(login) });
    const guess = (password: string, peerAddress: string): Promise<unknown> => authenticate(credentials({ authorization: basic(`craft:${password}`), peerAddress }));
    for (let count = 0; count < 6; count += 1) await expect(guess('wrong', '2001:db8::1')).rejects.toMatchObject({ code: 'unauthorized' });
    // The right one is not tried either: its answer would tell.
    await expect(guess('secret', '2001:db8:0:0:ffff::2')).rejects.toMatchObject({ code: 'quota-exceeded', suggestion: expect.stringContaining('10 s'), cause: expect.objectContaining({ retryAfter: 10 }) });
    await expect(guess('secret', '2001:db8:0:1::1')).resolves.toBeDefined();
    await expect(guess('secret', '::ffff:192.0.2.1')).resolves.toBeDefined();
    time = 10_000;
    await expect(guess('secret', '2001:db8::1')).resolves.toBeDefined();
    await expect(guess('wrong', '2001:db8::1')).rejects.toMatchObject({ code: 'unauthorized' });
    await expect(guess('wrong', '2001:db8::1')).rejects.toMatchObject({ code: 'quota-exceeded' });
    expect(seen.map(({ outcome }) => outcome)).toEqual([...Array<string>(6).fill('refused'), 'too-many', 'accepted', 'accepted', 'accepted', 'refused', 'too-many']);
    expect(seen.at(-1)?.reason).toBe('too many failed logins from this address');
    expect(JSON.stringify(seen)).not.toMatch(/secret|wrong:|craft:/);
  });

  it('counts an IPv4 address that came by IPv6 as what it is', async () => {
    const { authenticate } = await createAuthenticator(read('failed-logins-per-minute: 1'), { ...options, now: () => 0 });
    const guess = (peerAddress: string): Promise<unknown> => authenticate(credentials({ authorization: basic('craft:x'), peerAddress }));
    await expect(guess('::ffff:192.0.2.1')).rejects.toMatchObject({ code: 'unauthorized' });
    await expect(guess('192.0.2.1')).rejects.toMatchObject({ code: 'quota-exceeded' });
    await expect(guess('::ffff:192.0.2.2')).rejects.toMatchObject({ code: 'unauthorized' });
  });
});

describe('the settings', () => {
  it.each([
    ['nobody could log in', 'control: false', /lets nobody in/],
    ['an issuer in the clear', 'openid-connect: { issuer: "http://id.example", audience: [a] }', /openid-connect.issuer: must be https/],
    ['a password in a URL', 'openid-connect: { issuer: "https://me:too@id.example", audience: [a] }', /must not hold a user or a password/],
    ['no audience', 'openid-connect: { issuer: "https://id.example" }', /audience is missing/],
    ['no way to verify tokens', 'openid-connect: { issuer: "https://id.example", keys: false }', /needs introspection/],
    ['a shared secret as a key', 'openid-connect: { issuer: "https://id.example", audience: [a], algorithms: [HS256] }', /algorithms\[0\]/],
    ['unsigned tokens', 'openid-connect: { issuer: "https://id.example", audience: [a], algorithms: [none] }', /algorithms\[0\]/],
    ['certificates without authorities', 'tls: { certificate-file: /c, key-file: /k, client-certificates: optional }', /needs client-authorities-file/],
    ['a front end everywhere', 'front-end: { addresses: [], user-header: X-User }', /front-end.addresses/],
    ['a front end at a name', 'front-end: { addresses: [proxy.example], user-header: X-User }', /must be an address or a CIDR/],
    ['a front end that says nothing', 'front-end: { addresses: [127.0.0.1] }', /needs user-header/],
    ['a header that clients send', 'front-end: { addresses: [127.0.0.1], user-header: Authorization }', /of the front end's own/],
    ['a directory password in the clear', 'ldap-groups: { url: "ldap://d.example", bind-dn: cn=a, bind-password: { env: P }, searches: [{ base: dc=x, filter: "(uid={user})" }] }', /in the clear/],
    ['a filter without the name', 'ldap-groups: { url: "ldap://d.example", searches: [{ base: dc=x, filter: "(uid=*)" }] }', /must have \{user\}/],
    ['a service without host', 'kerberos: { keytab-file: /k, realm: R, services: [HTTP] }', /must be as HTTP\/host.example/],
    ['an unknown key', 'kerberos: { keytab: /k }', /kerberos.keytab: unknown key/],
  ])('refuse %s', (_name, text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});
