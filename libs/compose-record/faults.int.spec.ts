import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openDatabase, type Database } from '../database/open-database.js';
import { query } from '../database/sql.js';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.js';
import { composeLives } from './__fixtures__/compose-lives.js';
import { generatedTree, pinnedInputs } from './__fixtures__/composes.js';
import type { ComposeCommands } from './compose-commands.js';
import { killInTheMiddle } from './__fixtures__/kill-in-the-middle.js';
import { createComposeCommands } from './create-compose-commands.js';

let server: TestDatabase;
let database: Database;
let victims: Database;

beforeAll(async () => {
  server = await createTestDatabase();
  database = await openDatabase(server.url);
  victims = await openDatabase(server.url, { applicationName: 'victim' });
});
afterAll(async () => {
  await victims.close();
  await database.close();
  await server.drop();
});

const now = (): Date => new Date('2020-01-02T03:04:05.678Z');
const options = { composeUrl: 'https://composes.test', secondsToLive: 86_400, maximumSecondsToLive: 259_200, now };
const commands = (on = database): ComposeCommands => createComposeCommands(on, options);
const { fresh, requested, begun, pinned, claimed, done, removed } = composeLives(commands);

const killedInTheMiddle = (run: (commands: ComposeCommands) => Promise<unknown>): Promise<void> => killInTheMiddle({ victims, database, table: 'composes' }, (on) => run(commands(on)));

const everything = ['streams', 'events', 'composes', 'compose_trees', 'compose_idempotency', 'compose_outbox', 'outbound_messages'];
async function contents(): Promise<unknown> {
  return Promise.all(everything.map((table) => query(database, `select t.* from ${table} t order by t::text`)));
}

/** Brings a compose to a state, and carries out one command on it. */
const cases: [string, () => Promise<number>, (commands: ComposeCommands, id: number) => Promise<unknown>][] = [
  ['begin', requested, (on, id) => on.begin(id)],
  ['pin', begun, (on, id) => on.pin(id, pinnedInputs(fresh()))],
  ['unpin', claimed, (on, id) => on.unpin(id, 'changed')],
  ['claimTree, as the first', pinned, (on, id) => on.claimTree(id)],
  ['claimTree, as a follower', async () => follower(claimed), (on, id) => on.claimTree(id)],
  ['claimTree, for files that are there', async () => follower(done), (on, id) => on.claimTree(id)],
  ['complete', claimed, (on, id) => on.complete(id, generatedTree(id))],
  ['fail', claimed, (on, id) => on.fail(id, 'no', { final: true })],
  ['cancel', claimed, (on, id) => on.cancel(id, 'ann')],
  ['remove', done, (on, id) => on.remove(id, 'ann')],
  ['renew, extending', done, (on, id) => on.renew(id, { secondsToLive: 9000 }, { owner: 'ann', idempotencyKey: `extend ${id}` })],
  ['renew, copying', removed, (on, id) => on.renew(id, {}, { owner: 'ann', idempotencyKey: `copy ${id}` })],
  ['expire', async () => removable(), (on, id) => on.expire(id)],
  ['request', () => Promise.resolve(0), (on) => on.request(fresh({ source: ['https://packages.test/killed'] }), { owner: 'ann', idempotencyKey: 'killed' })],
  ['releasableTrees', removed, (on) => on.releasableTrees(100)],
  ['forgetTree', async () => released(), (on, id) => on.forgetTree({ id, targetDir: 'default' })],
];

async function follower(lead: (request: ReturnType<typeof fresh>) => Promise<number>): Promise<number> {
  const request = fresh();
  await lead(request);
  return pinned(request);
}

async function removable(): Promise<number> {
  const id = await done();
  await commands().remove(id, 'ann');
  return id;
}

async function released(): Promise<number> {
  const id = await removed();
  await commands().releasableTrees(100);
  return id;
}

describe('a connection that is killed in the middle', () => {
  it.each(cases)('of %s leaves nothing, and the command can be repeated', async (name, prepare, run) => {
    const id = await prepare();
    const before = await contents();
    await killedInTheMiddle((on) => run(on, id));
    expect(await contents()).toEqual(before);
    const first = await run(commands(), id);
    const after = await contents();
    expect(after).not.toEqual(before);
    const again = await run(commands(), id);
    if (name === 'request') expect(again).toMatchObject({ repeated: true, compose: (first as { compose: object }).compose });
    else expect(again).toEqual(first);
    expect(withoutOutbox(await contents())).toEqual(withoutOutbox(after));
  });
});

/** An extension that is repeated tells the workflow once more. */
function withoutOutbox(tables: unknown): unknown {
  return (tables as unknown[]).filter((_table, index) => everything[index] !== 'compose_outbox');
}

describe('a database that is away', () => {
  it('is reported as that by every command and every read', async () => {
    const away = await openDatabase('postgresql://nobody@127.0.0.1:1/none');
    try {
      const on = commands(away);
      for (const [, , run] of cases) await expect(run(on, 1)).rejects.toMatchObject({ code: 'database-unavailable' });
    } finally {
      await away.close();
    }
  });
});
