import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ComposeRequest } from '../../../libs/compose/compose-request.js';
import type { ComposeState } from '../../../libs/compose/compose-vocabulary.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { composeRequest } from '../../../libs/testing/compose-request.js';
import { named, namedCallers } from '../__fixtures__/named-callers.js';
import { startTestGateway } from '../__fixtures__/test-gateway.js';
import type { TestGateway } from '../__fixtures__/test-gateway.js';

const base = 'https://odcs.example/';
const narrow = "{source_types: [module, pungi_compose], sources: ['nodejs:20', 'http://packages.test/c/Everything'], builds: [bash-5-1]}";
const yaml = `
authorization:
  composes:
    allowed_clients: {users: {owner: {}, other: {}, chief: {}, limited: {}, narrow: ${narrow}, narrower: ${narrow}}, groups: {packagers: {}}}
    admins: {users: [chief, boss]}
    scope_base: ${base}
  quotas: {default: {composes: 1000}, users: {limited: {seconds_to_live: 600, composes: 0}, other: {seconds_to_live: 999999999}}}
`;
const own = { composes: { owner: named({ name: 'owner' }), other: named({ name: 'other' }), chief: named({ name: 'chief' }), boss: named({ name: 'boss' }), control: named({ name: 'craft', by: 'control' }) } };
type Caller = keyof typeof own.composes;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ dependencies: { access: namedCallers(yaml) } });
});
afterAll(() => gateway.close());

interface Answered {
  readonly status: number;
  readonly json: Readonly<Record<string, unknown>>;
  readonly headers: Headers;
}

async function call(method: string, path: string, headers: Readonly<Record<string, string>>, body: unknown = {}): Promise<Answered> {
  const answer = await fetch(`${gateway.url}/api/1${path}`, { method, headers, ...(method === 'GET' || method === 'DELETE' ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }) });
  return { status: answer.status, json: (await answer.json()) as Answered['json'], headers: answer.headers };
}

async function compose(state: ComposeState): Promise<number> {
  const { id } = (await gateway.composes.commands.request(composeRequest({ sourceType: 'tag', source: ['f44'], builds: ['bash-5-1'], modules: ['nodejs:20'], sigkeys: ['aaaa', 'bbbb'], label: 'RC-1.0' }), { owner: 'owner' })).compose;
  return gateway.composes.set(id, { state }).id;
}

describe('DELETE', () => {
  const cancelled = (id: number): string => `Compose (id=${id}) has been canceled`;
  const accepted = (id: number): string => `The delete request for compose (id=${id}) has been accepted and will be processed by backend later.`;
  const others = (id: number): string => `Compose (id=${id}) can not be canceled, it's owned by someone else.`;
  const noAdmin = (): string => 'User other is not in role admins.';
  const settled = (id: number): string => `Compose (id=${id}) can not be removed, its state need to be in ['done', 'failed'].`;

  it.each<[ComposeState, Caller, number, (id: number) => string]>([
    ['wait', 'owner', 202, cancelled],
    ['wait', 'other', 403, others],
    ['wait', 'chief', 202, cancelled],
    ['wait', 'boss', 202, cancelled],
    ['wait', 'control', 202, cancelled],
    ['generating', 'owner', 202, cancelled],
    ['generating', 'other', 403, others],
    ['generating', 'chief', 202, cancelled],
    ['done', 'owner', 202, accepted],
    ['done', 'other', 403, noAdmin],
    ['done', 'boss', 202, accepted],
    ['failed', 'owner', 202, accepted],
    ['failed', 'other', 403, noAdmin],
    ['failed', 'control', 202, accepted],
    ['removed', 'owner', 400, settled],
    ['removed', 'other', 403, noAdmin],
  ])('of a compose in %s by its %s is answered with %i', async (state, caller, status, message) => {
    const id = await compose(state);
    const before = gateway.composes.held.get(id);
    const answer = await call('DELETE', `/composes/${id}`, own.composes[caller]);
    expect([answer.status, answer.json['message']]).toEqual([status, message(id)]);
    if (status === 403) expect(gateway.composes.held.get(id)).toBe(before);
  });

  it('of a compose that nobody has is a 404 for everybody', async () => {
    expect((await call('DELETE', '/composes/99999', own.composes.other)).status).toBe(404);
  });

  it('is told with the name of who did it', async () => {
    const id = await compose('done');
    await call('DELETE', `/composes/${id}`, own.composes.boss);
    expect(gateway.composes.held.get(id)?.removedBy).toBe('boss');
  });
});

