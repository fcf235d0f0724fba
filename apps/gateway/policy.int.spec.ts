import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTrafficRecorder } from '../../libs/session-record/create-traffic-recorder.js';
import { downloaded } from '../../libs/session-record/__fixtures__/traffic-events.js';
import { readSettings } from '../../libs/settings/settings.js';
import { createTestDatabase, type TestDatabase } from '../../libs/testing/test-database.js';
import { authorization, startTestGateway, type TestGateway } from './__fixtures__/test-gateway.js';
import { openGatewayDependencies, type OpenDependencies } from './gateway-dependencies.js';
import { policyCheck } from './sessions/session-schemas.js';

const serviceText = 'version: 1\ndeny: [{host: evil.example}]\nsessions: {may-pin: false}\n';

describe('policy documents through the control API', () => {
  let home: string;
  let database: TestDatabase;
  let dependencies: OpenDependencies;
  let gateway: TestGateway;
  beforeAll(async () => {
    home = mkdtempSync(path.join(tmpdir(), 'millrace-gateway-'));
    database = await createTestDatabase();
    const file = path.join(home, 'policy.yaml');
    writeFileSync(file, serviceText);
    // Nothing listens on port 1.
    const environment = { MILLRACE_HOME: home, MILLRACE_DATABASE_URL: database.url, MILLRACE_TEMPORAL_ADDRESS: '127.0.0.1:1', MILLRACE_POLICY: file };
    dependencies = await openGatewayDependencies(readSettings({ ...environment, MILLRACE_CONTROL_AUTH: 'craft:craft' }), { taskQueue: `sessions-${randomUUID()}` });
    gateway = await startTestGateway({ dependencies, environment });
  });
  afterAll(async () => {
    await gateway.close();
    await dependencies.close();
    await database.drop();
    rmSync(home, { recursive: true, force: true });
  });

  async function post(route: string, body: unknown): Promise<{ readonly status: number; readonly text: string; readonly json: () => unknown }> {
    const answer = await fetch(`${gateway.url}${route}`, { method: 'POST', headers: { authorization }, body: JSON.stringify(body) });
    const text = await answer.text();
    return { status: answer.status, text, json: () => JSON.parse(text) as unknown };
  }
  const get = async (route: string): Promise<unknown> => (await fetch(`${gateway.url}${route}`, { headers: { authorization } })).json();

  it.each([
    ['/v1/sessions', 201, { version: 1, cooldown: { days: 7 } }, '{\n  "version": 1,\n  "cooldown": {\n    "days": 7\n  }\n}'],
    ['/session', 200, 'version: 1\ncooldown: {days: 7}\n', 'version: 1\ncooldown: {days: 7}\n'],
  ])('are taken at %s and stand in the report beside the document of the service', async (route, status, document, text) => {
    const opened = await post(route, { 'policy-document': document });
    expect(opened).toMatchObject({ status });
    const { id } = opened.json() as { id: string };
    expect(await post(`/v1/sessions/${id}/revoke`, {})).toMatchObject({ status: 200 });
    expect(await get(`/v1/sessions/${id}/report`)).toMatchObject({ 'policy-documents': [{ source: 'service', text: serviceText }, { source: 'session', text }] });
  });

  it('with mistakes are answered with all of them: as a list under /v1, as lines for clients of fetch-service', async () => {
    const document = 'version: 1\ndenny: []\ndeny: [{ecosystem: pypi}]\n';
    const problem = await post('/v1/sessions', { 'policy-document': document });
    const mistakes = [
      { file: 'session policy', line: 2, column: 1, path: 'denny', message: 'unknown key: did you mean "deny"?' },
      { file: 'session policy', line: 3, column: 20, path: 'deny[0].ecosystem', message: 'no inspector is for "pypi": did you mean "pip"?' },
    ];
    expect([problem.status, problem.json()]).toMatchObject([400, { code: 'invalid-policy-document', mistakes, suggestion: expect.any(String) }]);
    expect(await post('/session', { 'policy-document': document })).toMatchObject({ status: 400, text: expect.stringMatching(/^session policy:2:1: denny: .*\nsession policy:3:20: /) });
    expect(await post('/v1/sessions', { 'policy-document': { version: 1, pins: [{ sha256: '0'.repeat(64) }] } })).toMatchObject({ status: 400, text: expect.stringContaining('does not let sessions pin') });
    expect(await post('/v1/sessions', { 'policy-document': 7 })).toMatchObject({ status: 400 });
  });

  it('judge a running session in a dry run', async () => {
    const { id } = (await post('/v1/sessions', { policy: 'permissive' })).json() as { id: string };
    await createTrafficRecorder(dependencies.database).record(id, downloaded());
    const check = await post(`/v1/sessions/${id}/policy-check`, { 'policy-document': 'version: 1\ndeny: [{purl: "pkg:npm/thing"}]' });
    expect(check.status).toBe(200);
    expect(policyCheck.parse(check.json())).toMatchObject({ sessionId: id, judged: 1, refusedByPolicy: 1, refused: [{ position: 2, byPolicy: true, stage: 'artefact', url: 'https://origin.example:443/thing-1.0.tgz', reason: expect.stringContaining('line 2 (deny)') }] });
    expect((await post(`/v1/sessions/${id}/policy-check`, { 'policy-document': { version: 1 } })).json()).toMatchObject({ refusedCount: 0 });
    expect(await post(`/v1/sessions/${id}/policy-check`, { 'policy-document': { version: 2 } })).toMatchObject({ status: 400, text: expect.stringContaining('invalid-policy-document') });
    expect(await post(`/v1/sessions/${id}/policy-check`, {})).toMatchObject({ status: 400, text: expect.stringContaining('invalid-request') });
    expect(await post('/v1/sessions/unknown/policy-check', { 'policy-document': { version: 1 } })).toMatchObject({ status: 404 });
  });
});
