import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { authorization, startTestGateway } from '../__fixtures__/test-gateway.js';
import { named, namedCallers } from '../__fixtures__/named-callers.js';
import type { TestGateway } from '../__fixtures__/test-gateway.js';
import { composeRequest } from '../../../libs/testing/compose-request.js';
import { problem } from '../openapi/error-schemas.js';
import { changePage, changePreview, changeView } from './change-schemas.js';
import { keyList, knownPackage, origins, packagePage, repositoryDetail, repositoryPage, repositoryView, stateDiff, statePage, stateView } from './repository-schemas.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ environment: { MILLRACE_REPOSITORY_URL: 'https://farm.test/repositories' } });
});
afterAll(() => gateway.close());
beforeEach(() => {
  const { repositories } = gateway;
  repositories.held.clear();
  repositories.changes.clear();
  repositories.calls.length = 0;
  repositories.engine = 'works';
  repositories.problem = undefined;
  repositories.report = undefined;
});

async function ask(method: string, place: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) {
  const answer = await fetch(`${gateway.url}/v1/repositories${place}`, { method, headers: { authorization, ...headers }, ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }) });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.includes('json') === true;
  return { status: answer.status, headers: answer.headers, text, json: (isJson ? JSON.parse(text) : undefined) as unknown };
}

const create = (name = 'fedora', more: object = {}) => ask('POST', '', { name, kind: 'rpm', ...more });
/** And nothing that was called for it. */
const createdBefore = async (): Promise<void> => {
  await create();
  gateway.repositories.calls.length = 0;
};
const upload = async (fileName: string, repository = 'fedora'): Promise<string> => ((await ask('POST', `/${repository}/uploads?fileName=${fileName}`, `bytes of ${fileName}`)).json as { id: string }).id;

