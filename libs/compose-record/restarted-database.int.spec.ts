import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { migrateDatabase } from '../database/migrate.js';
import { openDatabase, type Database } from '../database/open-database.js';
import { prepareEmbeddedPostgres } from '../embedded/embedded-postgres.js';
import { choosePort } from '../embedded/free-port.js';
import { SupervisedProcess, type ProcessDefinition } from '../embedded/supervised-process.js';
import { composeLives } from './__fixtures__/compose-lives.js';
import { generatedTree, pinnedInputs } from './__fixtures__/composes.js';
import { createComposeCommands } from './create-compose-commands.js';
import { createComposeReads } from './create-compose-reads.js';

let parent: string;
let definition: ProcessDefinition;
let postgres: SupervisedProcess;
let database: Database;

beforeAll(async () => {
  parent = mkdtempSync(path.join(os.tmpdir(), 'compose-record-'));
  chmodSync(parent, 0o755);
  const home = path.join(parent, 'home');
  mkdirSync(home, { mode: 0o700 });
  const prepared = await prepareEmbeddedPostgres({ home, port: await choosePort('127.0.0.1'), onProgress: () => undefined });
  ({ definition } = prepared);
  postgres = await started();
  await migrateDatabase(prepared.url);
  database = await openDatabase(prepared.url);
}, 60_000);
afterAll(async () => {
  await database.close();
  await postgres.stop(5000, 'SIGQUIT');
  const elsewhere = path.join(parent, 'home', 'postgres-directory');
  if (existsSync(elsewhere)) rmSync(readFileSync(elsewhere, 'utf8').trim(), { recursive: true, force: true });
  rmSync(parent, { recursive: true });
});

async function started(): Promise<SupervisedProcess> {
  const supervised = new SupervisedProcess(definition, { onPid: () => undefined, onProgress: () => undefined, onGivenUp: () => undefined });
  await supervised.start();
  return supervised;
}

const commands = () => createComposeCommands(database, { composeUrl: 'https://composes.test', secondsToLive: 86_400, maximumSecondsToLive: 259_200 });
const { fresh, begun } = composeLives(commands);

describe('a database that is killed and started again', () => {
  it('is reported as away in between, and everything goes on where it was, with the waits of before', async () => {
    const reads = createComposeReads(database);
    const request = fresh();
    const id = await begun(request);
    await commands().pin(id, pinnedInputs(request));
    const version = (await reads.get(id))?.version ?? 0;
    const wait = reads.changed(id, { version, milliseconds: 600_000 });
    await reads.changed(id, { version: 0, milliseconds: 600_000 });

    await postgres.stop(0, 'SIGKILL');
    await expect(commands().claimTree(id)).rejects.toMatchObject({ code: 'database-unavailable' });
    await expect(reads.get(id)).rejects.toMatchObject({ code: 'database-unavailable' });
    await expect(commands().request(request, { owner: 'ann' })).rejects.toMatchObject({ code: 'database-unavailable' });

    postgres = await started();
    expect(await commands().claimTree(id)).toMatchObject({ kind: 'generate' });
    await wait;
    expect(await commands().complete(id, generatedTree(id))).toMatchObject({ state: 'done' });
    expect(await reads.list({ filters: {}, orderBy: 'id', descending: true, offset: 0, limit: 10 })).toMatchObject({ total: 1 });
    await reads.close();
  }, 60_000);
});
