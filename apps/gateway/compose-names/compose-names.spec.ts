import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { MemoryComposes } from '../__fixtures__/memory-composes.js';
import { authorization, startTestGateway } from '../__fixtures__/test-gateway.js';
import type { TestGateway } from '../__fixtures__/test-gateway.js';
import { problem } from '../openapi/error-schemas.js';
import { composeName, composeNameHistory, composeNamePage } from './compose-name-schemas.js';

let composes: MemoryComposes;
let gateway: TestGateway;
beforeAll(async () => {
  composes = new MemoryComposes();
  const dependencies = { ...composes.dependencies(), nameAges: async () => [{ name: 'nightly', seconds: 7 }] };
  gateway = await startTestGateway({ dependencies: { composes: dependencies } });
  for (let id = 1; id <= 4; id += 1) {
    await fetch(`${gateway.url}/api/1/composes/`, { method: 'POST', body: '{"source":{"type":"repo","source":"http://r.test/"}}' });
    if (id < 4) composes.set(id, { state: 'done', queuePosition: null });
  }
});
afterAll(() => gateway.close());

async function ask(method: string, place: string, body?: unknown, headers: Readonly<Record<string, string>> = { authorization }) {
  const answer = await fetch(`${gateway.url}/v1/compose-names${place}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const text = await answer.text();
  return { status: answer.status, json: (text === '' ? undefined : JSON.parse(text)) as unknown };
}

describe('/v1/compose-names', () => {
  it.each([['GET', ''], ['GET', '/nightly'], ['GET', '/nightly/history'], ['PUT', '/nightly'], ['POST', '/nightly/rollback'], ['DELETE', '/nightly']])('%s %s needs the control credentials', async (method, place) => {
    expect(problem.parse((await ask(method, place, method === 'GET' ? undefined : {}, {})).json)).toMatchObject({ status: 401, code: 'unauthorized' });
  });

  it('lets a name point at a compose, go back and be removed', async () => {
    expect(composeName.parse((await ask('PUT', '/nightly', { composeId: 1 })).json)).toMatchObject({
      name: 'nightly',
      composeId: 1,
      by: 'craft',
      links: { self: '/v1/compose-names/nightly', history: '/v1/compose-names/nightly/history', compose: '/v1/composes/1', files: `${gateway.settings.composeUrl}/latest/nightly/`, repoFile: `${gateway.settings.composeUrl}/latest/nightly.repo` },
    });
    expect((await ask('PUT', '/nightly', { composeId: 2 })).status).toBe(200);
    expect(composeName.parse((await ask('GET', '/nightly')).json)).toMatchObject({ composeId: 2 });
    expect(composeName.parse((await ask('POST', '/nightly/rollback')).json)).toMatchObject({ composeId: 1 });
    expect(problem.parse((await ask('PUT', '/nightly', { composeId: 2 })).json)).toMatchObject({ status: 409, code: 'compose-closed', detail: 'the name nightly stays at compose 1: it has had compose 2, or a newer one', suggestion: expect.stringContaining('"force": true') });
    expect(composeName.parse((await ask('PUT', '/nightly', { composeId: 2, force: true })).json)).toMatchObject({ composeId: 2 });
    expect(composeName.parse((await ask('POST', '/nightly/rollback', { to: 1 })).json)).toMatchObject({ composeId: 1 });
    expect(composeNameHistory.parse((await ask('GET', '/nightly/history?limit=2')).json).items.map(({ composeId, kind }) => [composeId, kind])).toEqual([[1, 'rolled-back'], [2, 'promoted']]);
    expect(await ask('DELETE', '/nightly')).toEqual({ status: 204, json: undefined });
    expect(problem.parse((await ask('DELETE', '/nightly')).json)).toMatchObject({ status: 404, code: 'compose-name-not-found' });
  });

  it('lists names page by page', async () => {
    for (const name of ['b', 'a', 'c']) await ask('PUT', `/${name}`, { composeId: 1 });
    const first = composeNamePage.parse((await ask('GET', '?limit=2')).json);
    const second = composeNamePage.parse((await ask('GET', `?limit=2&cursor=${first.nextCursor}`)).json);
    expect([first, second].map(({ items }) => items.map(({ name }) => name))).toEqual([['a', 'b'], ['c']]);
    expect(second.nextCursor).toBeNull();
  });

  it.each<[string, string, unknown, number]>([
    ['PUT', '/x', {}, 400],
    ['PUT', '/x', { composeId: '1' }, 400],
    ['PUT', '/x', { composeId: 0 }, 400],
    ['PUT', '/x', { composeId: 1, colour: 'red' }, 400],
    ['PUT', '/x', undefined, 400],
    ['PUT', '/x', { composeId: 99 }, 404],
    ['PUT', '/x', { composeId: 4 }, 409],
    ['POST', '/x/rollback', {}, 404],
    ['POST', '/a/rollback', { to: 'one' }, 400],
    ['POST', '/a/rollback', {}, 409],
    ['GET', '/x', undefined, 404],
    ['GET', '/x/history', undefined, 404],
    ['GET', '?limit=0', undefined, 400],
    ['GET', '?cursor=A', undefined, 400],
    ['GET', '/a/history?cursor=a', undefined, 400],
  ])('%s %s with %j is %d %s', async (method, place, body, status) => {
    expect(problem.parse((await ask(method, place, body)).json)).toMatchObject({ status });
  });

  it('says which methods there are', async () => {
    expect(problem.parse((await ask('PATCH', '/a', {})).json)).toMatchObject({ status: 405, suggestion: 'This path takes GET, PUT, DELETE, HEAD.' });
  });
});

describe('the rest of the gateway', () => {
  it('does not delete what a name points at, and says which', async () => {
    const named = { ...composes.dependencies(), commands: { ...composes.dependencies().commands, remove: () => Promise.reject(new MillraceError('resources-in-use', 'Compose (id=1) can not be removed: the name nightly points at it.', { suggestion: 'Let the name point at another compose first, or remove the name.' })) } };
    const other = await startTestGateway({ dependencies: { composes: named } });
    try {
      const answer = await fetch(`${other.url}/api/1/composes/1`, { method: 'DELETE' });
      expect([answer.status, await answer.json()]).toEqual([409, { status: 409, error: 'Conflict', message: 'Compose (id=1) can not be removed: the name nightly points at it. Let the name point at another compose first, or remove the name.' }]);
    } finally {
      await other.close();
    }
  });

  it('tells in its metrics how old the composes of names are', async () => {
    expect(await (await fetch(`${gateway.url}/metrics`)).text()).toContain('millrace_compose_name_age_seconds{name="nightly"} 7');
  });
});
