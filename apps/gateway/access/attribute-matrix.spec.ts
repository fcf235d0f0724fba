import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { named, namedCallers } from '../__fixtures__/named-callers.js';
import { startTestGateway } from '../__fixtures__/test-gateway.js';
import type { TestGateway } from '../__fixtures__/test-gateway.js';

// What each client may ask for, as the settings say it, and beside it as a model of its own says it: `true` stands for anything.
const yaml = `
authorization:
  composes:
    allowed_clients:
      users:
        plain:
        broad: {source_types: [""], flags: [""], results: [""], arches: [""], target_dirs: [""], sources: [""]}
        narrow: {source_types: [tag, raw_config], sources: [f44, "eln#abc"], flags: [no_deps], results: [iso], arches: [x86_64, s390x], compose_types: [test], target_dirs: [private], raw_config_keys: [eln],
                 multilib_arches: [], lookaside_repos: ["http://packages.test/extra"], builds: [bash-5-1], modular_koji_tags: [], scratch_modules: [], scratch_build_tasks: ["7"]}
        mute: {source_types: [], sources: []}
      groups:
        taggers: {source_types: [tag], flags: []}
        repairers: {source_types: [repo], arches: [""], compose_types: [nightly, test]}
    admins: {users: [chief]}
    allowed: {arches: [x86_64, aarch64], builds: [bash-5-1, zlib-1-1]}
  roles: {composes: {writer: {users: [extra]}}}
`;

type Attribute = 'source_types' | 'sources' | 'flags' | 'results' | 'arches' | 'compose_types' | 'target_dirs' | 'raw_config_keys' | 'multilib_arches' | 'lookaside_repos' | 'builds' | 'modular_koji_tags' | 'scratch_modules' | 'scratch_build_tasks';
type Permission = Readonly<Record<Attribute, true | readonly string[]>>;

const everybody: Permission = {
  source_types: ['tag', 'module', 'build'],
  sources: true,
  flags: true,
  results: true,
  arches: ['x86_64', 'aarch64'],
  compose_types: true,
  target_dirs: [],
  raw_config_keys: true,
  multilib_arches: true,
  lookaside_repos: true,
  builds: ['bash-5-1', 'zlib-1-1'],
  modular_koji_tags: true,
  scratch_modules: true,
  scratch_build_tasks: true,
};
const narrow: Permission = {
  source_types: ['tag', 'raw_config'],
  sources: ['f44', 'eln#abc'],
  flags: ['no_deps'],
  results: ['iso'],
  arches: ['x86_64', 's390x'],
  compose_types: ['test'],
  target_dirs: ['private'],
  raw_config_keys: ['eln'],
  multilib_arches: [],
  lookaside_repos: ['http://packages.test/extra'],
  builds: ['bash-5-1'],
  modular_koji_tags: [],
  scratch_modules: [],
  scratch_build_tasks: ['7'],
};
const taggers = { ...everybody, source_types: ['tag'], flags: [] };
const repairers: Permission = { ...everybody, source_types: ['repo'], arches: true, compose_types: ['nightly', 'test'] };

/** Any of these is enough; none: no client. `true`: asked nothing. */
const clients: Readonly<Record<string, { readonly as: Readonly<Record<string, string>>; readonly may: true | readonly Permission[] }>> = {
  plain: { as: named({ name: 'plain' }), may: [everybody] },
  broad: { as: named({ name: 'broad' }), may: [{ ...everybody, source_types: true, flags: true, results: true, arches: true, target_dirs: true }] },
  narrow: { as: named({ name: 'narrow' }), may: [narrow] },
  'narrow, whose groups do not count': { as: named({ name: 'narrow', groups: ['taggers', 'repairers'] }), may: [narrow] },
  mute: { as: named({ name: 'mute' }), may: [{ ...everybody, source_types: [], sources: [] }] },
  tagger: { as: named({ name: 'ann', groups: ['taggers'] }), may: [taggers] },
  'tagger and repairer': { as: named({ name: 'ann', groups: ['others', 'taggers', 'repairers'] }), may: [taggers, repairers] },
  extra: { as: named({ name: 'extra' }), may: [everybody] },
  'extra and repairer': { as: named({ name: 'extra', groups: ['repairers'] }), may: [repairers, everybody] },
  'admin who is no client': { as: named({ name: 'chief' }), may: [] },
  'admin and tagger': { as: named({ name: 'chief', groups: ['taggers'] }), may: true },
  stranger: { as: named({ name: 'bob', groups: ['others'] }), may: [] },
  control: { as: named({ name: 'craft', by: 'control' }), may: true },
};

