import { randomBytes, randomInt } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pino } from 'pino';
import { composeRequest } from '../../../libs/testing/compose-request.js';
import { createComposeEngine } from '../../../libs/compose-engine/create-compose-engine.js';
import { runGeneration } from '../../../libs/compose-engine/run-generation.js';
import { runTool } from '../../../libs/pungi/supervised-tool.js';
import { createComposeCommands } from '../../../libs/compose-record/create-compose-commands.js';
import { createComposeReads } from '../../../libs/compose-record/create-compose-reads.js';
import { openDatabase } from '../../../libs/database/open-database.js';
import { query } from '../../../libs/database/sql.js';
import { readSettings } from '../../../libs/settings/settings.js';
import { createTestDatabase } from '../../../libs/testing/test-database.js';
import { connectTemporal } from '../../../temporal/client.js';
import { createComposeWorkflowClient } from '../../../temporal/compose-workflow-client.js';
import { installQuietRuntime } from '../../../workflows/session/__fixtures__/workflow-environment.js';
import { startWorker } from '../start-worker.js';
import type { Client } from '@temporalio/client';
import type { Compose } from '../../../libs/compose/compose.js';
import type { ComposeRequest } from '../../../libs/compose/compose-request.js';
import type { ComposeEngine } from '../../../libs/compose-engine/compose-engine.js';
import type { ComposeCommands, ComposeReads } from '../../../libs/compose-record/compose-commands.js';
import type { Database } from '../../../libs/database/open-database.js';
import type { ComposeWorkflowClient } from '../../../temporal/compose-workflow-client.js';
import type { WorkerProcess } from '../start-worker.js';

export interface WorkedComposes extends AsyncDisposable {
  readonly database: Database;
  readonly client: Client;
  readonly commands: ComposeCommands;
  readonly reads: ComposeReads;
  readonly workflows: ComposeWorkflowClient;
  readonly engine: ComposeEngine;
  /** Where trees are. */
  readonly directory: string;
  /** As the gateway does: the record, then the workflow. */
  ask(changes: Partial<ComposeRequest>): Promise<Compose>;
  /** The compose when it is as wanted. */
  until(id: number, good: (compose: Compose) => boolean): Promise<Compose>;
  ended(id: number): Promise<Compose>;
  get(id: number): Promise<Compose>;
  has(id: number, ...parts: readonly string[]): boolean;
  /** Absolute path in the directory of a compose. */
  place(id: number, ...parts: readonly string[]): string;
  /** Those that were started, in their order. */
  readonly workers: readonly WorkerProcess[];
  startWorker(): Promise<WorkerProcess>;
}

const patience = { deadline: 20_000 };

/** A worker on the real record and the real Temporal, with an engine whose generations run in this process. */
export async function workComposes(environment: Readonly<Record<string, string>> = {}): Promise<WorkedComposes> {
  const temporal = process.env['MILLRACE_TEST_TEMPORAL'];
  if (temporal === undefined) throw new Error('MILLRACE_TEST_TEMPORAL is not set: run npm test');
  installQuietRuntime();
  const home = mkdtempSync(path.join(tmpdir(), 'millrace-composes-'));
  const testDatabase = await createTestDatabase();
  const settings = readSettings({ MILLRACE_HOME: home, MILLRACE_DATABASE_URL: testDatabase.url, MILLRACE_TEMPORAL_ADDRESS: temporal, MILLRACE_COMPOSE_ALLOW_DESTINATIONS: '127.0.0.0/8', MILLRACE_COMPOSE_CONCURRENCY: '2', ...environment });
  const database = await openDatabase(testDatabase.url);
  // Specs share the server, and workflows are named for composes.
  await query(database, `alter sequence compose_ids restart with ${randomInt(2 ** 47)}`);
  const client = connectTemporal(settings);
  const taskQueue = `worker-${randomBytes(6).toString('hex')}`;
  const workflows = createComposeWorkflowClient(client, { taskQueue: `${taskQueue}-composes` });
  const commands = createComposeCommands(database, { composeUrl: settings.composeUrl, secondsToLive: settings.composeSecondsToLive, maximumSecondsToLive: settings.composeMaximumSecondsToLive });
  const reads = createComposeReads(database);
  const engine = await createComposeEngine({ settings, searchPath: undefined });
  const workers: WorkerProcess[] = [];
  const get = async (id: number): Promise<Compose> => (await reads.get(id)) ?? Promise.reject(new Error(`no compose ${id}`));
  const until = async (id: number, good: (compose: Compose) => boolean): Promise<Compose> => {
    for (;;) {
      const compose = await get(id);
      if (good(compose)) return compose;
      await pause(50);
    }
  };
  const composes: WorkedComposes = {
    database,
    client,
    commands,
    reads,
    workflows,
    engine,
    directory: settings.composes,
    get,
    workers,
    until,
    ended: (id) => until(id, ({ state }) => state !== 'wait' && state !== 'generating'),
    async ask(changes) {
      const { compose } = await commands.request(composeRequest({ packages: ['spoon'], secondsToLive: 3600, ...changes }), { owner: 'spec' });
      await workflows.start(compose.id, patience);
      return compose;
    },
    has: (id, ...parts) => existsSync(composes.place(id, ...parts)),
    place: (id, ...parts) => path.join(settings.composes, `odcs-${id}`, ...parts),
    async startWorker() {
      const worker = startWorker({
        settings,
        log: pino({ level: process.env['MILLRACE_SPEC_LOG'] ?? 'silent' }),
        taskQueue,
        runGeneration: (task, how) => runGeneration(task, { signal: how.signal, onProgress: (progress) => how.onProgress?.(progress), onChild: () => undefined, runTool: (tool) => runTool(tool, { signal: how.signal }) }),
      });
      workers.push(worker);
      await worker.polling;
      return worker;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(workers.map((worker) => worker.stop()));
      await engine.close();
      await reads.close();
      await client.connection.close();
      await database.close();
      await testDatabase.drop();
      rmSync(home, { recursive: true, force: true });
    },
  };
  await composes.startWorker();
  return composes;
}
