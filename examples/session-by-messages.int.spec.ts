import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { pino } from 'pino';
import { startWorker } from '../apps/worker/start-worker.js';
import { readSettings } from '../libs/settings/settings.js';
import { createTestDatabase } from '../libs/testing/test-database.js';
import { connectTemporal } from '../temporal/client.js';
import { installQuietRuntime } from '../workflows/session/__fixtures__/workflow-environment.js';
import { runInSession } from './session-by-messages.js';
import type { Client } from '@temporalio/client';
import type { WorkerProcess } from '../apps/worker/start-worker.js';

const taskQueue = `example-${randomBytes(6).toString('hex')}`;
let home: string;
let testDatabase: Awaited<ReturnType<typeof createTestDatabase>>;
let client: Client;
let worker: WorkerProcess;

beforeAll(async () => {
  installQuietRuntime();
  home = await mkdtemp(path.join(tmpdir(), 'millrace-example-'));
  testDatabase = await createTestDatabase();
  const settings = readSettings({ MILLRACE_HOME: home, MILLRACE_DATABASE_URL: testDatabase.url, MILLRACE_TEMPORAL_ADDRESS: process.env.MILLRACE_TEST_TEMPORAL });
  client = connectTemporal(settings);
  worker = startWorker({ settings, log: pino({ level: 'silent' }), taskQueue });
  await worker.polling;
}, 120_000);

afterAll(async () => {
  await worker?.stop();
  await client?.connection.close();
  await testDatabase?.drop();
  if (home !== undefined) await rm(home, { recursive: true, force: true });
}, 60_000);

it('drives a session by workflow messages, and the token stays out of the history', async () => {
  let proxyUrl = '';
  const { revoked, ended, status } = await runInSession({ client, proxy: '127.0.0.1:9988', taskQueue }, async (url) => {
    proxyUrl = url;
  });
  expect(status).toMatchObject({ state: 'revoked', sessionId: revoked.sessionId, revokedAt: revoked.revokedAt });
  expect(ended).toMatchObject({ sessionId: revoked.sessionId, retained: true });
  const { username, password } = new URL(proxyUrl);
  expect(username).toBe(revoked.sessionId);
  expect(password).toMatch(/^[A-Za-z0-9]{32}$/);
  const history = historyToJSON(await client.workflow.getHandle(`session:${revoked.sessionId}`).fetchHistory());
  expect(history).not.toContain(password);
  expect(history).not.toContain(Buffer.from(password).toString('base64').slice(4, 36));
}, 60_000);

it('ends the session of a build that failed', async () => {
  let sessionId = '';
  const driven = runInSession({ client, proxy: '127.0.0.1:9988', taskQueue }, async (url) => {
    sessionId = new URL(url).username;
    throw new Error('the compiler crashed');
  });
  await expect(driven).rejects.toThrow('the compiler crashed');
  expect(await client.workflow.getHandle(`session:${sessionId}`).result()).toMatchObject({ state: 'ended' });
}, 60_000);
