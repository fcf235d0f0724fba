import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { SessionSecret } from '../../session/session-secrets.js';
import { applySecret, keystoneBodyLimit } from './apply-secret.js';
import { compileGlob } from '../../policy/glob.js';
import { compileUrlGlob, matchSecret } from './match-secret.js';

/** The meaning of a glob as a regular expression: correct on short texts, but with the backtracking that the real matcher must not have. */
function oracle(pattern: string): RegExp {
  let source = '';
  for (let rest = pattern; rest !== ''; ) {
    const part = /^(?:\/\*\*+$|\/\*\*+(?=\/)|\*\*+|\*|\?|\\[\s\S]|[\s\S])/.exec(rest)?.[0] ?? rest;
    if (/^\/\*\*+$/.test(part)) source += '(?:/[\\s\\S]*)?';
    else if (/^\/\*\*+/.test(part)) source += '(?:/[\\s\\S]*)?';
    else if (/^\*\*/.test(part)) source += '[\\s\\S]*';
    else if (part === '*') source += '[^/]*';
    else if (part === '?') source += '[^/]';
    else source += part.slice(-1).replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
    rest = rest.slice(part.length);
  }
  return new RegExp(`^${source}$`);
}

describe('compileGlob', () => {
  it.each([
    ['a/*', 'a/b', true], ['a/*', 'a/b/c', false], ['a/*', 'a/', true], ['a/**', 'a/b/c', true], ['a/**', 'a', true], ['a/**', 'ab', false], ['a/**/b', 'a/b', true], ['a/**/b', 'a/x/y/b', true], ['a/**/b', 'axb', false],
    ['**', '', true], ['*', '', true], ['*', '/', false], ['?', 'x', true], ['?', '/', false], ['\\*', '*', true], ['\\*', 'x', false], ['a*b*c', 'aXbYc', true], ['a*b*c', 'aXbY', false], ['', '', true], ['', 'x', false],
    ['*.tar.?z', 'x.tar.gz', true], ['[ab]{c}', '[ab]{c}', true], ['a.c', 'abc', false], ['\\', '\\', true],
  ])('%s on %s: %s', (pattern, text, expected) => expect(compileGlob(pattern)(text)).toBe(expected));

  it('agrees with its meaning as a regular expression', () => {
    const letters = (units: string, maxLength: number) => fc.string({ unit: fc.constantFrom(...units.split('')), maxLength });
    fc.assert(fc.property(letters('ab/***?', 9), letters('ab/', 9), (pattern, text) => {
      expect([pattern, text, compileGlob(pattern)(text)]).toEqual([pattern, text, oracle(pattern).test(text)]);
    }), { numRuns: 20_000 });
  });

  it('takes linear time where backtracking explodes', () => {
    const started = performance.now();
    const text = 'a'.repeat(16_000);
    for (const pattern of ['*a'.repeat(60) + 'b', '**a'.repeat(60) + 'b', '**/*a'.repeat(30) + 'b', '?'.repeat(2000), `${'a'.repeat(2000)}*b`]) expect(compileGlob(pattern)(text)).toBe(false);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it('matches nothing with too many wildcards or too long a pattern', () => {
    expect(compileGlob('*'.repeat(3000))('a')).toBe(false);
    expect(compileGlob('*a'.repeat(65))('a'.repeat(65))).toBe(false);
  });
});

const secret = (url: string, credentials = 'u:p'): SessionSecret => ({ type: 'basic-auth', url, credentials });

describe('matchSecret', () => {
  it('gives the first that matches', () => {
    const secrets = [secret('https://a.org:443/x/*'), secret('https://a.org:443/**'), secret('https://**')];
    expect(matchSecret(secrets, 'https://a.org:443/x/y')).toBe(secrets[0]);
    expect(matchSecret(secrets, 'https://a.org:443/x/y/z?q=/')).toBe(secrets[1]);
    expect(matchSecret(secrets, 'https://b.org:443/x')).toBeUndefined();
    expect(matchSecret([], 'https://b.org:443/x')).toBeUndefined();
  });

  it.each([
    ['https://github.example:443/org/repo.git/**', 'https://github.example:443/org/repo.git/info/refs?service=git-upload-pack', true],
    ['https://github.example:443/org/repo.git/**', 'https://github.example:443/org/repo.gitx/info', false],
    ['https://GitHub.example:443/Org/**', 'https://github.example:443/Org/x', true],
    ['https://*.example.org:443/**', 'https://a.example.org:443/x', true],
    ['https://*.example.org:443/**', 'https://evil.test:443/x.example.org:443/y', false],
    ['https://**.example.org:443/**', 'https://evil.test:443/x.example.org:443/y', false],
    ['https://**/secret', 'https://evil.test:443/secret', true],
    ['https://a.org:443/org/**', 'https://a.org:443/org/../other', false],
    ['https://a.org:443/org/**', 'https://a.org:443/org/%2E%2e/other', false],
    ['https://a.org:443/org/**', 'https://a.org:443/org/.%2e%2fother', false],
    ['https://a.org:443/org/**', 'https://a.org:443/org/..', false],
    ['https://a.org:443/org/**', 'https://a.org:443/org/a..b/.c?x=/../', true],
    ['https://a.org:443*', 'https://a.org:4430/', false],
    ['https://a.org*', 'https://a.org.evil.test:443/', false],
    ['https://a.org:443/**', 'http://a.org/', false],
  ])('%s on %s: %s', (pattern, url, expected) => expect(matchSecret([secret(pattern)], url) !== undefined).toBe(expected));

  it('never gives the credentials of one host to another', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'*a./?:'.split('')), maxLength: 20 }), fc.webPath(), (tail, path) => {
      expect(compileUrlGlob(`https://good.org:443/${tail}`)(`https://evil.org:443${path}/https://good.org:443/${tail}`)).toBe(false);
    }));
  });
});