describe('a repository', () => {
  it('is made, shown, listed, set otherwise and removed', async () => {
    const made = await create('fedora', { settings: { keepVersions: 3 } });
    expect(made.status).toBe(201);
    // So that its workflow is there, and a mirror begins.
    expect(gateway.repositories.calls).toContainEqual({ method: 'changed', name: 'fedora' });
    expect(repositoryView.parse(made.json)).toMatchObject({ name: 'fedora', kind: 'rpm', place: { store: 'default', folder: 'fedora' }, settings: { keepVersions: 3, rpm: { compression: 'gzip' } }, state: 0, createdBy: 'craft', links: { self: '/v1/repositories/fedora', files: 'https://farm.test/repositories/fedora/', bucket: null, workflow: null } });
    gateway.repositories.upkeep = { check: null, synchronisation: { at: '2026-11-21T10:00:00.000Z', trouble: 'the upstream is away' } };
    expect(repositoryDetail.parse((await ask('GET', '/fedora')).json)).toMatchObject({ status: { step: 'idle', waiting: 0, trouble: null }, upkeep: gateway.repositories.upkeep });
    expect(repositoryView.parse((await ask('PATCH', '/fedora', { settings: { graceSeconds: 60 } })).json)).toMatchObject({ settings: { keepVersions: 3, graceSeconds: 60 } });
    expect(await ask('DELETE', '/fedora')).toMatchObject({ status: 204, text: '' });
    expect(problem.parse((await ask('GET', '/fedora')).json)).toMatchObject({ status: 404, code: 'repository-not-found' });
  });

  it('is checked with repositories of its kind that there are', async () => {
    for (const name of ['base', 'more']) await create(name);
    expect(repositoryView.parse((await create('ours', { settings: { checkWith: ['base'] } })).json)).toMatchObject({ settings: { checkWith: ['base'] } });
    expect(repositoryView.parse((await ask('PATCH', '/ours', { settings: { checkWith: ['base', 'more'] } })).json)).toMatchObject({ settings: { checkWith: ['base', 'more'] } });
    for (const settings of [{ checkWith: ['nobody'] }, { checkWith: ['../x'] }, { checkWith: ['base', 'base'] }, { checkWith: 'base' }]) expect((await ask('PATCH', '/ours', { settings })).status).toBe(400);
  });

  it('is listed page by page', async () => {
    for (const name of ['b', 'a', 'c']) await create(name);
    const first = repositoryPage.parse((await ask('GET', '?limit=2')).json);
    const second = repositoryPage.parse((await ask('GET', `?limit=2&cursor=${first.nextCursor}`)).json);
    expect([first, second].map(({ items }) => items.map(({ name }) => name))).toEqual([['a', 'b'], ['c']]);
    expect(second.nextCursor).toBeNull();
  });

  it('of haiku is made from a repo.info file, and says where it is served unless the file does', async () => {
    const repoInfo = 'name Sample\nvendor "Sample Vendor"\nsummary "Packages"\npriority 1\nidentifier tag:sample.test\narchitecture x86_64\n';
    expect(repositoryView.parse((await create('hpkg', { kind: 'haiku', repoInfo })).json).settings).toMatchObject({ haiku: { name: 'Sample', vendor: 'Sample Vendor', baseUrl: 'https://farm.test/repositories/hpkg', architecture: 'x86_64' } });
    expect(problem.parse((await create('rpms', { repoInfo })).json)).toMatchObject({ status: 400, detail: 'repoInfo: is for repositories of haiku' });
    expect(problem.parse((await create('hpkg2', { kind: 'haiku', repoInfo: 'name' })).json)).toMatchObject({ status: 400, detail: expect.stringContaining('repoInfo: ') });
  });

  it('that is at a place of its own has the address of that', async () => {
    expect(repositoryView.parse((await create('open', { folder: '/public/' })).json)).toMatchObject({ place: { folder: 'public' }, links: { bucket: 'https://bucket.example/public' } });
  });

  it('that lists packages is not removed without force', async () => {
    await create();
    gateway.repositories.publish('fedora', ['a.rpm']);
    expect(problem.parse((await ask('DELETE', '/fedora')).json)).toMatchObject({ status: 409, code: 'change-guarded' });
    expect((await ask('DELETE', '/fedora?force=true')).status).toBe(204);
  });

  it('is shown although its workflow does not answer', async () => {
    await create();
    gateway.repositories.engine = 'away';
    expect(repositoryDetail.parse((await ask('GET', '/fedora')).json)).toMatchObject({ name: 'fedora', status: null });
  });

  it.each<[string, string, unknown, number, string]>([
    ['POST', '', { name: 'Fedora', kind: 'rpm' }, 400, 'name: '],
    ['POST', '', { name: '../etc', kind: 'rpm' }, 400, 'name: '],
    ['POST', '', { name: 'x', kind: 'msi' }, 400, 'kind: '],
    ['POST', '', { name: 'x', kind: 'rpm', colour: 'red' }, 400, 'colour'],
    ['POST', '', { name: 'x', kind: 'rpm', store: 'elsewhere' }, 400, 'there is no store elsewhere'],
    ['POST', '', { name: 'x', kind: 'rpm', settings: { keys: ['lost'] } }, 422, 'there is no signing key lost'],
    ['POST', '', { name: 'x', kind: 'rpm', settings: { graceSeconds: -1 } }, 400, 'graceSeconds'],
    ['POST', '', { name: 'x', kind: 'haiku' }, 400, 'haiku'],
    ['POST', '', '{', 400, 'invalid JSON'],
    ['GET', '/UPPER', undefined, 404, 'there is no repository'],
    ['GET', '/%2e%2e', undefined, 404, ''],
    ['GET', '?limit=0', undefined, 400, 'limit'],
    ['PATCH', '/none', { settings: {} }, 404, ''],
    ['DELETE', '/none', undefined, 404, ''],
    ['DELETE', '/none?force=perhaps', undefined, 400, 'force'],
  ])('%s %s with %j is %d', async (method, place, body, status, detail) => {
    const answer = problem.parse((await ask(method, place, body)).json);
    expect([answer.status, answer.detail.includes(detail)]).toEqual([status, true]);
  });

  it('of a name that is taken is refused', async () => {
    await create();
    expect(problem.parse((await create()).json)).toMatchObject({ status: 409, code: 'repository-exists' });
  });
});

