import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { openDatabase } from '../../libs/database/open-database.js';
import { query } from '../../libs/database/sql.js';
import { createSessionCommands } from '../../libs/session-record/create-session-commands.js';
import { readSettings } from '../../libs/settings/settings.js';
import { createTestDatabase } from '../../libs/testing/test-database.js';
import { connectTemporal } from '../../temporal/client.js';
import { createSessionWorkflowClient } from '../../temporal/session-workflow-client.js';
import { installQuietRuntime } from '../../workflows/session/__fixtures__/workflow-environment.js';
import { startWorker } from './start-worker.js';
import type { Client } from '@temporalio/client';
import type { Database } from '../../libs/database/open-database.js';
import type { SessionCommands } from '../../libs/session-record/session-commands.js';
import type { SessionWorkflowClient } from '../../temporal/session-workflow-client.js';
import type { SessionInput } from '../../workflows/session/session-messages.js';
import type { WorkerProcess } from './start-worker.js';

const taskQueue = `sessions-${randomBytes(6).toString('hex')}`;
const patience = { deadline: 20_000 };
const codeOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => 'succeeded', (error: { code?: unknown }) => error.code);

let home: string;
let testDatabase: Awaited<ReturnType<typeof createTestDatabase>>;
let database: Database;
let client: Client;
let sessions: SessionWorkflowClient;
let commands: SessionCommands;
let worker: WorkerProcess;

beforeAll(async () => {
  const temporal = process.env.MILLRACE_TEST_TEMPORAL;
  if (temporal === undefined) throw new Error('MILLRACE_TEST_TEMPORAL is not set: run npm test');
  installQuietRuntime();
  home = await mkdtemp(path.join(tmpdir(), 'millrace-worker-'));
  testDatabase = await createTestDatabase();
  const settings = readSettings({ MILLRACE_HOME: home, MILLRACE_DATABASE_URL: testDatabase.url, MILLRACE_TEMPORAL_ADDRESS: temporal });
  database = await openDatabase(testDatabase.url);
  client = connectTemporal(settings);
  sessions = createSessionWorkflowClient(client, { taskQueue });
  commands = createSessionCommands(database);
  worker = startWorker({ settings, log: pino({ level: 'silent' }), taskQueue });
  await worker.polling;
}, 120_000);

afterAll(async () => {
  await worker?.stop();
  await client?.connection.close();
  await database?.close();
  await testDatabase?.drop();
  if (home !== undefined) await rm(home, { recursive: true, force: true });
}, 60_000);

function newInput(changes: Partial<SessionInput> = {}): SessionInput {
  return { sessionId: randomBytes(16).toString('hex'), policy: 'strict', owner: 'worker spec', tokenSha256: randomBytes(32).toString('hex'), timeoutSeconds: 600, retain: true, ...changes };
}

async function until<T>(read: () => Promise<T>, good: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await read();
    if (good(value)) return value;
    await pause(100);
  }
}
const statusOf = (sessionId: string) => sessions.status(sessionId, patience);
const row = async (sessionId: string): Promise<Record<string, unknown> | undefined> => (await query(database, 'select * from sessions where id = $1', [sessionId]))[0];

