import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ComposeRequest } from '../../compose/compose-request.js';
import { isMillraceError } from '../../errors/millrace-error.js';
import { parseSettingsFile } from '../../settings-file/read-settings-file.js';
import { composeRequest } from '../../testing/compose-request.js';
import { accessSettingsFile } from '../access-settings.js';
import type { Principal } from '../principal.js';
import { createAuthorization } from './authorization.js';
import { authorizationSchema } from './authorization-schema.js';
import type { AllowedAttributes, AuthorizationSettings } from './authorization-schema.js';

const principal = (name: string, groups: readonly string[] = []): Principal => ({ name, groups, by: 'bearer', scopes: undefined });
const settings = (input: object): AuthorizationSettings => authorizationSchema.parse(input);

describe('the rules of attributes', () => {
  const values = { source_types: ['tag', 'repo', 'build'], flags: ['no_deps', 'check_deps'], arches: ['x86_64', 's390x', 'aarch64'], target_dirs: ['one', 'two'] } as const;
  const list = (of: readonly string[]) => fc.oneof(fc.constant<string[]>(['']), fc.uniqueArray(fc.constantFrom(...of)));
  const entry = fc.record({ source_types: list(values.source_types), flags: list(values.flags), arches: list(values.arches), target_dirs: list(values.target_dirs) }, { requiredKeys: [] }) as fc.Arbitrary<AllowedAttributes>;
  const people = ['ann', 'bob'] as const;
  const groups = ['g1', 'g2', 'g3'] as const;
  const clients = fc.record({ users: fc.dictionary(fc.constantFrom(...people), entry), groups: fc.dictionary(fc.constantFrom(...groups), entry) });
  const request = fc
    .record({ sourceType: fc.constantFrom(...values.source_types), flags: fc.uniqueArray(fc.constantFrom(...values.flags)), arches: fc.uniqueArray(fc.constantFrom(...values.arches), { minLength: 1 }), targetDir: fc.constantFrom('default', ...values.target_dirs) })
    .map((change) => composeRequest({ source: ['x'], ...change }));
  const caller = fc.record({ name: fc.constantFrom(...people, 'eve'), groups: fc.uniqueArray(fc.constantFrom(...groups, 'g4')) });
  const world = fc.record({ clients, allowed: entry, admins: fc.uniqueArray(fc.constantFrom(...people)), caller, request });

  /** As section 2 of the contract tells it, on bit masks of what is allowed instead of lists: another way to the same. */
  function model({ clients, allowed, admins, caller, request }: { clients: AuthorizationSettings['composes']['allowed_clients']; allowed: AllowedAttributes; admins: readonly string[]; caller: { name: string; groups: readonly string[] }; request: ComposeRequest }): boolean {
    const defaults: Record<keyof typeof values, readonly string[]> = { source_types: ['tag', 'module', 'build'], flags: [''], arches: ['x86_64'], target_dirs: [] };
    const mask = (all: readonly string[], some: readonly string[]): number => some.reduce((sum, each) => sum | (1 << all.indexOf(each)), 0);
    const wanted = { source_types: [request.sourceType], flags: request.flags, arches: request.arches, target_dirs: request.targetDir === 'default' ? [] : [request.targetDir] } as const;
    const passes = (rules: AllowedAttributes): boolean =>
      (Object.keys(values) as (keyof typeof values)[]).every((key) => {
        const list = rules[key] ?? allowed[key] ?? defaults[key];
        const permitted = list.length === 1 && list[0] === '' ? -1 : mask(values[key], list.filter((each) => (values[key] as readonly string[]).includes(each)));
        return (mask(values[key], wanted[key]) & ~permitted) === 0;
      });
    const own = clients.users[caller.name];
    const shared = caller.groups.filter((group) => group in clients.groups);
    if (own === undefined && shared.length === 0) return false;
    if (admins.includes(caller.name)) return true;
    return own === undefined ? shared.some((group) => passes(clients.groups[group] ?? {})) : passes(own);
  }

  it('are those of ODCS, for whatever settings, client and request', () => {
    fc.assert(
      fc.property(world, (given) => {
        const { clients, allowed, admins, caller, request } = given;
        const authorization = createAuthorization(settings({ composes: { allowed_clients: clients, allowed, admins: { users: admins } } }));
        const who = principal(caller.name, caller.groups);
        expect(allows(() => (authorization.requireRole(who, 'composes', 'writer'), authorization.requireRequest(who, request)))).toBe(model(given));
      }),
      { numRuns: 2000 },
    );
  });

  it('never allow less when an entry lists more', () => {
    fc.assert(
      fc.property(world, fc.constantFrom(...values.arches), ({ clients, caller, request }, more) => {
        const wider = { users: mapped(clients.users, more), groups: mapped(clients.groups, more) };
        const before = createAuthorization(settings({ composes: { allowed_clients: clients } }));
        const after = createAuthorization(settings({ composes: { allowed_clients: wider } }));
        const who = principal(caller.name, caller.groups);
        if (allows(() => before.requireRequest(who, request))) expect(allows(() => after.requireRequest(who, request))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  function mapped(entries: Readonly<Record<string, AllowedAttributes>>, more: string): Record<string, AllowedAttributes> {
    return Object.fromEntries(Object.entries(entries).map(([name, rules]) => [name, rules.arches === undefined || rules.arches[0] === '' ? rules : { ...rules, arches: [...rules.arches, more] }]));
  }

  it('keep what refuses short, however much is refused', () => {
    const authorization = createAuthorization(settings({ composes: { allowed_clients: { users: { ann: { sources: ['a'] } } } } }));
    const request = composeRequest({ sourceType: 'tag', source: ['x'.repeat(60_000)] });
    expect(refusalOf(() => authorization.requireRequest(principal('ann'), request)).length).toBeLessThan(5000);
  });
});

describe('roles', () => {
  const authorization = createAuthorization(settings({ roles: { sessions: { reader: { groups: ['r'] }, writer: { users: ['w'] }, admin: { users: ['a'] } } } }));

  it('include those below them, of their own capability alone', () => {
    const held = (who: Principal): unknown => authorization.rolesOf(who);
    const none = { sessions: [], composes: [], repositories: [], cache: [], service: [] };
    expect(held(principal('x', ['r']))).toEqual({ ...none, sessions: ['reader'] });
    expect(held(principal('w'))).toEqual({ ...none, sessions: ['reader', 'writer'] });
    expect(held(principal('a'))).toEqual({ ...none, sessions: ['reader', 'writer', 'admin'] });
    expect(held(principal('r'))).toEqual(none);
  });

  it('are all of the control credentials, by their proof and never by their name', () => {
    const all = ['reader', 'writer', 'admin'];
    expect(authorization.rolesOf({ ...principal('craft'), by: 'control' })).toEqual({ sessions: all, composes: all, repositories: all, cache: all, service: all });
    expect(authorization.rolesOf(principal('craft')).sessions).toEqual([]);
  });
});

describe('quotas', () => {
  const authorization = createAuthorization(
    settings({ quotas: { default: { composes: 2, bytes: '1 GiB' }, users: { ann: { composes: 9 } }, groups: { small: { composes: 1, seconds_to_live: 60 }, large: { composes: 5, bytes: '1.5 TiB', seconds_to_live: 600 } } } }),
  );
  it.each<[string, Principal, object]>([
    ['the default', principal('eve'), { composes: 2, bytes: 1024 ** 3, secondsToLive: undefined }],
    ['the user’s own, and the default for the rest', principal('ann'), { composes: 9, bytes: 1024 ** 3, secondsToLive: undefined }],
    ['of the groups the largest', principal('eve', ['small', 'large', 'others']), { composes: 5, bytes: 1.5 * 1024 ** 4, secondsToLive: 600 }],
    ['of one group what it says, also when that is less', principal('eve', ['small']), { composes: 1, bytes: 1024 ** 3, secondsToLive: 60 }],
    ['the user’s own before the groups’', principal('ann', ['large']), { composes: 9, bytes: 1.5 * 1024 ** 4, secondsToLive: 600 }],
    ['none for the control credentials', { ...principal('ann'), by: 'control' }, { composes: undefined, bytes: undefined, secondsToLive: undefined }],
  ])('are %s', (_what, who, expected) => {
    expect(authorization.quotaOf(who)).toEqual(expected);
  });
});

describe('the settings', () => {
  const mistakesOf = (yaml: string): string => refusalOf(() => parseSettingsFile(yaml, 'access.yaml', accessSettingsFile));
  it.each<[string, string]>([
    ['authorization: {composes: {allowed_clients: {ann: {}}}}', 'authorization.composes.allowed_clients.ann: unknown key'],
    ['authorization: {composes: {allowed_clients: {users: {ann: {source: [f44]}}}}}', 'authorization.composes.allowed_clients.users.ann.source: unknown key'],
    ['authorization: {composes: {allowed_clients: {users: {ann: {sources: f44}}}}}', 'authorization.composes.allowed_clients.users.ann.sources: '],
    ['authorization: {composes: {allowed: {flags: [no_dependencies]}}}', 'authorization.composes.allowed.flags[0]: must be "" or one of: no_flags, no_deps'],
    ['authorization: {composes: {allowed: {arches: ["", x86_64]}}}', 'authorization.composes.allowed.arches: "" stands for anything, and is then the only item'],
    ['authorization: {roles: {session: {reader: {users: [ann]}}}}', 'authorization.roles.session: unknown key'],
    ['authorization: {roles: {sessions: {owner: {users: [ann]}}}}', 'authorization.roles.sessions.owner: unknown key'],
    ['authorization: {quotas: {default: {bytes: 10 GB}}}', 'authorization.quotas.default.bytes: must be a number of bytes, or a text such as "10 GiB"'],
    ['authorization: {quotas: {default: {composes: -1}}}', 'authorization.quotas.default.composes: '],
    ['authorization: {reads: {composes: everybody}}', 'authorization.reads.composes: '],
  ])('%s are refused with the place of the mistake', (yaml, mistake) => {
    expect(mistakesOf(yaml)).toContain(`access.yaml: `);
    expect(mistakesOf(yaml)).toContain(mistake);
  });

  it('name every mistake at once', () => {
    expect(mistakesOf('authorization: {roles: {x: 1}, quotas: {default: {y: 1}}, reads: {z: 1}}').split('; ')).toHaveLength(3);
  });

  it('take a client without restrictions of its own as a name alone', () => {
    const { authorization } = parseSettingsFile('authorization:\n  composes:\n    allowed_clients:\n      users:\n        ann:\n', 'access.yaml', accessSettingsFile);
    expect(createAuthorization(authorization).hasRole(principal('ann'), 'composes', 'writer')).toBe(true);
  });
});

function allows(work: () => unknown): boolean {
  return refusalOf(work) === '';
}

function refusalOf(work: () => unknown): string {
  try {
    work();
    return '';
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    return error.message;
  }
}