describe('what is read of a repository', () => {
  beforeEach(async () => {
    await create('fedora', { settings: { keys: ['release'] } });
    gateway.repositories.publish('fedora', ['a.rpm', 'b.rpm'], { 'repodata/repomd.xml': 'one' });
    gateway.repositories.publish('fedora', ['b.rpm', 'c+1 x.rpm']);
  });

  it('are its packages, with their addresses, of any state', async () => {
    const now = packagePage.parse((await ask('GET', '/fedora/packages?limit=1')).json);
    expect(now).toMatchObject({ state: 2, items: [{ key: 'b.rpm' }], nextCursor: 'b.rpm' });
    expect(packagePage.parse((await ask('GET', '/fedora/packages?cursor=b.rpm')).json).items.map(({ url }) => url)).toEqual(['https://farm.test/repositories/fedora/packages/c%2B1%20x.rpm']);
    expect(packagePage.parse((await ask('GET', '/fedora/packages?state=1&search=a')).json)).toMatchObject({ state: 1, items: [{ key: 'a.rpm' }] });
    expect(problem.parse((await ask('GET', '/fedora/packages?state=9')).json)).toMatchObject({ status: 404, code: 'state-not-found' });
  });

  it('is one package, with the states that list it and where it came from', async () => {
    expect(knownPackage.parse((await ask('GET', '/fedora/packages/a.rpm')).json)).toMatchObject({ key: 'a.rpm', listed: [{ from: 1, until: 1 }], origin: { build: 'b1' }, publishedBy: 'craft' });
    expect(knownPackage.parse((await ask('GET', '/fedora/packages/c%2B1%20x.rpm')).json)).toMatchObject({ listed: [{ from: 2, until: null }] });
    for (const key of ['none.rpm', '..%2F..%2Fetc%2Fpasswd', '%00', 'x'.repeat(400)]) expect(problem.parse((await ask('GET', `/fedora/packages/${key}`)).json)).toMatchObject({ status: 404 });
  });

  it('are its states and what differs between two', async () => {
    expect(statePage.parse((await ask('GET', '/fedora/states?limit=1')).json)).toMatchObject({ items: [{ state: 2 }], nextCursor: '2' });
    expect(statePage.parse((await ask('GET', '/fedora/states?cursor=2')).json).items.map(({ state }) => state)).toEqual([1]);
    expect(stateView.parse((await ask('GET', '/fedora/states/1')).json).index).toEqual([{ path: 'repodata/repomd.xml', sha256: expect.stringMatching(/^[0-9a-f]{64}$/), size: 3 }]);
    expect(stateDiff.parse((await ask('GET', '/fedora/diff?from=1&to=2')).json)).toMatchObject({ added: [{ key: 'c+1 x.rpm' }], removed: [{ key: 'a.rpm' }] });
    for (const place of ['states/9', 'states/one', 'diff?from=1']) expect((await ask('GET', `/fedora/${place}`)).status).toBe(place.startsWith('diff') ? 400 : 404);
  });

  it('are the keys that sign it', async () => {
    expect(keyList.parse((await ask('GET', '/fedora/keys')).json).items.map(({ name }) => name)).toEqual(['release']);
  });

  it('is where bytes came from, whatever repository lists them', async () => {
    const answer = await fetch(`${gateway.url}/v1/packages/${'a'.repeat(64)}/origins`, { headers: { authorization } });
    expect(origins.parse(await answer.json()).items).toEqual([{ session: 'c'.repeat(32), found: true }, { build: 'b7', repository: 'stable', found: true }, { compose: 7, found: true }, { cache: { instance: 'closed', key: 'built' }, found: true }]);
    expect((await fetch(`${gateway.url}/v1/packages/nonsense/origins`, { headers: { authorization } })).status).toBe(400);
  });
});

