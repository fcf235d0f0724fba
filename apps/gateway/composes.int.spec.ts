import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { query } from '../../libs/database/sql.js';
import { readSettings } from '../../libs/settings/settings.js';
import { createTestDatabase } from '../../libs/testing/test-database.js';
import type { TestDatabase } from '../../libs/testing/test-database.js';
import { authorization, startTestGateway } from './__fixtures__/test-gateway.js';
import type { TestGateway } from './__fixtures__/test-gateway.js';
import { composeDetail, composeEventPage, composePage } from './composes/compose-schemas.js';
import { openGatewayDependencies } from './gateway-dependencies.js';
import type { OpenDependencies } from './gateway-dependencies.js';
import { odcsCompose, odcsComposeDetail, odcsComposeList } from './odcs/odcs-schemas.js';

interface Setting {
  readonly database: TestDatabase;
  readonly dependencies: OpenDependencies;
  readonly gateway: TestGateway;
  close(): Promise<void>;
}

/** The gateway on a real record; nobody works on its queue. */
async function startSetting(temporalAddress: string): Promise<Setting> {
  const database = await createTestDatabase();
  const home = mkdtempSync(path.join(tmpdir(), 'millrace-gateway-'));
  const environment = { MILLRACE_HOME: home, MILLRACE_DATABASE_URL: database.url, MILLRACE_TEMPORAL_ADDRESS: temporalAddress };
  const dependencies = await openGatewayDependencies(readSettings({ ...environment, MILLRACE_CONTROL_AUTH: 'craft:craft' }), { composeTaskQueue: `composes-${randomUUID()}` });
  const gateway = await startTestGateway({ dependencies, environment });
  const close = async (): Promise<void> => {
    await gateway.close();
    await dependencies.close();
    await database.drop();
    rmSync(home, { recursive: true, force: true });
  };
  return { database, dependencies, gateway, close };
}

function temporalAddress(): string {
  const address = process.env['MILLRACE_TEST_TEMPORAL'];
  if (address === undefined) throw new Error('MILLRACE_TEST_TEMPORAL is not set: run npm test, which starts a test server');
  return address;
}

const request = JSON.stringify({ source: { type: 'repo', source: 'http://b.test/ http://a.test/%7Eme?x=1', packages: ['päckage'] } });

async function call({ gateway }: Setting, method: string, place: string, body?: string, headers: Readonly<Record<string, string>> = {}) {
  const answer = await fetch(`${gateway.url}${place}`, { method, headers: { authorization, ...headers }, ...(body === undefined ? {} : { body }) });
  return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
}

const outbox = async ({ dependencies }: Setting, id: number): Promise<readonly string[]> => (await query<{ kind: string }>(dependencies.database, 'select kind from compose_outbox where compose_id = $1 order by id', [id])).map(({ kind }) => kind);

describe.each([
  ['without a workflow engine', () => '127.0.0.1:1', ['start']],
  ['with an engine', temporalAddress, []],
])('composes %s', (_name, address, left) => {
  let setting: Setting;
  beforeAll(async () => {
    setting = await startSetting(address());
  });
  afterAll(() => setting.close());

  it('are recorded, shown, listed and cancelled, and the engine hears of them now or later', async () => {
    const made = odcsCompose.parse((await call(setting, 'POST', '/api/1/composes/', request)).json);
    expect(made).toMatchObject({ source: 'http://b.test/ http://a.test/%7Eme?x=1', packages: 'päckage', state_name: 'wait' });
    expect(await outbox(setting, made.id)).toEqual(left);
    expect(odcsComposeDetail.parse((await call(setting, 'GET', `/api/1/composes/${made.id}`)).json)).toEqual({ ...made, pungi_config_dump: null });
    expect(composeDetail.parse((await call(setting, 'GET', `/v1/composes/${made.id}`)).json)).toMatchObject({ queuePosition: 1, attempts: null });
    const waiting = call(setting, 'GET', `/api/1/composes/${made.id}?wait=20`);
    expect((await call(setting, 'DELETE', `/api/1/composes/${made.id}`)).status).toBe(202);
    expect((await waiting).json).toMatchObject({ state_name: 'failed', state_reason: 'Canceled by anonymous' });
    expect(composeEventPage.parse((await call(setting, 'GET', `/v1/composes/${made.id}/events`)).json).items.map(({ type }) => type)).toEqual(['ComposeRequested', 'ComposeCancelled']);
  });

  it('page, filter and order', async () => {
    for (let count = 0; count < 4; count += 1) await call(setting, 'POST', '/api/1/composes/', request);
    const total = odcsComposeList.parse((await call(setting, 'GET', '/api/1/composes/')).json).meta.total;
    for (const order of ['id', '-owner', 'source_type', 'koji_event', '-state', 'time_to_expire', 'time_submitted', '-time_done', 'time_removed']) {
      expect(odcsComposeList.parse((await call(setting, 'GET', `/api/1/composes/?order_by=${order}`)).json).items).toHaveLength(total);
    }
    for (const nothing of ['state=9', 'koji_task_id=7', 'source_type=2147483647', 'label=x', 'pungi_compose_id=%27', 'page=1000000000']) {
      expect(odcsComposeList.parse((await call(setting, 'GET', `/api/1/composes/?${nothing}`)).json).items).toEqual([]);
    }
    const first = composePage.parse((await call(setting, 'GET', '/v1/composes?limit=3&state=wait')).json);
    await call(setting, 'POST', '/api/1/composes/', request);
    const second = composePage.parse((await call(setting, 'GET', `/v1/composes?limit=3&state=wait&cursor=${first.nextCursor}`)).json);
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual([5, 4, 3, 2]);
  });

  it('are one for one key', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const ids = await Promise.all(Array.from({ length: 5 }, async () => (await call(setting, 'POST', '/api/1/composes/', request, key)).json['id']));
    expect(new Set(ids).size).toBe(1);
    expect((await call(setting, 'POST', '/api/1/composes/', request.replace('b.test', 'c.test'), key)).status).toBe(422);
  });
});
