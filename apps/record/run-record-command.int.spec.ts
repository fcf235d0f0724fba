import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openDatabase, type Database } from '../../libs/database/open-database.js';
import { query } from '../../libs/database/sql.js';
import { composeRequest, generatedTree, pinnedInputs } from '../../libs/compose-record/__fixtures__/composes.js';
import { createComposeNames } from '../../libs/compose-names/create-compose-names.js';
import { createComposeCommands } from '../../libs/compose-record/create-compose-commands.js';
import { createSessionCommands } from '../../libs/session-record/create-session-commands.js';
import { createCacheRecord } from '../../libs/cache-record/create-cache-record.js';
import { draftOf, nameOf, specInstance } from '../../libs/cache-record/__fixtures__/recorded-cache.js';
import { createRepositoryCommands } from '../../libs/repository-record/create-repository-commands.js';
import { parseRepositorySettings } from '../../libs/repository/repository-settings.js';
import { createTrafficRecorder } from '../../libs/session-record/create-traffic-recorder.js';
import { downloaded, openCommand } from '../../libs/session-record/__fixtures__/traffic-events.js';
import { createTestDatabase, type TestDatabase } from '../../libs/testing/test-database.js';
import { runRecordCommand } from './run-record-command.js';

const byText = (one: string, other: string): number => one.localeCompare(other);
const compareVersions = { haiku: byText, rpm: byText, deb: byText };

describe('npm run record', () => {
  let server: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    server = await createTestDatabase();
    database = await openDatabase(server.url);
    const commands = createSessionCommands(database);
    const recorder = createTrafficRecorder(database);
    for (const sessionId of ['aaaa', 'bbbb']) {
      await commands.open(openCommand({ sessionId }));
      await recorder.record(sessionId, downloaded());
    }
    const composes = createComposeCommands(database, { composeUrl: 'https://composes.test', secondsToLive: 60, maximumSecondsToLive: 60 });
    await composes.request(composeRequest(), { owner: 'ann' });
    await composes.begin(1);
    await composes.pin(1, pinnedInputs(composeRequest()));
    await composes.claimTree(1);
    await composes.complete(1, generatedTree(1));
    await createComposeNames(database, { composeUrl: 'https://composes.test', graceSeconds: 60 }).promote('nightly', 1, { by: 'ann' });
    await createRepositoryCommands(database, { repositoryUrl: 'https://repositories.test', compareVersions }).create({ name: 'ours', kind: 'rpm', place: { store: 'default', folder: 'ours' }, settings: parseRepositorySettings('rpm', {}) }, 'ann');
    const cache = createCacheRecord(database, { instances: new Map([['main', specInstance('main')]]) });
    await cache.putEntry(draftOf('kept'), 'ann');
    await cache.putEntry(draftOf('removed'), 'ann');
    await cache.removeEntry(nameOf('removed'), 'ann', 'removed');
    await cache.recordAlarm('main', { bytes: 3, high: 2, limit: 4, state: 'raised' });
  });
  afterAll(async () => {
    await database.close();
    await server.drop();
  });

  async function record(...parameters: string[]) {
    const lines: string[] = [];
    const context = { settings: { home: '/nowhere', databaseUrl: server.url }, print: (line: string) => lines.push(line), complain: (line: string) => lines.push(line) };
    return { code: await runRecordCommand(parameters, context), text: lines.join('\n') };
  }

  it('verifies all chains or the ones named', async () => {
    expect(await record('verify')).toMatchObject({ code: 0, text: expect.stringContaining('8 intact, 0 broken or missing') });
    expect(await record('verify', 'aaaa')).toMatchObject({ code: 0, text: expect.stringMatching(/^session:aaaa: intact, 2 events, last [0-9a-f]{64}\n1 intact/) });
    expect(await record('verify', 'compose:1')).toMatchObject({ code: 0, text: expect.stringMatching(/^compose:1: intact, 6 events, last [0-9a-f]{64}\n1 intact/) });
    expect(await record('verify', 'compose-name:nightly')).toMatchObject({ code: 0, text: expect.stringMatching(/^compose-name:nightly: intact, 1 events/) });
    expect(await record('verify', 'repository:ours')).toMatchObject({ code: 0, text: expect.stringMatching(/^repository:ours: intact, 1 events/) });
    expect(await record('verify', 'artifact-cache:main')).toMatchObject({ code: 0, text: expect.stringMatching(/^artifact-cache:main: intact, 1 events/) });
    const [{ id } = { id: '' }] = await query<{ id: string }>(database, `select id from streams where id like 'cache-entry:main/action/%' and version = 2`);
    expect(await record('verify', id)).toMatchObject({ code: 0, text: expect.stringContaining(`${id}: intact, 2 events`) });
    expect(await record('verify', 'compose:2')).toMatchObject({ code: 70, text: expect.stringContaining('compose:2: no such record') });
    expect(await record('verify', 'cccc')).toMatchObject({ code: 70, text: expect.stringContaining('session:cccc: no such record') });
  });

  it('rebuilds what was lost of the projections', async () => {
    const tables = ['downloads', 'composes', 'compose_trees', 'compose_names', 'repositories', 'cache_entry_names'];
    const read = () => Promise.all(tables.map((table) => query(database, `select t.* from ${table} t order by t::text`)));
    const before = await read();
    for (const table of tables) await query(database, `delete from ${table}`);
    expect(await record('rebuild')).toEqual({ code: 0, text: 'rebuilt the projections of 2 sessions from 4 events\nrebuilt the projections of 1 composes from 6 events\nrebuilt the projection of 1 names of composes\nrebuilt the projections of 1 repositories from 1 events\nrebuilt the names of 2 cache entries from 3 events' });
    expect(await read()).toEqual(before);
    expect(before.map(({ length }) => length)).toEqual([2, 1, 1, 1, 1, 2]);
  });

  it('names the place where a record was tampered with', async () => {
    await query(database, `update events set data = replace(data, '200', '204') where stream_id = 'session:bbbb' and position = 2`, []);
    expect(await record('verify')).toMatchObject({ code: 70, text: expect.stringContaining('session:bbbb: BROKEN at position 2') });
  });

  it('says how it is used, and what it lacks', async () => {
    expect(await record('destroy')).toMatchObject({ code: 64, text: expect.stringContaining('Usage') });
    expect(await record('verify', 'No/Id')).toMatchObject({ code: 64 });
    expect(await record('verify', 'compose:0')).toMatchObject({ code: 64 });
    expect(await record('verify', 'compose-name:No/Name')).toMatchObject({ code: 64 });
    expect(await record('verify', 'repository:No/Name')).toMatchObject({ code: 64 });
    const complaints: string[] = [];
    const code = await runRecordCommand(['verify'], { settings: { home: '/nowhere', databaseUrl: undefined }, print: () => undefined, complain: (line) => complaints.push(line) });
    expect({ code, complaints }).toEqual({ code: 78, complaints: [expect.stringContaining('no database'), expect.stringContaining('MILLRACE_HOME')] });
  });
});