describe('a change', () => {
  beforeEach(createdBefore);

  it('publishes what was uploaded, and is answered when it can be seen', async () => {
    const uploads = [await upload('a.rpm'), await upload('b.rpm')];
    const answer = await ask('POST', '/fedora/publish', { uploads, origin: { session: 'a'.repeat(32), build: 'build 7' } });
    expect([answer.status, changeView.parse(answer.json)]).toMatchObject([200, { kind: 'publish', phase: 'done', by: 'craft', request: { origin: { build: 'build 7' } }, outcome: { state: 1, added: ['a.rpm', 'b.rpm'] } }]);
    expect(changePage.parse((await ask('GET', '/fedora/changes')).json).items.map(({ phase }) => phase)).toEqual(['done']);
  });

  it('that is asked for again by its id is the same change', async () => {
    const changeId = '00000000-0000-4000-8000-000000000001';
    const uploads = [await upload('a.rpm')];
    for (let times = 0; times < 2; times += 1) expect(changeView.parse((await ask('POST', '/fedora/publish', { uploads, changeId })).json)).toMatchObject({ id: changeId, outcome: { state: 1 } });
    expect(gateway.repositories.held.get('fedora')?.repository.state).toBe(1);
    expect(problem.parse((await ask('POST', '/fedora/remove', { keys: ['a.rpm'], changeId })).json)).toMatchObject({ status: 422, code: 'idempotency-conflict' });
  });

  it('takes packages out, goes back to a state, and signs anew', async () => {
    gateway.repositories.publish('fedora', ['a.rpm', 'b.rpm']);
    expect(changeView.parse((await ask('POST', '/fedora/remove', { keys: ['a.rpm'] })).json).outcome).toMatchObject({ state: 2, removed: ['a.rpm'] });
    gateway.repositories.publish('fedora', ['b.rpm', 'c.rpm']);
    expect(changeView.parse((await ask('POST', '/fedora/rollback', { to: 2 })).json).outcome).toMatchObject({ removed: ['c.rpm'] });
    expect(changeView.parse((await ask('POST', '/fedora/sign')).json)).toMatchObject({ kind: 'sign', phase: 'done' });
  });

  it('that is refused says why of every package', async () => {
    gateway.repositories.problem = { code: 'package-conflict', message: 'a.rpm was published with other bytes', details: [{ key: 'a.rpm', published: 'd1', given: 'd2' }] };
    const refused = problem.parse((await ask('POST', '/fedora/publish', { uploads: [await upload('a.rpm')] })).json);
    expect(refused).toMatchObject({ status: 409, code: 'package-conflict', detail: 'a.rpm was published with other bytes', mistakes: [{ key: 'a.rpm', published: 'd1', given: 'd2' }], suggestion: expect.stringContaining('another version') });
  });

  it('that is guarded says how it is done all the same', async () => {
    gateway.repositories.publish('fedora', ['a.rpm']);
    gateway.repositories.problem = { code: 'change-guarded', message: 'it would drop 1 of 1 packages', details: [] };
    expect(problem.parse((await ask('POST', '/fedora/remove', { keys: ['a.rpm'] })).json)).toMatchObject({ status: 409, suggestion: expect.stringContaining('"force": true') });
  });

  it.each(['away', 'hangs'] as const)('is durable and goes on while the workflow engine %s: 202, and a link', async (engine) => {
    gateway.repositories.engine = engine;
    const answer = await ask('POST', '/fedora/publish', { uploads: [await upload('a.rpm')] }, { prefer: 'respond-async, wait=1' });
    const { id, links } = changeView.parse(answer.json);
    expect([answer.status, answer.headers.get('location'), answer.headers.get('retry-after')]).toEqual([202, `/v1/repositories/fedora/changes/${id}`, '1']);
    gateway.repositories.engine = 'works';
    expect(links.self).toBe(answer.headers.get('location'));
    expect(changeView.parse((await ask('GET', `/fedora/changes/${id}`)).json)).toMatchObject({ phase: 'waiting' });
    expect(changeView.parse((await ask('GET', `/fedora/changes/${id}`, undefined, { prefer: 'wait=5' })).json)).toMatchObject({ phase: 'done', outcome: { state: 1 } });
  });

  it('is not waited for where nobody wants that', async () => {
    expect((await ask('POST', '/fedora/sign', undefined, { prefer: 'wait=0' })).status).toBe(202);
    expect(gateway.repositories.calls.filter(({ method }) => method === 'apply')).toEqual([]);
    expect((await ask('POST', '/fedora/sign', undefined, { prefer: 'wait=soon' })).status).toBe(400);
  });

  it('that is tried first changes nothing', async () => {
    const preview = changePreview.parse((await ask('POST', '/fedora/publish', { uploads: [await upload('a.rpm')], dryRun: true })).json);
    expect(preview).toMatchObject({ dryRun: true, added: [{ key: 'a.rpm', url: 'https://farm.test/repositories/fedora/packages/a.rpm' }], problem: null });
    expect(gateway.repositories.calls.map(({ method }) => method)).toEqual(['receive', 'inspect']);
    expect([...gateway.repositories.changes.keys()]).toEqual([]);
  });

  it('is tried with few others at once: what hostile packages say is in memory meanwhile', async () => {
    const dependencies = gateway.repositories.dependencies();
    let [running, most] = [0, 0];
    const inspect = async (): Promise<void> => {
      most = Math.max(most, (running += 1));
      await new Promise((resolve) => setTimeout(resolve, 20));
      running -= 1;
    };
    const other = await startTestGateway({ dependencies: { repositories: { ...dependencies, engine: { ...dependencies.engine, inspect } } } });
    try {
      const body = JSON.stringify({ uploads: [await upload('a.rpm')], dryRun: true });
      const answers = await Promise.all(Array.from({ length: 8 }, () => fetch(`${other.url}/v1/repositories/fedora/publish`, { method: 'POST', headers: { authorization }, body })));
      expect([answers.map(({ status }) => status), most]).toEqual([Array.from({ length: 8 }, () => 200), 2]);
    } finally {
      await other.close();
    }
  });

  it('of another repository, or of none, is not found', async () => {
    await create('other');
    const { id } = changeView.parse((await ask('POST', '/other/sign')).json);
    for (const place of [`/fedora/changes/${id}`, '/fedora/changes/nonsense', '/fedora/changes/00000000-0000-4000-8000-00000000ffff']) expect(problem.parse((await ask('GET', place)).json)).toMatchObject({ status: 404, code: 'change-not-found' });
  });

  it('of settings is seen at once where something was published', async () => {
    await ask('PATCH', '/fedora', { settings: { graceSeconds: 60 } });
    expect([...gateway.repositories.changes.values()]).toEqual([]);
    gateway.repositories.publish('fedora', ['a.rpm']);
    await ask('PATCH', '/fedora', { settings: { graceSeconds: 61 } });
    expect([...gateway.repositories.changes.values()].map(({ request, phase }) => [request.kind, phase])).toEqual([['configure', 'done']]);
  });

  const manyKeys = (): string => JSON.stringify({ keys: Array.from({ length: 1_000_000 }, (_, index) => `k${index}`) });
  it.each<[string, unknown, number]>([
    ['publish', {}, 400],
    ['publish', { uploads: [] }, 400],
    ['publish', { uploads: ['../../x'] }, 400],
    ['publish', { uploads: Array.from({ length: 1001 }, () => '00000000-0000-4000-8000-000000000001') }, 400],
    ['publish', { uploads: ['00000000-0000-4000-8000-00000000ffff'] }, 404],
    ['publish', { uploads: ['00000000-0000-4000-8000-00000000ffff'], component: 'main' }, 400],
    ['publish', { uploads: ['00000000-0000-4000-8000-00000000ffff'], changeId: 'one' }, 400],
    ['publish', { contents: [{ sha256: 'x', from: { session: 's' } }] }, 400],
    ['publish', { contents: [{ sha256: 'a'.repeat(64), from: { file: '/etc/passwd' } }] }, 400],
    ['publish', { contents: [{ sha256: 'a'.repeat(64), from: { cache: 'nowhere' } }] }, 400],
    ['publish', { uploads: ['00000000-0000-4000-8000-00000000ffff'], origin: { found: true } }, 400],
    ['remove', { keys: [] }, 400],
    ['remove', { keys: ['none.rpm'] }, 404],
    ['remove', { keys: Array.from({ length: 1001 }, (_, index) => `k${index}`) }, 400],
    ['remove', manyKeys(), 413],
    ['remove', '[[[[[', 400],
    ['rollback', { to: 0 }, 400],
    ['rollback', { to: 7 }, 404],
    ['sign', { keys: ['x'] }, 400],
  ])('%s of %.80j is %d, and is none', async (kind, body, status) => {
    expect(problem.parse((await ask('POST', `/fedora/${kind}`, body)).json)).toMatchObject({ status });
    expect([...gateway.repositories.changes.values()]).toEqual([]);
  });

  it('names a component of deb that there is', async () => {
    await create('debian', { kind: 'deb', settings: { deb: { components: ['main'], architectures: ['amd64'] } } });
    expect(problem.parse((await ask('POST', '/debian/publish', { uploads: [await upload('a.deb', 'debian')], component: 'contrib' })).json)).toMatchObject({ status: 400, detail: expect.stringContaining('no component contrib') });
    expect((await ask('POST', '/debian/publish', { uploads: [await upload('a.deb', 'debian')], component: 'main' })).status).toBe(200);
  });
});