describe('applySecret', () => {
  const get = { method: 'GET', path: '/x' };

  it('makes a basic Authorization of any credentials', () => {
    expect(applySecret(secret('**', 'üser:p\r\nass'), get)).toEqual({ kind: 'authorization', value: `Basic ${Buffer.from('üser:p\r\nass').toString('base64')}` });
  });

  it('makes a macaroon Authorization', () => {
    expect(applySecret({ type: 'macaroon', url: '**', credentials: 'root="a", discharge="b"' }, get)).toEqual({ kind: 'authorization', value: 'Macaroon root="a", discharge="b"' });
    expect(applySecret({ type: 'macaroon', url: '**', credentials: 'Macaroon abc\n' }, get)).toEqual({ kind: 'authorization', value: 'Macaroon abc' });
  });

  it.each(['a\r\nHost: evil', 'a\nb', 'ä', '', '\0'])('refuses a macaroon that is no field value: %j', (credentials) => {
    const result = applySecret({ type: 'macaroon', url: '**', credentials }, get);
    expect(result).toMatchObject({ kind: 'refuse', status: 502 });
    expect(JSON.stringify(result)).not.toContain('evil');
  });

  it('writes user and password into a keystone request, keeping domain and scope', () => {
    const keystone: SessionSecret = { type: 'keystone-v3', url: '**', credentials: 'build:s3:cret' };
    const injection = applySecret(keystone, { method: 'POST', path: '/identity/v3/auth/tokens' });
    if (injection.kind !== 'body') throw new Error(injection.kind);
    expect(injection.limit).toBe(keystoneBodyLimit);
    const scope = { project: { name: 'p' } };
    const sent = { auth: { identity: { methods: ['password', 'totp'], totp: {}, password: { user: { id: 'x', name: 'y', password: 'z', domain: { name: 'Farm' } } } }, scope } };
    const result = injection.rewrite(Buffer.from(JSON.stringify(sent)));
    expect(result.ok && JSON.parse(result.body.toString())).toEqual({ auth: { identity: { methods: ['password'], password: { user: { name: 'build', domain: { name: 'Farm' }, password: 's3:cret' } } }, scope } });
    const bare = injection.rewrite(Buffer.from('{"auth":{}}'));
    expect(bare.ok && JSON.parse(bare.body.toString())).toMatchObject({ auth: { identity: { password: { user: { name: 'build', domain: { id: 'default' } } } } } });
    for (const body of ['', '[]', 'null', '{"auth":1}', '{"auth":[]}', '{', '\xff']) expect(injection.rewrite(Buffer.from(body))).toMatchObject({ ok: false, status: 400 });
  });

  it('leaves every other request to keystone alone', () => {
    const keystone: SessionSecret = { type: 'keystone-v3', url: '**', credentials: 'a:b' };
    for (const request of [{ method: 'GET', path: '/v3/auth/tokens' }, { method: 'POST', path: '/v3/users' }, { method: 'POST', path: '/v3/auth/tokens/x' }]) expect(applySecret(keystone, request)).toEqual({ kind: 'none' });
  });
});
