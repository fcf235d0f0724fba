import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { absentEngine, authorization, hangingEngine, startTestGateway } from '../__fixtures__/test-gateway.js';
import type { TestGateway } from '../__fixtures__/test-gateway.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

async function call(method: string, path: string, options: { readonly body?: string; readonly headers?: Record<string, string> } = {}) {
  const answer = await fetch(`${gateway.url}${path}`, { method, headers: { authorization, ...options.headers }, ...(options.body === undefined ? {} : { body: options.body }) });
  return { status: answer.status, text: await answer.text(), headers: answer.headers };
}

async function open(body: object = { policy: 'strict' }): Promise<{ id: string; token: string }> {
  const { status, text } = await call('POST', '/session', { body: JSON.stringify(body) });
  expect(status).toBe(200);
  return JSON.parse(text) as { id: string; token: string };
}

describe('POST /session', () => {
  it('answers exactly the id and the token', async () => {
    const opened = await open({});
    expect(Object.keys(opened).sort()).toEqual(['id', 'token']);
    expect(opened.id).toMatch(/^[0-9a-f]{32}$/);
    expect(opened.token).toMatch(/^[A-Za-z0-9]{20,}$/);
  });

  it.each(['application/json', 'application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data', 'not a media type'])('reads the body as JSON under %s', async (contentType) => {
    expect((await call('POST', '/session', { body: '{"policy":"strict"}', headers: { 'content-type': contentType } })).status).toBe(200);
  });

  it.each([
    ['an empty body', '', 'invalid JSON: the body is empty'],
    ['malformed JSON', '{"policy": "str', 'invalid JSON: the body cannot be parsed'],
    ['a list', '[]', 'invalid request: the body must be a JSON object'],
    ['null', 'null', 'invalid request: the body must be a JSON object'],
    ['a policy that is no string', '{"policy": 1}', 'policy: Invalid input: expected string, received number'],
    ['a timeout that is a string', '{"timeout": "60"}', 'timeout: Invalid input: expected number, received string'],
    ['a fractional timeout', '{"timeout": 1.5}', 'timeout: Invalid input: expected int, received number'],
    ['a negative timeout', '{"timeout": -1}', 'timeout: Too small: expected number to be >=0'],
    ['a timeout over 30 days', '{"timeout": 2592001}', 'timeout: Too big: expected number to be <=2592000'],
    ['secrets that are no list', '{"secrets": {}}', 'Invalid secret: secrets must be a list'],
    ['a secret without type', '{"secrets": [{}]}', 'Invalid secret: missing type'],
    ['a secret of an unknown type', '{"secrets": [{"type": "x"}]}', 'Invalid secret: invalid type'],
    ['a secret without url', '{"secrets": [{"type": "macaroon"}]}', 'Invalid secret: missing url'],
    ['a secret without credentials', '{"secrets": [{"type": "macaroon", "url": "x"}]}', "Invalid secret: missing credentials for 'macaroon'"],
    ['retain that is no boolean', '{"retain": "yes"}', 'retain: Invalid input: expected boolean, received string'],
  ])('answers 400 in plain text to %s', async (_name, body, text) => {
    const answer = await call('POST', '/session', { body, headers: { 'content-type': 'application/json' } });
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 400, text });
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  });

  it('never repeats a body that it cannot parse', async () => {
    const { text } = await call('POST', '/session', { body: '{"secrets": [hunter2' });
    expect(text).not.toContain('hunter2');
  });

  it('takes any other policy for strict', async () => {
    const { id } = await open({ policy: 'lenient' });
    expect(gateway.record.held.get(id)?.command.policy).toBe('strict');
  });

  it('takes 0 and no timeout for six hours', async () => {
    const zero = await open({ timeout: 0 });
    const none = await open({});
    expect([zero, none].map(({ id }) => gateway.record.held.get(id)?.command.timeoutSeconds)).toEqual([21600, 21600]);
  });

  it('refuses permissive where the service does not allow it', async () => {
    const strict = await startTestGateway({ environment: { MILLRACE_PERMISSIVE: '0' } });
    try {
      const answer = await fetch(`${strict.url}/session`, { method: 'POST', headers: { authorization }, body: '{"policy":"permissive"}' });
      expect({ status: answer.status, text: await answer.text() }).toEqual({ status: 400, text: 'Invalid session policy' });
      expect(strict.record.opened).toBe(0);
    } finally {
      await strict.close();
    }
  });

  it('hands the secrets to the record with the token that seals them', async () => {
    const { id, token } = await open({ secrets: [{ type: 'basic-auth', url: 'https://h:443/**', 'basic-credentials': 'u:p' }] });
    expect(gateway.record.held.get(id)?.command.secrets).toEqual({ token, values: [{ type: 'basic-auth', url: 'https://h:443/**', credentials: 'u:p' }] });
  });
});

