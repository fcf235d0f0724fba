import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Principal } from '../../../libs/access/principal.js';
import { composeRequest } from '../../../libs/testing/compose-request.js';
import { named, namedCallers } from '../__fixtures__/named-callers.js';
import { authorization as controlCredentials, startTestGateway } from '../__fixtures__/test-gateway.js';
import type { TestGateway } from '../__fixtures__/test-gateway.js';
import { operations } from '../openapi/operations.js';

const yaml = `
authorization:
  composes:
    allowed_clients:
      users: {client: {source_types: [tag]}}
      groups: {packagers: {source_types: [tag]}}
    admins: {users: [odcs-admin]}
  roles:
    sessions: {reader: {users: [s-reader]}, writer: {groups: [builders]}, admin: {users: [s-admin]}}
    composes: {reader: {users: [c-reader]}, writer: {users: [c-writer]}, admin: {groups: [compose-admins]}}
    repositories: {reader: {users: [r-reader]}, writer: {groups: [publishers]}, admin: {users: [r-admin]}}
    cache: {reader: {users: [a-reader]}, writer: {groups: [pushers]}, admin: {users: [a-admin]}}
    service: {reader: {users: [v-reader]}, admin: {users: [v-admin]}}
  reads: {metrics: reader}
`;

const callers: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  nobody: {},
  forged: { authorization: 'Named nobody' },
  loner: named({ name: 'loner', groups: ['strangers'] }),
  client: named({ name: 'client' }),
  packager: named({ name: 'someone', groups: ['strangers', 'packagers'] }),
  'odcs-admin': named({ name: 'odcs-admin' }),
  's-reader': named({ name: 's-reader' }),
  's-writer': named({ name: 'a-builder', groups: ['builders'] }),
  's-admin': named({ name: 's-admin' }),
  'c-reader': named({ name: 'c-reader' }),
  'c-writer': named({ name: 'c-writer' }),
  'c-admin': named({ name: 'lead', groups: ['compose-admins'] }),
  'v-reader': named({ name: 'v-reader' }),
  'v-admin': named({ name: 'v-admin' }),
  'r-reader': named({ name: 'r-reader' }),
  'r-writer': named({ name: 'a-publisher', groups: ['publishers'] }),
  'r-admin': named({ name: 'r-admin' }),
  'a-reader': named({ name: 'a-reader' }),
  'a-writer': named({ name: 'a-pusher', groups: ['pushers'] }),
  'a-admin': named({ name: 'a-admin' }),
  control: named({ name: 'craft', by: 'control' } satisfies Partial<Principal> & { name: string }),
};

