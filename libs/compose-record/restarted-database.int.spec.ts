import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openDatabase, type Database } from '../database/open-database.js';
import { startKillablePostgres, type KillablePostgres } from '../testing/start-killable-postgres.js';
import { composeLives } from './__fixtures__/compose-lives.js';
import { generatedTree, pinnedInputs } from './__fixtures__/composes.js';
import { createComposeCommands } from './create-compose-commands.js';
import { createComposeReads } from './create-compose-reads.js';

let postgres: KillablePostgres;
let database: Database;

beforeAll(async () => {
  postgres = await startKillablePostgres();
  database = await openDatabase(postgres.url);
}, 60_000);
afterAll(async () => {
  await database?.close();
  await postgres?.stop();
});

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
    // By the end of another wait the one above has had its first look, which may fail while the database is away.
    await reads.changed(id, { version, milliseconds: 500 });

    await postgres.kill();
    await expect(commands().claimTree(id)).rejects.toMatchObject({ code: 'database-unavailable' });
    await expect(reads.get(id)).rejects.toMatchObject({ code: 'database-unavailable' });
    await expect(commands().request(request, { owner: 'ann' })).rejects.toMatchObject({ code: 'database-unavailable' });

    await postgres.restart();
    expect(await commands().claimTree(id)).toMatchObject({ kind: 'generate' });
    await wait;
    expect(await commands().complete(id, generatedTree(id))).toMatchObject({ state: 'done' });
    expect(await reads.list({ filters: {}, orderBy: 'id', descending: true, offset: 0, limit: 10 })).toMatchObject({ total: 1 });
    await reads.close();
  }, 60_000);
});