it('takes in from an instance of the cache only what its publisher may pull there', async () => {
  const shared = await startTestGateway({ dependencies: { access: namedCallers('authorization:\n  roles:\n    repositories:\n      writer: {users: [ann, craft]}\n') } });
  try {
    const publish = async (name: string, instance: string): Promise<string> => {
      const answer = await fetch(`${shared.url}/v1/repositories/fedora/publish`, { method: 'POST', headers: named({ name }), body: JSON.stringify({ contents: [{ sha256: 'a'.repeat(64), from: { cache: instance } }] }) });
      return `${answer.status} ${problem.parse(await answer.json()).code}`;
    };
    expect(await publish('ann', 'closed')).toBe('403 forbidden');
    // Let through as far as the repository that there is not.
    expect(await publish('ann', 'main')).toBe('404 repository-not-found');
    expect(await publish('craft', 'closed')).toBe('404 repository-not-found');
  } finally {
    await shared.close();
  }
});

describe('publishing out of what others have', () => {
  const digest = 'a'.repeat(64);
  const roles = 'authorization:\n  reads: {composes: reader}\n  roles:\n    repositories:\n      writer: {users: [ann, bob, craft]}\n    sessions:\n      reader: {users: [bob]}\n    composes:\n      reader: {users: [bob]}\n';
  let guarded: TestGateway;
  let compose: number;
  let removed: number;
  beforeAll(async () => {
    guarded = await startTestGateway({ dependencies: { access: namedCallers(roles) } });
    const asked = async (): Promise<number> => (await guarded.composes.commands.request(composeRequest(), { owner: 'ann' })).compose.id;
    [compose, removed] = [await asked(), await asked()];
    guarded.composes.set(compose, { state: 'done' });
    guarded.composes.set(removed, { state: 'removed' });
  });
  afterAll(() => guarded.close());

  async function refusal(name: string, from: object): Promise<string> {
    const answer = await fetch(`${guarded.url}/v1/repositories/fedora/publish`, { method: 'POST', headers: named({ name }), body: JSON.stringify({ contents: [{ sha256: digest, from }] }) });
    return `${answer.status} ${problem.parse(await answer.json()).code}`;
  }

  // 404: let through as far as the repository that there is not.
  it('is for whoever may read there', async () => {
    expect(await refusal('ann', { session: 's1' })).toBe('403 forbidden');
    expect(await refusal('bob', { session: 's1' })).toBe('404 repository-not-found');
    expect(await refusal('ann', { compose })).toBe('403 forbidden');
    expect(await refusal('bob', { compose })).toBe('404 repository-not-found');
  });

  it('names a compose that is there', async () => {
    expect(await refusal('bob', { compose: removed })).toBe('409 compose-closed');
    expect(await refusal('bob', { compose: 999 })).toBe('404 compose-not-found');
  });

  it('tells of composes and entries of the cache only whoever may read them', async () => {
    const origins = async (name: string): Promise<unknown> => ((await (await fetch(`${guarded.url}/v1/packages/${digest}/origins`, { headers: named({ name }) })).json()) as { items: unknown }).items;
    const others = [{ session: 'c'.repeat(32), found: true }, { build: 'b7', repository: 'stable', found: true }];
    expect(await origins('ann')).toEqual(others);
    expect(await origins('bob')).toEqual([...others, { compose: 7, found: true }]);
    expect(await origins('craft')).toEqual([...others, { cache: { instance: 'closed', key: 'built' }, found: true }]);
  });
});