describe('PATCH', () => {
  const changes: readonly [string, object, boolean][] = [
    ['nothing', {}, false],
    ['a longer life', { seconds_to_live: 7200 }, false],
    ['the label that it has', { label: 'RC-1.0' }, false],
    ['the keys that it has', { sigkeys: ['aaaa', 'bbbb'] }, false],
    ['the builds that it has', { source: { builds: ['bash-5-1'] } }, false],
    ['no builds, as ODCS takes it', { source: { builds: [], modules: [] } }, false],
    ['another label', { label: 'RC-1.1' }, true],
    ['other keys', { sigkeys: ['cccc'] }, true],
    ['the keys in another order', { sigkeys: ['bbbb', 'aaaa'] }, true],
    ['other builds', { source: { builds: ['evil-1-1'] } }, true],
    ['other modules', { source: { modules: ['nodejs:22'] } }, true],
  ];

  it.each(changes.flatMap(([what, body, changing]) => (['done', 'failed', 'removed'] as const).map((state) => [what, state, body, changing] as const)))('with %s, of a compose that is %s', async (_what, state, body, changing) => {
    for (const [caller, headers] of Object.entries(own.composes)) {
      const id = await compose(state);
      const { status, json } = await call('PATCH', `/composes/${id}`, headers, body);
      const expected = caller === 'boss' || (changing && caller === 'other') ? 403 : 200;
      expect([caller, status]).toEqual([caller, expected]);
      if (caller === 'boss') expect(json['message']).toBe('User boss is not in role allowed_clients.');
      else if (expected === 403) expect(json['message']).toMatch(new RegExp(`^User other not allowed to renew compose \\(id=${id}\\) with other (label|sigkeys|builds|modules), it's owned by someone else\\.$`));
    }
  });

  it.each<[string, Partial<ComposeRequest>]>([
    ['modules, which have become their builds', { sourceType: 'module', source: ['nodejs:20:1:aa', 'python:3:2:bb'] }],
    ['a Pungi compose, which says itself what it has', { sourceType: 'pungi_compose', source: ['http://packages.test/c/Everything'], arches: ['x86_64', 'ppc64le'], builds: ['zlib-1-1'] }],
  ])('of %s is no more than was asked for to its owner, and what it has to others', async (_what, request) => {
    const make = async (): Promise<number> => gateway.composes.set((await gateway.composes.commands.request(composeRequest(request), { owner: 'narrow' })).compose.id, { state: 'done' }).id;
    expect((await call('PATCH', `/composes/${await make()}`, named({ name: 'narrow' }))).status).toBe(200);
    expect((await call('PATCH', `/composes/${await make()}`, named({ name: 'narrower' }))).status).toBe(403);
    // What the owner adds is judged, as ever.
    expect((await call('PATCH', `/composes/${await make()}`, named({ name: 'narrow' }), { source: { builds: ['evil-1-1'] } })).status).toBe(403);
  });

  it.each(['wait', 'generating'] as const)('of a compose in %s is a 404 for everybody, whatever they may do', async (state) => {
    const id = await compose(state);
    for (const caller of ['owner', 'other', 'control'] as const) expect((await call('PATCH', `/composes/${id}`, own.composes[caller], { label: 'X' })).status).toBe(404);
  });
});

describe('scopes', () => {
  const routes = [['POST', 'new-compose'], ['PATCH', 'renew-compose'], ['DELETE', 'delete-compose']] as const;
  it.each(routes.flatMap(([method, scope]) => (['bearer', 'front-end', 'kerberos', 'control'] as const).map((by) => [method, scope, by] as const)))('%s needs %s of whoever has any, as of %s', async (method, scope, by) => {
    const send = async (scopes: readonly string[] | undefined): Promise<Answered> => {
      const id = await compose('done');
      return call(method, method === 'POST' ? '/composes/' : `/composes/${id}`, named({ name: 'owner', by, scopes }), { source: { type: 'tag', source: 'f44' } });
    };
    const others = routes.map(([, each]) => each).filter((each) => each !== scope);
    for (const scopes of [[], ['openid'], others.map((each) => base + each), [scope], [`${base}${scope}x`]]) {
      const { status, json } = await send(scopes);
      expect([scopes, status, json['message']]).toEqual([scopes, 403, `Request does not have required scope ${scope}`]);
    }
    expect((await send(['openid', base + scope])).status).toBeLessThan(300);
    expect((await send(undefined)).status).toBeLessThan(300);
  });
});