// + let through, x refused (403), ? has to log in (401), or to show what the route itself asks for; in the order of the callers above. SESSION and COMPOSE are things of somebody else's. Of HTTP caches the cache's own rules decide: here everybody pulls and the control credentials push.
const table = `
GET    /status                               + + + + + + + + + + + + + + + + + + + + +
POST   /session                              ? ? x x x x x + + x x x x x x x x x x x +
GET    /session/SESSION                      ? ? x x x x + + + x x x x x x x x x x x +
DELETE /resources/SESSION                    ? ? x x x x x x + x x x x x x x x x x x +
DELETE /session/SESSION/token                + + + + + + + + + + + + + + + + + + + + +
DELETE /session/SESSION                      ? ? x x x x x x + x x x x x x x x x x x +
GET    /v1/sessions                          ? ? + + + + + + + + + + + + + + + + + + +
GET    /v1/sessions?owner=craft              ? ? x x x x + + + x x x x x x x x x x x +
POST   /v1/sessions                          ? ? x x x x x + + x x x x x x x x x x x +
GET    /v1/sessions/SESSION                  ? ? x x x x + + + x x x x x x x x x x x +
GET    /v1/sessions/SESSION/downloads        ? ? x x x x + + + x x x x x x x x x x x +
GET    /v1/sessions/SESSION/cache-entries    ? ? x x x x + + + x x x x x x x x x x x +
GET    /v1/sessions/SESSION/report           ? ? x x x x + + + x x x x x x x x x x x +
POST   /v1/sessions/SESSION/policy-check     ? ? x x x x + + + x x x x x x x x x x x +
POST   /v1/sessions/SESSION/revoke           ? ? x x x x x x + x x x x x x x x x x x +
DELETE /v1/sessions/SESSION                  ? ? x x x x x x + x x x x x x x x x x x +
GET    /v1/sessions/SESSION/env              ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ?
GET    /api/1/composes/                      + + + + + + + + + + + + + + + + + + + + +
POST   /api/1/composes/                      ? ? x + + x x x x x + + x x x x x x x x +
GET    /api/1/composes/COMPOSE               + + + + + + + + + + + + + + + + + + + + +
PATCH  /api/1/composes/COMPOSE               ? ? x + + x x x x x + + x x x x x x x x +
DELETE /api/1/composes/COMPOSE               ? ? x x x + x x x x x + x x x x x x x x +
GET    /api/1/                               + + + + + + + + + + + + + + + + + + + + +
GET    /api/1/about/                         + + + + + + + + + + + + + + + + + + + + +
GET    /api/1/metrics/                       ? ? x x x x x x x x x x + + x x x x x x +
GET    /v1/composes                          ? ? x + + + x x x + + + x x x x x x x x +
GET    /v1/composes/COMPOSE                  ? ? x + + + x x x + + + x x x x x x x x +
GET    /v1/composes/COMPOSE/events           ? ? x + + + x x x + + + x x x x x x x x +
GET    /v1/composes/COMPOSE/packages         ? ? x + + + x x x + + + x x x x x x x x +
GET    /composes/odcs-COMPOSE/               + + + + + + + + + + + + + + + + + + + + +
GET    /v1/compose-names                     ? ? x + + + x x x + + + x x x x x x x x +
GET    /v1/compose-names/NAME                ? ? x + + + x x x + + + x x x x x x x x +
GET    /v1/compose-names/NAME/history        ? ? x + + + x x x + + + x x x x x x x x +
PUT    /v1/compose-names/NAME                ? ? x x x + x x x x x + x x x x x x x x +
POST   /v1/compose-names/NAME/rollback       ? ? x x x + x x x x x + x x x x x x x x +
DELETE /v1/compose-names/NAME                ? ? x x x + x x x x x + x x x x x x x x +
GET    /composes/latest/NAME                 + + + + + + + + + + + + + + + + + + + + +
POST   /v1/events/BUS                       ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ?
GET    /v1/rules                             ? ? x + + + x x x + + + x x x x x x x x +
POST   /v1/rules/dry-run                     ? ? x x x + x x x x x + x x x x x x x x +
GET    /v1/rules/NAME                        ? ? x + + + x x x + + + x x x x x x x x +
POST   /v1/rules/NAME/pause                  ? ? x x x + x x x x x + x x x x x x x x +
POST   /v1/rules/NAME/resume                 ? ? x x x + x x x x x + x x x x x x x x +
POST   /v1/rules/NAME/replay                 ? ? x x x + x x x x x + x x x x x x x x +
GET    /v1/parked-messages                   ? ? x + + + x x x + + + x x x x x x x x +
POST   /v1/parked-messages/MESSAGE/retry     ? ? x x x + x x x x x + x x x x x x x x +
DELETE /v1/parked-messages/MESSAGE           ? ? x x x + x x x x x + x x x x x x x x +
GET    /v1/repositories                      ? ? x x x x x x x x x x x x + + + x x x +
POST   /v1/repositories                      ? ? x x x x x x x x x x x x x x + x x x +
GET    /v1/repositories/NAME                 ? ? x x x x x x x x x x x x + + + x x x +
PATCH  /v1/repositories/NAME                 ? ? x x x x x x x x x x x x x x + x x x +
DELETE /v1/repositories/NAME                 ? ? x x x x x x x x x x x x x x + x x x +
GET    /v1/repositories/NAME/packages        ? ? x x x x x x x x x x x x + + + x x x +
GET    /v1/repositories/NAME/packages/KEY    ? ? x x x x x x x x x x x x + + + x x x +
GET    /v1/repositories/NAME/states          ? ? x x x x x x x x x x x x + + + x x x +
GET    /v1/repositories/NAME/states/STATE    ? ? x x x x x x x x x x x x + + + x x x +
GET    /v1/repositories/NAME/diff            ? ? x x x x x x x x x x x x + + + x x x +
GET    /v1/repositories/NAME/changes         ? ? x x x x x x x x x x x x + + + x x x +
GET    /v1/repositories/NAME/changes/CHANGE  ? ? x x x x x x x x x x x x + + + x x x +
GET    /v1/repositories/NAME/keys            ? ? x x x x x x x x x x x x + + + x x x +
GET    /v1/repositories/NAME/report          ? ? x x x x x x x x x x x x + + + x x x +
GET    /v1/repositories/NAME/report.txt      ? ? x x x x x x x x x x x x + + + x x x +
POST   /v1/repositories/NAME/feed            ? ? x x x x x x x x x x x x + + + x x x +
GET    /v1/packages/DIGEST/origins           ? ? x x x x x x x x x x x x + + + x x x +
POST   /v1/repositories/NAME/uploads         ? ? x x x x x x x x x x x x x + + x x x +
GET    /v1/repositories/NAME/uploads/CHANGE  ? ? x x x x x x x x x x x x x + + x x x +
DELETE /v1/repositories/NAME/uploads/CHANGE  ? ? x x x x x x x x x x x x x + + x x x +
POST   /v1/repositories/NAME/publish         ? ? x x x x x x x x x x x x x + + x x x +
POST   /v1/repositories/NAME/remove          ? ? x x x x x x x x x x x x x + + x x x +
POST   /v1/repositories/NAME/rollback        ? ? x x x x x x x x x x x x x x + x x x +
POST   /v1/repositories/NAME/sign            ? ? x x x x x x x x x x x x x x + x x x +
POST   /v1/repositories/NAME/prune           ? ? x x x x x x x x x x x x x x + x x x +
POST   /v1/repositories/NAME/check           ? ? x x x x x x x x x x x x x + + x x x +
POST   /v1/repositories/NAME/repair          ? ? x x x x x x x x x x x x x x + x x x +
POST   /v1/repositories/NAME/sync            ? ? x x x x x x x x x x x x x x + x x x +
POST   /v1/repositories/NAME/import          ? ? x x x x x x x x x x x x x x + x x x +
GET    /repositories/NAME                    + + + + + + + + + + + + + + + + + + + + +
GET    /v1/access                            ? ? + + + + + + + + + + + + + + + + + + +
POST   /v1/access/explain                    ? ? x x x x x x x x x x x + x x x x x x +
GET    /v1/ca.pem                            + + + + + + + + + + + + + + + + + + + + +
GET    /v1/ca.p12                            + + + + + + + + + + + + + + + + + + + + +
GET    /v1/ca.jks                            + + + + + + + + + + + + + + + + + + + + +
GET    /healthz                              + + + + + + + + + + + + + + + + + + + + +
GET    /readyz                               + + + + + + + + + + + + + + + + + + + + +
GET    /readyz/cache                         + + + + + + + + + + + + + + + + + + + + +
GET    /metrics                              ? ? x x x x x x x x x x + + x x x x x x +
GET    /v1/openapi.json                      + + + + + + + + + + + + + + + + + + + + +
GET    /v1/caches                            ? ? x x x x x x x x x x x x x x x + + + +
GET    /v1/caches/INSTANCE                   ? ? x x x x x x x x x x x x x x x + + + +
GET    /v1/caches/INSTANCE/entries           ? ? x x x x x x x x x x x x x x x + + + +
GET    /v1/caches/INSTANCE/entry             ? ? x x x x x x x x x x x x x x x + + + +
PUT    /v1/caches/INSTANCE/entry             ? ? x x x x x x x x x x x x x x x x + + +
DELETE /v1/caches/INSTANCE/entry             ? ? x x x x x x x x x x x x x x x x x + +
GET    /v1/caches/INSTANCE/why               ? ? x x x x x x x x x x x x x x x + + + +
POST   /v1/caches/INSTANCE/evict             ? ? x x x x x x x x x x x x x x x x x + +
POST   /v1/caches/INSTANCE/verify            ? ? x x x x x x x x x x x x x x x x x + +
POST   /v1/caches/INSTANCE/pause             ? ? x x x x x x x x x x x x x x x x x + +
POST   /v1/caches/INSTANCE/resume            ? ? x x x x x x x x x x x x x x x x x + +
GET    /v1/caches/INSTANCE/blobs/BLOB        ? ? x x x x x x x x x x x x x x x + + + +
PUT    /v1/caches/INSTANCE/blobs/BLOB        ? ? x x x x x x x x x x x x x x x x + + +
GET    /cas/HASH                             + ? + + + + + + + + + + + + + + + + + + +
PUT    /cas/HASH                             ? ? x x x x x x x x x x x x x x x x x x +
GET    /ac/HASH                              + ? + + + + + + + + + + + + + + + + + + +
PUT    /ac/HASH                              ? ? x x x x x x x x x x x x x x x x x x +
GET    /gradle/KEY                           + ? + + + + + + + + + + + + + + + + + + +
PUT    /gradle/KEY                           ? ? x x x x x x x x x x x x x x x x x x +
GET    /v8/artifacts/HASH                    + ? + + + + + + + + + + + + + + + + + + +
PUT    /v8/artifacts/HASH                    ? ? x x x x x x x x x x x x x x x x x x +
GET    /ccache/PATH                          + ? + + + + + + + + + + + + + + + + + + +
PUT    /ccache/PATH                          ? ? x x x x x x x x x x x x x x x x x x +
GET    /sccache/PATH                         + ? + + + + + + + + + + + + + + + + + + +
PUT    /sccache/PATH                         ? ? x x x x x x x x x x x x x x x x x x +
DELETE /ac/HASH                              ? ? x x x x x x x x x x x x x x x x x x +
DELETE /ccache/PATH                          ? ? x x x x x x x x x x x x x x x x x x +
DELETE /sccache/PATH                         ? ? x x x x x x x x x x x x x x x x x x +
GET    /v8/artifacts/status                  + ? + + + + + + + + + + + + + + + + + + +
POST   /v8/artifacts                         + ? + + + + + + + + + + + + + + + + + + +
POST   /v8/artifacts/events                  + ? + + + + + + + + + + + + + + + + + + +
GET    /cache/PATH                           + + + + + + + + + + + + + + + + + + + + +
PUT    /cache/PATH                           + + + + + + + + + + + + + + + + + + + + +
DELETE /cache/PATH                           + + + + + + + + + + + + + + + + + + + + +
GET    /ostree/PATH                          + + + + + + + + + + + + + + + + + + + + +
`;
const rows = table.trim().split('\n').map((line) => line.trim().split(/\s+/));
const cases = rows.flatMap(([method = '', path = '', ...cells]) => Object.keys(callers).map((caller, index) => ({ caller, method, path, cell: cells[index] })));

