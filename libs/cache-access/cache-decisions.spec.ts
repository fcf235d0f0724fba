import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { authorizationSchema } from '../access/authorization/authorization-schema.js';
import { instanceAccessSchema } from './cache-access-schema.js';
import { compileRules, isPlainKey } from './cache-decisions.js';
import type { CacheIdentity } from './cache-identity.js';

const nobody: CacheIdentity = { name: 'x', principal: undefined, subject: undefined, sshKey: undefined, token: undefined, claims: undefined, session: undefined, counted: 'x' };
const authorization = authorizationSchema.parse({});
const job = (values: object, issuer = 'forge'): CacheIdentity => ({ ...nobody, claims: { issuer, values: { ...values } } });

describe('claims of a CI job', () => {
  const rules = compileRules(
    instanceAccessSchema.parse({ pull: 'known', push: [{ claims: [{ issuer: 'forge', match: { repository: 'farm/*', ref: 'refs/heads/main' } }] }, { claims: [{ issuer: 'forge', match: { protected: 'true', groups: 'release-*' } }] }] }),
    authorization,
  );

  it.each([
    ['that fit push', job({ repository: 'farm/app', ref: 'refs/heads/main' }), true],
    ['of another branch do not', job({ repository: 'farm/app', ref: 'refs/heads/main2' }), false],
    ['of a project below do not', job({ repository: 'farm/app/fork', ref: 'refs/heads/main' }), false],
    ['of another owner do not', job({ repository: 'evil/farm/app', ref: 'refs/heads/main' }), false],
    ['in another case do not', job({ repository: 'Farm/app', ref: 'refs/heads/main' }), false],
    ['without one of them do not', job({ repository: 'farm/app' }), false],
    ['of another issuer do not', job({ repository: 'farm/app', ref: 'refs/heads/main' }, 'other'), false],
    ['that are flags and lists fit by an item', job({ protected: true, groups: ['x', 'release-1'] }), true],
    ['that are objects fit nothing', job({ protected: { toString: 'true' }, groups: [['release-1']] }), false],
    ['that are inherited fit nothing', { ...nobody, claims: { issuer: 'forge', values: Object.create({ protected: true, groups: 'release-1' }) as Record<string, unknown> } }, false],
  ])('%s, and only then its caller is known', (_name, identity, expected) => {
    expect(rules.mayPush(identity, { kind: 'blob', key: 'k' })).toBe(expected);
    expect(rules.mayPull(identity)).toBe(expected);
  });
});

describe('sessions', () => {
  it('push by who has opened them, or all', () => {
    const mayPush = (owners: readonly string[], owner: string): boolean => compileRules(instanceAccessSchema.parse({ push: [{ sessions: owners }] }), authorization).mayPush({ ...nobody, session: { id: 's', owner } });
    expect([mayPush(['ci'], 'ci'), mayPush(['ci'], 'other'), mayPush(['*'], 'other'), mayPush(['ci'], '*')]).toEqual([true, false, true, false]);
  });
});

describe('a grant with prefixes', () => {
  const rules = compileRules(instanceAccessSchema.parse({ push: [{ tokens: ['t'], prefixes: ['urn:app:', 'https://farm.test/app/'] }] }), authorization);
  const mayPush = (key: string): boolean => rules.mayPush({ ...nobody, token: 't' }, { kind: 'blob', key });

  it('covers keys below them and nothing that any reader of paths would find elsewhere', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '/', '.', '%', '2', 'e', 'E', 'f', '5', 'c', '\\', ':', '\0') }), (rest) => {
        if (!mayPush(`https://farm.test/app/${rest}`)) return;
        const read = new URL(`https://farm.test/app/${rest}`).pathname;
        expect(read.startsWith('/app/')).toBe(true);
        expect(decodeURIComponentTwice(read).split(/[/\\]/)).not.toContain('..');
      }),
    );
    expect([mayPush('urn:app:x'), mayPush('https://farm.test/app/x?y=1#z'), mayPush('urn:app'), mayPush(' urn:app:x'), mayPush('urn%3Aapp:x')]).toEqual([true, true, false, false, false]);
  });

  it.each(['a/./b', 'a/../b', '..', 'a:..:b', 'a%2E%2e/b', 'a%252e/b', 'a%2fb', 'a%5Cb', 'a\\b', 'a\0b', 'a\nb', 'a\u200bb'])('covers no key such as %j', (key) => expect(isPlainKey(key)).toBe(false));
  it.each(['a/b', 'a..b/c', '.config/x', 'a/...', 'https://x.test//y', 'ünï/ß', 'sha256:ab/12'])('takes %j as it is', (key) => expect(isPlainKey(key)).toBe(true));
});

function decodeURIComponentTwice(text: string): string {
  try {
    return decodeURIComponent(decodeURIComponent(text));
  } catch {
    return text;
  }
}