describe('the order of checks', () => {
  it('is that of ODCS: login, scope, role, JSON, attributes', async () => {
    const asked = async (headers: Readonly<Record<string, string>>, body: string): Promise<[number, unknown]> => {
      const { status, json } = await call('POST', '/composes/', headers, body);
      return [status, json['message']];
    };
    const noRepo = '{"source": {"type": "repo", "source": "http://packages.test/"}}';
    expect(await asked({}, 'no JSON')).toEqual([401, expect.stringContaining('credentials are missing')]);
    expect(await asked({ authorization: 'Named nobody' }, 'no JSON')).toEqual([401, 'the credentials are wrong or expired']);
    expect(await asked(named({ name: 'stranger', scopes: [] }), 'no JSON')).toEqual([403, 'Request does not have required scope new-compose']);
    expect(await asked(named({ name: 'stranger', scopes: [`${base}new-compose`] }), 'no JSON')).toEqual([403, 'User stranger is not in role allowed_clients.']);
    expect(await asked(named({ name: 'owner', scopes: [`${base}new-compose`] }), 'no JSON')).toEqual([400, expect.stringContaining('invalid JSON')]);
    expect(await asked(named({ name: 'owner' }), '{"source": {"type": "repo"}}')).toEqual([400, expect.stringContaining('No source provided for repo')]);
    expect(await asked(named({ name: 'owner' }), noRepo)).toEqual([403, 'User owner not allowed to operate with compose with source_types=repo.']);
  });

  it('says how to log in', async () => {
    const { headers, status } = await call('POST', '/composes/', {});
    expect([status, headers.get('www-authenticate')]).toEqual([401, 'Named']);
  });
});

describe('names', () => {
  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('that every object has are nobody (%s)', async (name) => {
    for (const caller of [named({ name }), named({ name: 'someone', groups: [name] })]) expect((await call('POST', '/composes/', caller, { source: { type: 'tag', source: 'f44' } })).status).toBe(403);
  });
});

describe('lives', () => {
  it('are as long as the quota of the caller, where that is less than the maximum of the service', async () => {
    const life = async (caller: string, body: object): Promise<number> => {
      const { json } = await call('POST', '/composes/', named({ name: caller }), { source: { type: 'tag', source: 'f44' }, ...body });
      return (Date.parse(String(json['time_to_expire'])) - Date.parse(String(json['time_submitted']))) / 1000;
    };
    expect([await life('limited', {}), await life('limited', { seconds_to_live: 7200 }), await life('limited', { seconds_to_live: 60 })]).toEqual([600, 600, 60]);
    expect([await life('other', {}), await life('other', { seconds_to_live: 999_999_999 })]).toEqual([86_400, 259_200]);
    const id = await compose('done');
    const renewed = await call('PATCH', `/composes/${id}`, named({ name: 'limited' }));
    expect(Math.abs(Date.parse(String(renewed.json['time_to_expire'])) - Date.now() - 600_000)).toBeLessThan(60_000);
  });
});

describe('what is beyond a quota', () => {
  it('is refused with 429, what there is and what can be freed', async () => {
    const { request } = gateway.composes.commands;
    const asked: unknown[] = [];
    gateway.composes.commands.request = (_request, requester) => {
      asked.push(requester);
      return Promise.reject(new MillraceError('quota-exceeded', 'owner has 1000 composes that wait or are being generated, and may have 1000 at once', { suggestion: 'Wait until one has ended, or cancel one: 1, 2.' }));
    };
    const { status, json, headers } = await call('POST', '/composes/', own.composes.owner, { source: { type: 'tag', source: 'f44' } });
    gateway.composes.commands.request = request;
    expect([status, headers.get('retry-after'), json]).toEqual([429, '30', { status: 429, error: 'Too Many Requests', message: 'owner has 1000 composes that wait or are being generated, and may have 1000 at once. Wait until one has ended, or cancel one: 1, 2.' }]);
    expect(asked).toEqual([{ owner: 'owner', quota: { composes: 1000, bytes: undefined } }]);
  });
});