let gateway: TestGateway;
let session: string;
beforeAll(async () => {
  gateway = await startTestGateway({ dependencies: { access: namedCallers(yaml) } });
});
afterAll(() => gateway.close());

async function send(method: string, path: string, headers: Readonly<Record<string, string>>, body = bodyOf(method, path)): Promise<Response> {
  const answer = await fetch(`${gateway.url}${path}`, { method, headers, redirect: 'manual', ...(body === undefined ? {} : { body }) });
  await answer.arrayBuffer();
  return answer;
}

function bodyOf(method: string, path: string): string | undefined {
  if (method === 'POST' && path.startsWith('/api/1/composes')) return '{"source": {"type": "tag", "source": "f44"}}';
  return method === 'GET' ? undefined : '{}';
}

describe('who may use which route', () => {
  beforeAll(async () => {
    const opened = await fetch(`${gateway.url}/session`, { method: 'POST', body: '{}', headers: callers['control'] ?? {} });
    session = ((await opened.json()) as { id: string }).id;
  });

  it(`is as the table says, ${cases.length} times`, async () => {
    const wrong: string[] = [];
    for (const { caller, method, path, cell } of cases) {
      const compose = await finishedCompose();
      // What a caller who may do it ends is there again for the next.
      if (gateway.record.held.get(session) === undefined) await reopen();
      const { status } = await send(method, path.replace('SESSION', session).replace('COMPOSE', String(compose)).replace('MESSAGE', '1').replace('HASH', 'a'.repeat(64)), callers[caller] ?? {});
      const got = status === 401 ? '?' : status === 403 ? 'x' : '+';
      if (got !== cell) wrong.push(`${method} ${path} by ${caller}: ${cell} expected, ${status} answered`);
    }
    expect(wrong).toEqual([]);
  }, 60_000);

  it('is told of every route of the OpenAPI document', () => {
    const told = new Set(rows.map(([method, path = '']) => `${method} ${path.replace(/\?.*/, '').replace(/odcs-COMPOSE\/|(?<=latest\/|^\/repositories\/)NAME/, '{path}').replace(/SESSION|COMPOSE|MESSAGE/, '{id}').replace('NAME', '{name}').replace('KEY', '{key}').replace('STATE', '{state}').replace('CHANGE', '{id}').replace('DIGEST', '{sha256}').replace('BUS', '{bus}').replace('INSTANCE', '{instance}').replace('HASH', '{hash}').replace('BLOB', '{digest}').replace('PATH', '{path}')}`));
    const known = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    expect(known.filter((route) => !told.has(route))).toEqual([]);
  });

  async function finishedCompose(): Promise<number> {
    const { commands } = gateway.composes;
    const last = gateway.composes.held.get(gateway.composes.held.size);
    if (last !== undefined && last.owner === 'owner' && last.removedBy === null && last.state === 'failed') return last.id;
    const { compose } = await commands.request(composeRequest({ sourceType: 'tag', source: ['f44'] }), { owner: 'owner' });
    return gateway.composes.set(compose.id, { state: 'failed' }).id;
  }

  async function reopen(): Promise<void> {
    const opened = await fetch(`${gateway.url}/session`, { method: 'POST', body: '{}', headers: callers['control'] ?? {} });
    session = ((await opened.json()) as { id: string }).id;
  }
});