describe('the worker', () => {
  it('opens, revokes and ends a session by workflow messages, on the real record', async () => {
    const input = newInput();
    await sessions.start(input, patience);
    await sessions.start(input, patience);
    const revoked = await sessions.revoke(input.sessionId, 'builder', patience);
    expect(await row(input.sessionId)).toMatchObject({ state: 'revoked', owner: 'worker spec', token_digest: `sha256:${input.tokenSha256}` });
    expect(await sessions.revoke(input.sessionId, 'again', patience)).toEqual(revoked);
    const ended = await sessions.end(input.sessionId, 'builder', patience);
    expect(ended).toMatchObject({ sessionId: input.sessionId, retained: true });
    expect(await row(input.sessionId)).toMatchObject({ state: 'ended' });
    // The workflow has completed: the client answers from its result.
    expect(await sessions.end(input.sessionId, 'again', patience)).toEqual(ended);
    expect(await sessions.revoke(input.sessionId, 'again', patience)).toEqual(revoked);
    await sessions.start(input, patience);
    expect(await statusOf(input.sessionId)).toMatchObject({ state: 'ended' });
  }, 60_000);

  it('opens a session with the policy document of a message, and fails one whose document is wrong', async () => {
    const input = newInput({ policyDocument: 'version: 1\ndeny: [{host: evil.example}]\n' });
    await sessions.start(input, patience);
    await sessions.revoke(input.sessionId, 'builder', patience);
    const [opened] = await query<{ data: string }>(database, `select data from events where stream_id = $1 and position = 1`, [`session:${input.sessionId}`]);
    expect(JSON.parse(opened?.data ?? '{}')).toMatchObject({ policyDocuments: [{ source: 'session', text: input.policyDocument, content: { deny: [{ host: 'evil.example', line: 2 }] } }] });
    await sessions.end(input.sessionId, 'builder', patience);
    const wrong = newInput({ policyDocument: 'version: 1\ndenny: []\n' });
    await sessions.start(wrong, patience);
    expect(await codeOf(sessions.revoke(wrong.sessionId, 'builder', patience))).toBe('invalid-policy-document');
  }, 60_000);

  it('tells the workflow the totals, and Temporal finds the session by them', async () => {
    const input = newInput();
    await sessions.start(input, patience);
    await until(() => statusOf(input.sessionId), (status) => status.state === 'open');
    await query(database, 'update sessions set position = 7, downloads = 6, bytes = 6000, violations = 2 where id = $1', [input.sessionId]);
    expect(await until(() => statusOf(input.sessionId), (status) => status.position === 7)).toMatchObject({ downloads: 6, bytes: 6000, violations: 2 });
    await sessions.revoke(input.sessionId, 'builder', patience);
    const filter = `WorkflowId = "session:${input.sessionId}" AND MillraceState = "revoked" AND MillraceOwner = "worker spec" AND MillracePolicy = "strict" AND MillraceDownloads = 6 AND MillraceViolations > 1 AND MillraceBytes >= 6000`;
    await until(async () => (await client.workflow.count(filter)).count, (count) => count === 1);
    await sessions.end(input.sessionId, 'builder', patience);
  }, 60_000);

  it('starts the workflow of a session that was opened while Temporal was away, and brings it up to date', async () => {
    const input = newInput();
    const { timeoutSeconds = 600, retain = true, inspectorsConfiguration = {}, ...rest } = input;
    await commands.open({ ...rest, timeoutSeconds, retain, inspectorsConfiguration, startWorkflow: true });
    await commands.revoke(input.sessionId, 'builder');
    await query(database, `insert into outbox (session_id, kind, payload) values ($1, 'revoked', '{"by":"builder"}')`, [input.sessionId]);
    const status = await until(() => statusOf(input.sessionId).catch(() => undefined), (value) => value?.state === 'revoked');
    expect(status).toMatchObject({ owner: 'worker spec' });
    await commands.end(input.sessionId, 'builder');
    await query(database, `insert into outbox (session_id, kind, payload) values ($1, 'ended', '{"by":"builder"}')`, [input.sessionId]);
    await until(() => statusOf(input.sessionId), (value) => value.state === 'ended');
    await until(async () => (await query(database, 'select 1 from outbox where session_id = $1', [input.sessionId])).length, (left) => left === 0);
  }, 60_000);

  it('expires a session on the record', async () => {
    const input = newInput({ timeoutSeconds: 1, retain: false });
    await sessions.start(input, patience);
    await until(() => statusOf(input.sessionId), (status) => status.state === 'expired');
    expect(await row(input.sessionId)).toBeUndefined();
  }, 60_000);

  it('answers with codes', async () => {
    expect(await codeOf(sessions.status('unknown', patience))).toBe('session-not-found');
    expect(await codeOf(sessions.revoke('unknown', 'builder', patience))).toBe('session-not-found');
    const permissive = newInput({ policy: 'permissive' });
    await sessions.start(permissive, patience);
    expect(await codeOf(sessions.revoke(permissive.sessionId, 'builder', patience))).toBe('policy-not-allowed');
    const input = newInput();
    await sessions.start(input, patience);
    expect(await codeOf(sessions.revoke(input.sessionId, '', patience))).toBe('invalid-request');
    await sessions.end(input.sessionId, 'builder', patience);
    expect(await codeOf(sessions.revoke(input.sessionId, 'builder', patience))).toBe('session-closed');
  }, 60_000);

  it('cannot be waited for: a call ends at its deadline', async () => {
    const away = connectTemporal({ temporalAddress: '127.0.0.1:1', temporalNamespace: 'default' });
    try {
      const began = performance.now();
      expect(await codeOf(createSessionWorkflowClient(away).start(newInput(), { deadline: 300 }))).toBe('workflow-engine-unavailable');
      expect(performance.now() - began).toBeLessThan(2000);
    } finally {
      await away.connection.close();
    }
    // Nobody polls this queue, so no update is ever accepted.
    const unserved = createSessionWorkflowClient(client, { taskQueue: `${taskQueue}-unserved` });
    const input = newInput();
    await unserved.start(input, patience);
    expect(await codeOf(unserved.revoke(input.sessionId, 'builder', { deadline: 500 }))).toBe('workflow-engine-unavailable');
    await client.workflow.getHandle(`session:${input.sessionId}`).terminate('end of the spec');
  }, 60_000);
});