describe('credentials', () => {
  const wrong: readonly (readonly [string, string | undefined])[] = [
    ['none', undefined],
    ['a wrong password', `Basic ${Buffer.from('craft:other').toString('base64')}`],
    ['a wrong user', `Basic ${Buffer.from('other:craft').toString('base64')}`],
    ['empty ones', 'Basic Og=='],
    ['another scheme', 'Bearer Y3JhZnQ6Y3JhZnQ='],
    ['no base64', 'Basic !!!'],
    ['a longer password', `Basic ${Buffer.from('craft:craft2').toString('base64')}`],
  ];
  const guarded = [
    ['POST', '/session'],
    ['GET', '/session/0'],
    ['DELETE', '/session/0'],
    ['DELETE', '/resources/0'],
    ['GET', '/v1/sessions'],
    ['POST', '/v1/sessions'],
    ['GET', '/v1/sessions/0'],
    ['DELETE', '/v1/sessions/0'],
    ['POST', '/v1/sessions/0/revoke'],
    ['GET', '/v1/sessions/0/downloads'],
    ['GET', '/v1/sessions/0/report'],
    ['GET', '/v1/sessions/0/env'],
  ] as const;

  it.each(wrong)('are refused: %s', async (_name, header) => {
    const before = gateway.record.opened;
    for (const [method, path] of guarded) {
      const answer = await fetch(`${gateway.url}${path}`, { method, headers: header === undefined ? {} : { authorization: header }, ...(method === 'POST' ? { body: '{}' } : {}) });
      expect([method, path, answer.status]).toEqual([method, path, 401]);
      const text = await answer.text();
      if (!path.startsWith('/v1')) {
        expect(text).toBe('401 Unauthorized');
        expect(answer.headers.get('www-authenticate')).toBeNull();
      }
    }
    expect(gateway.record.opened).toBe(before);
  });
});

describe('the life of a session', () => {
  it('is opened, revoked, read and ended', async () => {
    const { id, token } = await open();
    expect(await call('GET', `/session/${id}`)).toMatchObject({ status: 400, text: 'session token is active' });

    const wrong = await fetch(`${gateway.url}/session/${id}/token`, { method: 'DELETE', body: JSON.stringify({ token: 'wrong' }) });
    expect([wrong.status, await wrong.text()]).toEqual([400, 'invalid session token']);
    expect(gateway.record.held.get(id)?.session.state).toBe('open');

    const revoked = await fetch(`${gateway.url}/session/${id}/token`, { method: 'DELETE', body: JSON.stringify({ token }) });
    expect(revoked.status).toBe(200);
    const body = (await revoked.json()) as Record<string, string>;
    expect(Object.keys(body).sort()).toEqual(['end-time', 'session-id', 'spool-path', 'start-time']);
    expect(body['spool-path']).toBe(`${gateway.settings.home}/blobs`);

    const again = await fetch(`${gateway.url}/session/${id}/token`, { method: 'DELETE', body: JSON.stringify({ token }) });
    expect(again.status).toBe(200);

    expect((await call('DELETE', `/resources/${id}`)).status).toBe(409);
    expect(await call('GET', `/session/${id}`)).toMatchObject({ status: 200 });
    expect(await call('DELETE', `/session/${id}`)).toMatchObject({ status: 200, text: '' });
    expect(await call('GET', `/session/${id}`)).toMatchObject({ status: 404, text: '404 Not Found' });
    expect(await call('DELETE', `/session/${id}`)).toMatchObject({ status: 404, text: '404 Not Found' });
    expect(await call('DELETE', `/resources/${id}`)).toMatchObject({ status: 200, text: '' });
  });

  it('logs what other programs look for, and never the token', async () => {
    const { id, token } = await open({ policy: 'permissive' });
    await call('DELETE', `/session/${id}/token`, { body: JSON.stringify({ token }) });
    await call('DELETE', `/session/${id}`);
    const log = gateway.log();
    expect(log).toContain(`create permissive session ${id}`);
    expect(log).toContain(`discarding session ${id}`);
    expect(log).not.toContain(token);
    expect(log).not.toContain(authorization);
  });

  it('is unknown to these operations when it has ended, even if its record is kept', async () => {
    const { id, token } = await open({ retain: true });
    await call('DELETE', `/session/${id}/token`, { body: JSON.stringify({ token }) });
    await call('DELETE', `/session/${id}`);
    expect((await call('GET', `/session/${id}`)).status).toBe(404);
    expect((await call('GET', `/v1/sessions/${id}/report`)).status).toBe(200);
  });

  it.each(['00000000000000000000000000000000', 'A', 'a%2F..%2Fb', '%00', 'x'.repeat(300)])('an unknown id is 404: %s', async (id) => {
    expect(await call('GET', `/session/${id}`)).toMatchObject({ status: 404, text: '404 Not Found' });
    expect(await call('DELETE', `/session/${id}`)).toMatchObject({ status: 404, text: '404 Not Found' });
    expect(await call('DELETE', `/session/${id}/token`, { body: '{"token":"x"}' })).toMatchObject({ status: 404, text: '404 Not Found' });
    expect(await call('DELETE', `/resources/${id}`)).toMatchObject({ status: 200, text: '' });
  });

  it.each([['', 400], ['{}', 400], ['{"token": 1}', 400], ['[]', 400]])('a revocation with the body %j is refused', async (body, status) => {
    const { id } = await open();
    expect((await call('DELETE', `/session/${id}/token`, { body })).status).toBe(status);
    expect(gateway.record.held.get(id)?.session.state).toBe('open');
  });
});