describe('owners of sessions', () => {
  it('see, revoke and end what is theirs, and only that, whatever became of their role', async () => {
    const opened = await fetch(`${gateway.url}/v1/sessions`, { method: 'POST', body: '{}', headers: callers['s-writer'] ?? {} });
    const { id } = (await opened.json()) as { id: string };
    const dismissed = named({ name: 'a-builder' });
    const statuses = async (...routes: readonly (readonly [string, string])[]): Promise<number[]> => {
      const answers: number[] = [];
      for (const [method, path] of routes) answers.push((await send(method, path, dismissed)).status);
      return answers;
    };
    expect(await statuses(['GET', `/v1/sessions/${id}`], ['GET', `/v1/sessions/${id}/downloads`], ['POST', `/v1/sessions/${id}/revoke`], ['GET', `/session/${id}`], ['POST', '/v1/sessions'])).toEqual([200, 200, 200, 200, 403]);
    expect(await statuses(['DELETE', `/session/${id}`])).toEqual([200]);
  });

  it('without the role of readers list only their own', async () => {
    const list = gateway.record.reads.list;
    const asked: (string | undefined)[] = [];
    gateway.record.reads.list = (filter) => {
      asked.push(filter.owner);
      return list(filter);
    };
    for (const caller of ['loner', 's-reader', 'control']) await send('GET', '/v1/sessions', callers[caller] ?? {});
    gateway.record.reads.list = list;
    expect(asked).toEqual(['loner', undefined, undefined]);
  });
});