describe('what operators do besides', () => {
  beforeEach(createdBefore);

  it('is pruned, checked, mended and synchronised as they ask', async () => {
    expect((await ask('POST', '/fedora/prune', { dryRun: true })).json).toEqual({ dryRun: true, moved: ['old.rpm'], deleted: [], strangers: ['packages/evil.rpm'] });
    expect((await ask('POST', '/fedora/check', { deep: true })).json).toMatchObject({ repository: 'fedora', findings: [] });
    expect((await ask('POST', '/fedora/repair', { force: true })).json).toMatchObject({ steps: [], changes: [] });
    expect(problem.parse((await ask('POST', '/fedora/sync')).json)).toMatchObject({ status: 400, detail: 'the repository fedora is no mirror' });
    await ask('PATCH', '/fedora', { settings: { upstream: { url: 'https://upstream.test/fedora/', everySeconds: null } } });
    expect((await ask('POST', '/fedora/sync')).json).toMatchObject({ upstream: 'https://upstream.test/fedora/', taken: 0 });
    expect((await ask('POST', '/fedora/import', { url: 'https://old.test/fedora', keys: ['KEY'], dryRun: true })).json).toMatchObject({ upstream: 'https://old.test/fedora' });
    for (const body of [{}, { url: '' }, { url: 'x', keys: 'y' }]) expect((await ask('POST', '/fedora/import', body)).status).toBe(400);
    expect(gateway.repositories.calls.map(({ method, options }) => [method, options])).toEqual([
      ['prune', { by: 'craft', dryRun: true, force: false }],
      ['check', { deep: true }],
      ['repair', { by: 'craft', dryRun: false, force: true }],
      ['synchronise', { by: 'craft', dryRun: false, force: false }],
      ['synchronise', { by: 'craft', dryRun: false, force: false }],
      ['takeOver', { from: { url: 'https://old.test/fedora', keys: ['KEY'] }, by: 'craft', dryRun: true, force: false }],
    ]);
  });

  it('reads the last report, as JSON and as text', async () => {
    expect(problem.parse((await ask('GET', '/fedora/report')).json)).toMatchObject({ status: 404, suggestion: expect.stringContaining('millrace repo check') });
    await ask('POST', '/fedora/check');
    expect((await ask('GET', '/fedora/report')).json).toMatchObject({ findings: [] });
    const text = await ask('GET', '/fedora/report.txt');
    expect([text.headers.get('content-type'), text.text]).toEqual(['text/plain; charset=utf-8', 'repo consistency report at 1\n']);
  });
});

it('reads a repo.info file that the real tool has read', async () => {
  const repoInfo = readFileSync('libs/haiku/__fixtures__/samples/repo.info', 'utf8');
  expect((await create('sample', { kind: 'haiku', repoInfo })).status).toBe(201);
});