/** Requests as a client writes them, and which values of which attribute they ask for. Those that nothing is said of are asked for by none. */
interface Asked {
  readonly what: string;
  readonly body: { readonly source: Readonly<Record<string, unknown>>; readonly [field: string]: unknown };
  readonly wants: Readonly<Partial<Record<Attribute, readonly string[]>>>;
}

const types: readonly Asked[] = [
  { what: 'a tag', body: { source: { type: 'tag', source: 'f44' } }, wants: { source_types: ['tag'], sources: ['f44'] } },
  { what: 'other tags', body: { source: { type: 'tag', source: 'f44 f45' } }, wants: { source_types: ['tag'], sources: ['f44', 'f45'] } },
  { what: 'a module', body: { source: { type: 'module', source: 'nodejs:20' } }, wants: { source_types: ['module'], sources: ['nodejs:20'] } },
  { what: 'a repository', body: { source: { type: 'repo', source: 'http://packages.test/os' } }, wants: { source_types: ['repo'], sources: ['http://packages.test/os'] } },
  { what: 'content sets', body: { source: { type: 'pulp', source: 'rhel-9' } }, wants: { source_types: ['pulp'], sources: ['rhel-9'] } },
  { what: 'a configuration', body: { source: { type: 'raw_config', source: 'eln#abc' } }, wants: { source_types: ['raw_config'], sources: ['eln#abc'], raw_config_keys: ['eln'] } },
  { what: 'another configuration', body: { source: { type: 'raw_config', source: 'main#abc' } }, wants: { source_types: ['raw_config'], sources: ['main#abc'], raw_config_keys: ['main'] } },
  { what: 'builds', body: { source: { type: 'build', builds: ['bash-5-1'] } }, wants: { source_types: ['build'], sources: [''], builds: ['bash-5-1'] } },
  { what: 'a Pungi compose', body: { source: { type: 'pungi_compose', source: 'http://packages.test/compose/Everything' } }, wants: { source_types: ['pungi_compose'], sources: ['http://packages.test/compose/Everything'] } },
];

const variations: readonly { readonly what: string; readonly top?: object; readonly source?: object; readonly wants: Asked['wants'] }[] = [
  { what: 'as it is', wants: {} },
  { what: 'no_flags', top: { flags: ['no_flags'] }, wants: {} },
  { what: 'a flag', top: { flags: ['no_deps'] }, wants: { flags: ['no_deps'] } },
  { what: 'other flags', top: { flags: ['no_flags', 'no_deps', 'check_deps'] }, wants: { flags: ['no_deps', 'check_deps'] } },
  { what: 'an image', top: { results: ['iso'] }, wants: { results: ['iso'] } },
  { what: 'a boot image', top: { results: ['repository', 'boot.iso'] }, wants: { results: ['boot.iso'] } },
  { what: 'another architecture', top: { arches: ['aarch64'] }, wants: { arches: ['aarch64'] } },
  { what: 'two architectures', top: { arches: ['x86_64', 's390x'] }, wants: { arches: ['x86_64', 's390x'] } },
  { what: 'a type', top: { compose_type: 'nightly' }, wants: { compose_types: ['nightly'] } },
  { what: 'a target directory', top: { target_dir: 'private' }, wants: { target_dirs: ['private'] } },
  { what: 'the default directory', top: { target_dir: 'default' }, wants: {} },
  { what: 'multilib', top: { multilib_arches: ['x86_64'], multilib_method: ['devel'] }, wants: { multilib_arches: ['x86_64'] } },
  { what: 'a lookaside', top: { lookaside_repos: ['http://packages.test/extra'] }, wants: { lookaside_repos: ['http://packages.test/extra'] } },
  { what: 'another lookaside', top: { lookaside_repos: ['http://packages.test/extra', 'http://packages.test/more'] }, wants: { lookaside_repos: ['http://packages.test/extra', 'http://packages.test/more'] } },
  { what: 'builds on top', source: { builds: ['bash-5-1', 'zlib-1-1'] }, wants: { builds: ['bash-5-1', 'zlib-1-1'] } },
  { what: 'unknown builds', source: { builds: ['evil-1-1'] }, wants: { builds: ['evil-1-1'] } },
  { what: 'modular tags', source: { modular_koji_tags: ['f44-modular'] }, wants: { modular_koji_tags: ['f44-modular'] } },
  { what: 'scratch modules', source: { scratch_modules: ['x:1:2:3'] }, wants: { scratch_modules: ['x:1:2:3'] } },
  { what: 'scratch builds', source: { scratch_build_tasks: ['7'] }, wants: { scratch_build_tasks: ['7'] } },
  { what: 'what is not restricted', top: { label: 'RC-1.0', parent_pungi_compose_ids: ['a'], respin_of: 'b' }, source: { packages: ['bash'], sigkeys: ['abcd'], koji_event: 3 }, wants: {} },
];