describe('routes that everybody may read', () => {
  it('are for readers where the settings say so', async () => {
    const closed = await startTestGateway({ dependencies: { access: namedCallers(yaml.replace('{metrics: reader}', '{composes: reader, status: reader}')) } });
    try {
      const status = async (path: string, caller: string): Promise<number> => (await fetch(`${closed.url}${path}`, { headers: callers[caller] ?? {} })).status;
      for (const path of ['/api/1/composes/', '/api/1/composes/1']) {
        expect([path, await status(path, 'nobody'), await status(path, 'loner'), await status(path, 's-admin')]).toEqual([path, 401, 403, 403]);
        expect((await status(path, 'c-reader')) < 401 || (await status(path, 'c-reader')) === 404).toBe(true);
      }
      expect([await status('/status', 'nobody'), await status('/status', 'c-reader'), await status('/status', 's-reader')]).toEqual([401, 403, 200]);
      expect([await status('/metrics', 'nobody'), await status('/api/1/about', 'nobody'), await status('/composes/', 'nobody')]).toEqual([200, 200, 404]);
    } finally {
      await closed.close();
    }
  });
});

describe('without an access file', () => {
  it('everything is as it was: composes for everybody, the rest for the control credentials', async () => {
    const open = await startTestGateway();
    try {
      const request = (method: string, path: string, headers: Record<string, string>): Promise<Response> => fetch(`${open.url}${path}`, { method, headers, ...(method === 'GET' ? {} : { body: bodyOf(method, path) ?? '{}' }) });
      const made = (await (await request('POST', '/api/1/composes/', { authorization: 'Bearer whatever' })).json()) as { id: number; owner: string };
      expect(made.owner).toBe('unknown');
      expect((await request('POST', '/api/1/composes/', { authorization: `Basic ${Buffer.from('craft:wrong').toString('base64')}` })).status).toBe(200);
      expect([(await request('GET', '/v1/composes', {})).status, (await request('GET', '/v1/composes', { authorization: controlCredentials })).status]).toEqual([401, 200]);
      const who = async (headers: Record<string, string>): Promise<unknown> => (await request('GET', '/v1/access', headers)).json();
      expect([await who({}), await who({ authorization: controlCredentials })]).toMatchObject([{ name: 'unknown', by: 'none', roles: { composes: ['reader', 'writer', 'admin'], sessions: [] } }, { name: 'craft', by: 'control', roles: { sessions: ['reader', 'writer', 'admin'] } }]);
    } finally {
      await open.close();
    }
  });
});