describe('whoever vouches for callers', () => {
  it('who is away, or never answers, is a 503 in time, and nothing that everybody may read waits for it', async () => {
    const access = namedCallers(yaml);
    let authenticate = (): Promise<never> => Promise.reject(new MillraceError('identity-unavailable', 'the provider does not answer'));
    const away = await startTestGateway({ dependencies: { access: { ...access, authenticator: { ...access.authenticator, authenticate: () => authenticate() } } } });
    try {
      const ask = async (): Promise<unknown> => {
        const answer = await fetch(`${away.url}/api/1/composes/`, { method: 'POST', body: '{}' });
        return [answer.status, answer.headers.get('retry-after'), ((await answer.json()) as { message: string }).message];
      };
      expect(await ask()).toEqual([503, '2', 'the provider does not answer']);
      authenticate = () => new Promise(() => undefined);
      expect(await ask()).toEqual([503, '2', expect.stringContaining('did not answer in time')]);
      expect((await fetch(`${away.url}/api/1/composes/`)).status).toBe(200);
    } finally {
      await away.close();
    }
  }, 20_000);
});

describe('GET /v1/access', () => {
  it('tells callers who they are here, what they may do and what of their quota is taken', async () => {
    const who = async (headers: Readonly<Record<string, string>>): Promise<unknown> => (await fetch(`${gateway.url}/v1/access`, { headers })).json();
    expect(await who(named({ name: 'limited', groups: ['packagers'], scopes: ['openid'] }))).toEqual({
      name: 'limited',
      groups: ['packagers'],
      by: 'bearer',
      scopes: ['openid'],
      roles: { sessions: [], composes: ['reader', 'writer'], repositories: [], cache: [], service: [] },
      quota: { composes: 0, bytes: null, secondsToLive: 600 },
      use: { composes: 3, bytes: 0 },
    });
    expect(await who(own.composes.boss)).toMatchObject({ roles: { composes: ['reader', 'admin'] }, quota: { composes: 1000 } });
  });
});

describe('POST /v1/access/explain', () => {
  const explain = async (body: object): Promise<Readonly<Record<string, unknown>>> => (await (await fetch(`${gateway.url}/v1/access/explain`, { method: 'POST', headers: own.composes.control, body: JSON.stringify(body) })).json()) as Readonly<Record<string, unknown>>;
  const request = { source: { type: 'repo', source: 'http://packages.test/' }, arches: ['s390x'] };

  it('says by which entry a request would be refused or allowed, by the file in force and by another', async () => {
    const held = gateway.composes.held.size;
    expect(await explain({ user: 'ann', groups: ['packagers'], request })).toMatchObject({
      allowed: false,
      client: 'composes.allowed_clients.groups.packagers',
      reason: 'User ann not allowed to operate with compose with source_types=repo. User ann not allowed to operate with compose with arches=s390x.',
      entries: [{ entry: 'composes.allowed_clients.groups.packagers', refusals: [{ attribute: 'source_types', value: 'repo' }, { attribute: 'arches', value: 's390x' }] }],
    });
    expect(await explain({ user: 'ann', request })).toMatchObject({ allowed: false, client: null, reason: 'User ann is not in role allowed_clients.', entries: [] });
    const document = 'authorization: {composes: {allowed_clients: {groups: {packagers: {source_types: [""], arches: [""]}}}}}';
    expect(await explain({ user: 'ann', groups: ['packagers'], request, document })).toMatchObject({ allowed: true, reason: null, entries: [{ entry: 'composes.allowed_clients.groups.packagers', refusals: [] }] });
    expect(gateway.composes.held.size).toBe(held);
  });

  it('refuses a wrong document and a wrong request with the mistake', async () => {
    expect(await explain({ user: 'ann', request, document: 'authorization: {composes: {allowed_client: {}}}' })).toMatchObject({ code: 'invalid-request', detail: expect.stringContaining('authorization.composes.allowed_client: unknown key') });
    expect(await explain({ user: 'ann', request: { source: {} } })).toMatchObject({ code: 'invalid-request', detail: 'source.type is missing' });
  });
});
