import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { authorization, startTestGateway } from '../__fixtures__/test-gateway.js';
import type { TestGateway } from '../__fixtures__/test-gateway.js';
import { problem } from '../openapi/error-schemas.js';
import { createdSession, revokedSession, session, sessionPage } from './session-schemas.js';
import type { CreatedSession } from './session-schemas.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ environment: { MILLRACE_PROXY_PORT: '9988', MILLRACE_TEMPORAL_UI: 'http://127.0.0.1:8233/' } });
});
afterAll(() => gateway.close());

async function call(method: string, path: string, init: { readonly body?: object; readonly headers?: Record<string, string> } = {}) {
  const answer = await fetch(`${gateway.url}${path}`, { method, headers: { authorization, ...init.headers }, ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }) });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text, json: answer.headers.get('content-type')?.includes('json') === true ? (JSON.parse(text) as unknown) : undefined };
}

async function create(body: object = {}): Promise<CreatedSession> {
  const answer = await call('POST', '/v1/sessions', { body });
  expect(answer.status).toBe(201);
  return createdSession.parse(answer.json);
}

describe('/v1/sessions', () => {
  it('opens a session and says where its proxy and its workflow are', async () => {
    const created = await create({ policy: 'permissive', timeout: 60 });
    expect(created.proxyUrl).toBe(`http://${created.id}:${created.token}@localhost:9988`);
    expect(created.links.workflow).toBe(`http://127.0.0.1:8233/namespaces/default/workflows/session%3A${created.id}`);
    expect(Date.parse(created.expiresAt) - Date.parse(created.openedAt)).toBe(60_000);
  });

  it('shows a session and lists it, never its token', async () => {
    const created = await create();
    const one = await call('GET', created.links.self);
    expect(session.parse(one.json)).toMatchObject({ id: created.id, state: 'open', owner: 'craft', totals: { downloads: 0 } });
    const all = await call('GET', '/v1/sessions?limit=500');
    expect(sessionPage.parse(all.json).items.map(({ id }) => id)).toContain(created.id);
    expect(one.text + all.text).not.toContain(created.token);
  });

  it('lets the operator revoke and end without the token, and again', async () => {
    const { links, id } = await create();
    expect((await call('GET', links.report)).json).toMatchObject({ code: 'session-token-active' });
    for (const _again of [1, 2]) expect(revokedSession.parse((await call('POST', `${links.self}/revoke`)).json).id).toBe(id);
    expect((await call('GET', links.report)).status).toBe(200);
    expect(await call('DELETE', links.self)).toMatchObject({ status: 204, text: '' });
    expect((await call('GET', links.self)).status).toBe(404);
  });

  it('ends a retained session once and keeps showing it', async () => {
    const { links } = await create({ retain: true });
    await call('POST', `${links.self}/revoke`);
    expect((await call('DELETE', links.self)).status).toBe(204);
    expect((await call('DELETE', links.self)).status).toBe(204);
    expect(session.parse((await call('GET', links.self)).json).state).toBe('ended');
    expect((await call('POST', `${links.self}/revoke`)).json).toMatchObject({ status: 409, code: 'session-closed' });
  });

  it.each(['state=closed', 'policy=lenient', 'limit=0', 'limit=501', 'limit=ten', 'limit=1&limit=2', 'opened-after=yesterday', 'cursor=', 'colour=red'])('refuses the query %s', async (query) => {
    const answer = await call('GET', `/v1/sessions?${query}`);
    expect(answer.status).toBe(400);
    expect(problem.parse(answer.json)).toMatchObject({ code: 'invalid-request' });
  });
});

describe('/v1/sessions/{id}/env', () => {
  it.each(['sh', 'fish', 'powershell', 'json'])('gives whoever has the token a snippet for %s', async (shell) => {
    const { links, token, proxyUrl } = await create();
    const answer = await fetch(`${gateway.url}${links.env}?shell=${shell}`, { headers: { 'Millrace-Session-Token': token } });
    expect([answer.status, await answer.text()]).toEqual([200, `${shell} ${proxyUrl}`]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('refuses a wrong token, another session’s token, and the control credentials alone', async () => {
    const { links } = await create();
    const other = await create();
    for (const token of ['wrong', other.token, undefined]) {
      const answer = await call('GET', links.env, token === undefined ? {} : { headers: { 'Millrace-Session-Token': token } });
      expect(answer.json).toMatchObject({ status: 401, code: 'unauthorized' });
    }
  });

  it('refuses a session that is closed', async () => {
    const { links, token } = await create();
    await call('POST', `${links.self}/revoke`);
    expect((await call('GET', links.env, { headers: { 'Millrace-Session-Token': token } })).json).toMatchObject({ code: 'session-closed' });
  });
});

describe('problems', () => {
  it.each([
    ['GET', '/v1/sessions/unknown', 404, 'session-not-found'],
    ['GET', '/v1/nowhere', 404, 'not-found'],
    ['PATCH', '/v1/sessions', 405, 'method-not-allowed'],
    ['GET', '/v1/sessions?limit=x', 400, 'invalid-request'],
  ] as const)('%s %s is %d %s', async (method, path, status, code) => {
    const answer = await call(method, path);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json\b/);
    expect(problem.parse(answer.json)).toMatchObject({ status, code, type: `urn:millrace:error:${code}`, instance: path.split('?')[0] });
    expect(answer.status).toBe(status);
  });

  it('ask for credentials by the scheme that is taken', async () => {
    const answer = await fetch(`${gateway.url}/v1/sessions`);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm="millrace"/);
    expect(problem.parse(await answer.json())).toMatchObject({ code: 'unauthorized', suggestion: expect.stringContaining('basic') });
  });

  it('never show what went wrong inside', async () => {
    const broken = await startTestGateway({ dependencies: { reads: { ...gateway.record.reads, list: () => Promise.reject(new Error('select secret_column')) } } });
    try {
      const answer = await fetch(`${broken.url}/v1/sessions`, { headers: { authorization } });
      const text = await answer.text();
      expect([answer.status, text.includes('secret_column')]).toEqual([500, false]);
      expect(broken.log()).toContain('secret_column');
    } finally {
      await broken.close();
    }
  });

  it.each([
    ['says so', () => Promise.reject(new MillraceError('database-unavailable', 'PostgreSQL cannot be reached'))],
    ['refuses the connection', () => Promise.reject(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }))],
    ['hangs', () => new Promise<never>(() => undefined)],
  ] as const)('a database that %s is 503, in time', async (_name, find) => {
    const away = await startTestGateway({ dependencies: { reads: { ...gateway.record.reads, find } } });
    try {
      const start = performance.now();
      const [control, own] = await Promise.all(['/session/0', '/v1/sessions/0'].map((path) => fetch(`${away.url}${path}`, { headers: { authorization } })));
      expect([control?.status, await control?.text()]).toEqual([503, '503 Service Unavailable']);
      expect(problem.parse(await own?.json())).toMatchObject({ status: 503, code: 'database-unavailable' });
      expect(performance.now() - start).toBeLessThan(9800);
    } finally {
      await away.close();
    }
  });
});