/** Everything of a tag, a configuration and builds; of the others what their type alone makes of it. */
const varied = ['a tag', 'a configuration', 'builds'];

const requests: readonly Asked[] = types.flatMap((type) =>
  variations.slice(0, varied.includes(type.what) ? variations.length : 1).map(({ what, top, source, wants }) => ({
    what: `${type.what} with ${what}`,
    body: { ...type.body, ...top, source: { ...type.body.source, ...source } },
    wants: { arches: ['x86_64'], compose_types: ['test'], ...type.wants, ...wants },
  })),
);

function refused(permission: Permission, wants: Asked['wants']): readonly string[] {
  return (Object.keys(permission) as Attribute[]).flatMap((attribute) => {
    const allowed = permission[attribute];
    const bad = (wants[attribute] ?? []).filter((value) => allowed !== true && !allowed.includes(value));
    return bad.length === 0 ? [] : [`${attribute}=${bad[0] ?? ''}.`];
  });
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ dependencies: { access: namedCallers(yaml) }, environment: { MILLRACE_COMPOSE_TARGET_DIRS: 'private=/nowhere', MILLRACE_LOG_LEVEL: 'error' } });
});
afterAll(() => gateway.close());

const ask = async (caller: Readonly<Record<string, string>>, method: string, path: string, body: object): Promise<{ readonly status: number; readonly message: string; readonly id: number; readonly owner: string }> => {
  const answer = await fetch(`${gateway.url}${path}`, { method, headers: caller, body: JSON.stringify(body) });
  return { status: answer.status, ...((await answer.json()) as { message: string; id: number; owner: string }) };
};

describe('who may ask for which compose', () => {
  it.each(Object.entries(clients))(`%s, in ${requests.length} ways`, async (_client, { as, may }) => {
    const name = (JSON.parse(decodeURIComponent(as['authorization']?.slice('Named '.length) ?? '')) as { name: string }).name;
    const wrong: string[] = [];
    let taken = 0;
    for (const { what, body, wants } of requests) {
      const { status, message, owner } = await ask(as, 'POST', '/api/1/composes/', body);
      const reasons = may === true ? [] : may.map((permission) => refused(permission, wants));
      const allowed = may === true || reasons.some((reason) => reason.length === 0);
      if (allowed) taken += 1;
      if (allowed ? status !== 200 || owner !== name : status !== 403) wrong.push(`${what}: ${allowed ? 'allowed' : 'refused'} expected, ${status} ${message}`);
      if (allowed || status !== 403) continue;
      const told = message.split(`User ${name} not allowed to operate with compose with `).slice(1).map((text) => text.trim());
      const expected = [...new Set(reasons.flat())];
      if (expected.length > 0 && told.toSorted().join('|') !== expected.toSorted().join('|')) wrong.push(`${what}: told ${message}, not ${expected.join(' ')}`);
      if (expected.length === 0 && message !== `User ${name} is not in role allowed_clients.`) wrong.push(`${what}: told ${message}`);
    }
    expect(wrong).toEqual([]);
    // The table would show nothing if everybody were refused everything, or nothing.
    expect({ some: taken > 0, all: taken === requests.length }).toEqual(may === true ? { some: true, all: true } : { some: may.some((each) => each.source_types === true || each.source_types.length > 0), all: false });
  }, 60_000);

  it('renewals are judged by the same rules, target directory and all', async () => {
    const wrong: string[] = [];
    for (const { what, body, wants } of requests) {
      const { id } = await ask(clients['control']?.as ?? {}, 'POST', '/api/1/composes/', body);
      gateway.composes.set(id, { state: 'done' });
      for (const [client, { as, may }] of Object.entries(clients).filter(([client]) => ['narrow', 'tagger and repairer', 'broad', 'stranger'].includes(client))) {
        const allowed = may === true || may.some((permission) => refused(permission, wants).length === 0);
        const { status, message } = await ask(as, 'PATCH', `/api/1/composes/${id}`, {});
        if (status !== (allowed ? 200 : 403)) wrong.push(`${what} by ${client}: ${status} ${message}`);
      }
    }
    expect(wrong).toEqual([]);
  }, 60_000);
});
