import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openDatabase, type Database } from '../database/open-database.js';
import { query } from '../database/sql.js';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.js';
import { composeLives } from './__fixtures__/compose-lives.js';
import { createComposeOutboxDeliveries } from './compose-outbox-deliveries.js';
import { createComposeOutbox } from './compose-outbox.js';
import { createComposeCommands } from './create-compose-commands.js';
import { createOverdueComposes } from './overdue-composes.js';

let server: TestDatabase;
let database: Database;

beforeAll(async () => {
  server = await createTestDatabase();
  database = await openDatabase(server.url);
});
beforeEach(async () => {
  await query(database, 'delete from compose_outbox');
});
afterAll(async () => {
  await database.close();
  await server.drop();
});

const commands = (now = (): Date => new Date()) => createComposeCommands(database, { composeUrl: 'https://composes.test', secondsToLive: 86_400, maximumSecondsToLive: 259_200, now });
const { requested, done } = composeLives(() => commands());
const claim = (limit = 50) => createComposeOutboxDeliveries(database).claim(limit);
const makeDue = () => query(database, 'update compose_outbox set due_at = now()');

describe('what the workflow engine has to hear', () => {
  it('is told after the gateway had its chance, the start before everything else', async () => {
    const id = await requested();
    await commands().cancel(id, 'ann');
    expect(await claim()).toEqual([]);
    await makeDue();
    const [start, ...more] = await claim();
    expect([start, more]).toMatchObject([{ composeId: id, kind: 'start', attempts: 1 }, []]);
    expect(await claim()).toEqual([]);
    await createComposeOutboxDeliveries(database).release(start?.id ?? 0);
    await makeDue();
    expect(await claim()).toMatchObject([{ id: start?.id, attempts: 2 }]);
    await createComposeOutboxDeliveries(database).remove(start?.id ?? 0);
    const [changed] = await claim();
    expect(changed).toMatchObject({ composeId: id, kind: 'changed' });
    await createComposeOutboxDeliveries(database).remove(changed?.id ?? 0);
    expect(await claim()).toEqual([]);
  });

  it('is not told of a start that the gateway has done itself', async () => {
    const id = await requested();
    await createComposeOutbox(database).startDelivered(id);
    await makeDue();
    expect(await claim()).toEqual([]);
  });

  it('is left by what others than the workflow ask for, and only when it changed something', async () => {
    const id = await done();
    await query(database, 'delete from compose_outbox');
    await commands().remove(id, 'ann');
    await commands().remove(id, 'ann');
    await commands().renew(id, { secondsToLive: 500 }, { owner: 'ann' });
    expect(await query(database, 'select compose_id, kind from compose_outbox')).toEqual([{ compose_id: String(id), kind: 'changed' }, { compose_id: String(id), kind: 'changed' }]);
  });

  it('is claimed by one of several, and no more than asked for', async () => {
    for (let i = 0; i < 10; i += 1) await requested();
    await makeDue();
    const claims = await Promise.all([claim(4), claim(4), claim(4)]);
    expect(claims.map(({ length }) => length).sort()).toEqual([2, 4, 4]);
    expect(new Set(claims.flat().map(({ id }) => id)).size).toBe(10);
  });
});

describe('composes that nobody looks after', () => {
  it('are found when they should have been removed, or should have ended', async () => {
    const overdue = createOverdueComposes(database);
    const early = new Date(Date.now() - 7200_000);
    const old = composeLives(() => commands(() => early));
    const [forgotten, stuck] = [await old.done(), await old.requested()];
    await done();
    await requested();
    expect(await overdue.find(10)).toEqual([forgotten]);
    expect(await overdue.findUnfinished(3600, 10)).toEqual([stuck]);
    await commands().expire(forgotten);
    expect(await overdue.find(10)).toEqual([]);
  });
});
