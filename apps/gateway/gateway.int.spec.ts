import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase } from '../../libs/testing/test-database.js';
import { query } from '../../libs/database/sql.js';
import type { TestDatabase } from '../../libs/testing/test-database.js';
import { readSettings } from '../../libs/settings/settings.js';
import { startTestGateway } from './__fixtures__/test-gateway.js';
import type { TestGateway } from './__fixtures__/test-gateway.js';
import { TcpForwarder } from './__fixtures__/tcp-forwarder.js';
import { openGatewayDependencies } from './gateway-dependencies.js';
import type { OpenDependencies } from './gateway-dependencies.js';
import { createdSession, downloadPage, sessionPage } from './sessions/session-schemas.js';

/** Nothing listens there: port 1 needs root and has no service. */
const noTemporal = '127.0.0.1:1';
const authorization = `Basic ${Buffer.from('craft:craft').toString('base64')}`;

interface Setting {
  readonly database: TestDatabase;
  readonly forwarder: TcpForwarder;
  readonly dependencies: OpenDependencies;
  readonly gateway: TestGateway;
  close(): Promise<void>;
}

/** The gateway on a real database, which it reaches through a forwarder; Temporal as named. */
async function startSetting(temporalAddress: string): Promise<Setting> {
  const database = await createTestDatabase();
  const url = new URL(database.url);
  const forwarder = new TcpForwarder({ host: url.hostname, port: Number(url.port === '' ? 5432 : url.port) });
  await forwarder.start();
  url.hostname = '127.0.0.1';
  url.port = String(forwarder.port);
  const home = mkdtempSync(path.join(tmpdir(), 'millrace-gateway-'));
  const environment = { MILLRACE_HOME: home, MILLRACE_DATABASE_URL: url.href, MILLRACE_TEMPORAL_ADDRESS: temporalAddress };
  // A queue of its own: workers of other specs poll the usual one on the same server.
  const dependencies = await openGatewayDependencies(readSettings({ ...environment, MILLRACE_CONTROL_AUTH: 'craft:craft' }), { taskQueue: `sessions-${randomUUID()}` });
  const gateway = await startTestGateway({ dependencies, environment });
  return {
    database,
    forwarder,
    dependencies,
    gateway,
    close: async () => {
      await gateway.close();
      await dependencies.close();
      await forwarder.kill();
      await database.drop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function temporalAddress(): string {
  const address = process.env['MILLRACE_TEST_TEMPORAL'];
  if (address === undefined) throw new Error('MILLRACE_TEST_TEMPORAL is not set: run npm test, which starts a test server');
  return address;
}

async function call(gateway: TestGateway, method: string, path: string, body?: string) {
  const start = performance.now();
  const answer = await fetch(`${gateway.url}${path}`, { method, headers: { authorization, 'content-type': 'application/json' }, ...(body === undefined ? {} : { body }) });
  const text = await answer.text();
  return { status: answer.status, text, milliseconds: performance.now() - start };
}

async function open(gateway: TestGateway, body: object = {}): Promise<{ id: string; token: string }> {
  const answer = await call(gateway, 'POST', '/session', JSON.stringify(body));
  expect(answer).toMatchObject({ status: 200 });
  return JSON.parse(answer.text) as { id: string; token: string };
}

describe.each([
  ['without a workflow engine', () => noTemporal],
  ['with an engine that has no worker', temporalAddress],
])('the gateway %s', (_name, address) => {
  let setting: Setting;
  beforeAll(async () => {
    setting = await startSetting(address());
  });
  afterAll(() => setting.close());

  it('serves what craft-application does, byte by byte, in time', async () => {
    const { gateway } = setting;
    const { id, token } = await open(gateway, { policy: 'strict', secrets: [{ type: 'basic-auth', url: 'https://h:443/**', 'basic-credentials': 'u:p' }] });
    /** As the client sends it: GET with a body, DELETE without one and with a content type. */
    const raw = async (method: string, path: string, body: string): Promise<{ status: string; body: string; milliseconds: number }> => {
      const socket = connect(gateway.port, '127.0.0.1');
      const start = performance.now();
      socket.write(
        `${method} ${path} HTTP/1.1\r\nHost: localhost:${gateway.port}\r\nUser-Agent: python-requests/2.34.2\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: close\r\nContent-type: application/json\r\nContent-Length: ${body.length}\r\nAuthorization: ${authorization}\r\n\r\n${body}`,
      );
      const chunks: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      await once(socket, 'close');
      const [head = '', ...rest] = Buffer.concat(chunks).toString().split('\r\n\r\n');
      return { status: head.slice(9, 12), body: rest.join('\r\n\r\n'), milliseconds: performance.now() - start };
    };
    const status = await raw('GET', '/status', '');
    expect(JSON.parse(status.body)).toMatchObject({ 'session-count': 1, 'active-sessions': [{ 'session-id': id, policy: 'strict', timeout: 21600 }] });
    expect(await raw('GET', `/session/${id}`, '{}')).toMatchObject({ status: '400', body: 'session token is active' });
    const revoked = await raw('DELETE', `/session/${id}/token`, JSON.stringify({ token }));
    expect(revoked.status).toBe('200');
    expect(JSON.parse(revoked.body)).toMatchObject({ 'session-id': id });
    const report = await raw('GET', `/session/${id}`, '{}');
    expect(JSON.parse(report.body)).toMatchObject({ 'session-id': id, policy: 'strict', artifacts: [] });
    const ended = await raw('DELETE', `/session/${id}`, '');
    expect(ended).toMatchObject({ status: '200', body: '' });
    expect(await raw('DELETE', `/resources/${id}`, '')).toMatchObject({ status: '200', body: '' });
    expect(await raw('GET', `/session/${id}`, '{}')).toMatchObject({ status: '404', body: '404 Not Found' });
    expect(JSON.parse((await raw('GET', '/status', '')).body)).toMatchObject({ 'session-count': 1, 'active-sessions': [] });
    expect(Math.max(...[status, revoked, report, ended].map(({ milliseconds }) => milliseconds))).toBeLessThan(9000);
  });

  it('opens a session within the five seconds that clients give it', async () => {
    expect((await call(setting.gateway, 'POST', '/session', '{}')).milliseconds).toBeLessThan(4000);
  });

  it('refuses another session’s token', async () => {
    const [one, other] = [await open(setting.gateway), await open(setting.gateway)];
    expect(await call(setting.gateway, 'DELETE', `/session/${one.id}/token`, JSON.stringify({ token: other.token }))).toMatchObject({ status: 400, text: 'invalid session token' });
  });

  it('pages through the sessions, newest first, and filters them', async () => {
    const { gateway } = setting;
    const since = new Date().toISOString();
    const opened: string[] = [];
    for (let count = 0; count < 5; count += 1) opened.push((await open(gateway, { policy: count < 2 ? 'permissive' : 'strict' })).id);
    const list = async (query: string) => sessionPage.parse(JSON.parse((await call(gateway, 'GET', `/v1/sessions?${query}`)).text));

    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: Awaited<ReturnType<typeof list>> = await list(`limit=2&opened-after=${since}${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`);
      expect(page.items.length).toBeLessThanOrEqual(2);
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(opened.toReversed());
    expect((await list(`policy=permissive&opened-after=${since}`)).items.map(({ id }) => id)).toEqual(opened.slice(0, 2).toReversed());
    expect((await list(`opened-before=${since}`)).items.filter(({ id }) => opened.includes(id))).toEqual([]);
    expect((await list('owner=nobody')).items).toEqual([]);
    expect((await list(`state=revoked&opened-after=${since}`)).items).toEqual([]);
    expect(await call(gateway, 'GET', '/v1/sessions?cursor=nonsense')).toMatchObject({ status: 400 });
  });

  it('shows an open session under /v1 and revokes it without its token', async () => {
    const { gateway } = setting;
    const created = createdSession.parse(JSON.parse((await call(gateway, 'POST', '/v1/sessions', '{"retain":true}')).text));
    expect(downloadPage.parse(JSON.parse((await call(gateway, 'GET', created.links.downloads)).text))).toEqual({ items: [], nextCursor: null });
    expect((await call(gateway, 'POST', `${created.links.self}/revoke`)).status).toBe(200);
    expect((await call(gateway, 'DELETE', created.links.self)).status).toBe(204);
    expect(JSON.parse((await call(gateway, 'GET', created.links.self)).text)).toMatchObject({ state: 'ended', retain: true });
    expect(JSON.parse((await call(gateway, 'GET', created.links.report)).text)).toMatchObject({ 'session-id': created.id });
  });
});

async function outboxKinds({ dependencies }: Setting, sessionId: string): Promise<readonly string[]> {
  const rows = await query<{ kind: string }>(dependencies.database, 'select kind from outbox where session_id = $1 order by kind', [sessionId]);
  return rows.map(({ kind }) => kind);
}

describe('the outbox', () => {
  it('keeps what the engine missed, and nothing that it was told', async () => {
    const [away, present] = await Promise.all([startSetting(noTemporal), startSetting(temporalAddress())]);
    try {
      const missed = await open(away.gateway);
      await call(away.gateway, 'DELETE', `/session/${missed.id}/token`, JSON.stringify({ token: missed.token }));
      expect(await outboxKinds(away, missed.id)).toEqual(['revoked', 'start']);
      const told = await open(present.gateway);
      expect(await outboxKinds(present, told.id)).toEqual([]);
    } finally {
      await Promise.all([away.close(), present.close()]);
    }
  });
});

describe('while PostgreSQL is away', () => {
  it.each([
    ['killed', (forwarder: TcpForwarder) => forwarder.kill()],
    ['hung', (forwarder: TcpForwarder) => Promise.resolve(forwarder.swallow())],
  ])('(%s) everything answers 503 in time, and is back without a restart', async (_name, takeAway) => {
    const setting = await startSetting(noTemporal);
    try {
      const { gateway, forwarder } = setting;
      const { id } = await open(gateway);
      await takeAway(forwarder);
      const answers = await Promise.all([call(gateway, 'POST', '/session', '{}'), call(gateway, 'GET', '/status'), call(gateway, 'GET', `/session/${id}`), call(gateway, 'DELETE', `/session/${id}`), call(gateway, 'DELETE', `/session/${id}/token`, '{"token":"x"}')]);
      expect(answers.map(({ status, text }) => ({ status, text }))).toEqual(answers.map(() => ({ status: 503, text: '503 Service Unavailable' })));
      expect(answers[0]?.milliseconds).toBeLessThan(4900);
      expect(Math.max(...answers.map(({ milliseconds }) => milliseconds))).toBeLessThan(9800);
      expect((await call(gateway, 'GET', '/readyz')).status).toBe(503);
      expect((await call(gateway, 'GET', '/healthz')).status).toBe(200);

      await forwarder.kill();
      await forwarder.start();
      expect(await call(gateway, 'GET', `/session/${id}`)).toMatchObject({ status: 400, text: 'session token is active' });
    } finally {
      await setting.close();
    }
  });
});