describe('GET /status', () => {
  it('lists the sessions that are held, without credentials', async () => {
    const fresh = await startTestGateway();
    try {
      const status = async (): Promise<Record<string, unknown>> => (await (await fetch(`${fresh.url}/status`)).json()) as Record<string, unknown>;
      expect(await status()).toMatchObject({ 'session-count': 0, 'active-sessions': [] });
      await fetch(`${fresh.url}/session`, { method: 'POST', headers: { authorization }, body: '{}' });
      const { 'active-sessions': active, uptime } = await status();
      expect(active).toEqual([{ 'session-id': expect.any(String), 'start-time': expect.any(String), policy: 'strict', age: 0, timeout: 21600 }]);
      expect(Number.isInteger(uptime)).toBe(true);
    } finally {
      await fresh.close();
    }
  });

  it('tolerates a trailing slash and names the methods of a path', async () => {
    expect((await call('GET', '/status/')).status).toBe(200);
    const answer = await call('PUT', '/status');
    expect([answer.status, answer.headers.get('allow'), answer.text]).toEqual([405, 'GET, HEAD', '405 Method Not Allowed']);
    expect(await call('GET', '/nowhere')).toMatchObject({ status: 404, text: '404 Not Found' });
  });
});

describe('without the workflow engine', () => {
  it.each([
    ['refuses', absentEngine],
    ['hangs', hangingEngine],
  ])('that %s, everything still answers in time and the outbox keeps what the workflow missed', async (_name, workflows) => {
    const alone = await startTestGateway({ dependencies: { workflows } });
    try {
      const timed = async (path: string, init: RequestInit): Promise<{ answer: Response; milliseconds: number }> => {
        const start = performance.now();
        const answer = await fetch(`${alone.url}${path}`, { ...init, headers: { authorization } });
        return { answer, milliseconds: performance.now() - start };
      };
      const opened = await timed('/session', { method: 'POST', body: '{}' });
      expect(opened.answer.status).toBe(200);
      expect(opened.milliseconds).toBeLessThan(4000);
      const { id, token } = (await opened.answer.json()) as { id: string; token: string };
      for (const [path, body] of [[`/session/${id}/token`, JSON.stringify({ token })], [`/session/${id}`, undefined]] as const) {
        const { answer, milliseconds } = await timed(path, { method: 'DELETE', ...(body === undefined ? {} : { body }) });
        expect(answer.status).toBe(200);
        expect(milliseconds).toBeLessThan(8000);
      }
      expect(alone.record.outboxRows).toEqual([`start ${id}`, `revoke ${id}`, `end ${id}`]);
    } finally {
      await alone.close();
    }
  });
});
