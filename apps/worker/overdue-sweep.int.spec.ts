import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { openDatabase } from '../../libs/database/open-database.js';
import type { Database } from '../../libs/database/open-database.js';
import { query } from '../../libs/database/sql.js';
import { createOverdueSessions } from '../../libs/session-record/overdue-sessions.js';
import { createSessionCommands } from '../../libs/session-record/create-session-commands.js';
import { createTestDatabase } from '../../libs/testing/test-database.js';
import type { TestDatabase } from '../../libs/testing/test-database.js';
import { sweepOverdueSessions } from './overdue-sweep.js';

const log = pino({ level: 'silent' });
let server: TestDatabase;
let database: Database;

beforeAll(async () => {
  server = await createTestDatabase();
  database = await openDatabase(server.url);
});
afterAll(async () => {
  await database?.close();
  await server?.drop();
});

/** Opened so many seconds before now, by the commands' clock. */
async function openedBefore(seconds: number, changes: { readonly timeoutSeconds: number; readonly retain?: boolean }): Promise<string> {
  const sessionId = randomBytes(16).toString('hex');
  const commands = createSessionCommands(database, { now: () => new Date(Date.now() - seconds * 1000) });
  await commands.open({ sessionId, policy: 'strict', owner: 'spec', tokenSha256: randomBytes(32).toString('hex'), retain: false, inspectorsConfiguration: {}, ...changes });
  return sessionId;
}

const sweep = () => sweepOverdueSessions({ overdue: createOverdueSessions(database), commands: createSessionCommands(database), log });
const stateOf = async (id: string) => (await query<{ state: string }>(database, 'select state from sessions where id = $1', [id]))[0]?.state;

describe('the sweep of overdue sessions', () => {
  it('expires what its workflow left, more than a minute after its timeout, and nothing else', async () => {
    const overdue = await openedBefore(200, { timeoutSeconds: 100 });
    const kept = await openedBefore(200, { timeoutSeconds: 100, retain: true });
    const revoked = await openedBefore(200, { timeoutSeconds: 100 });
    await createSessionCommands(database).revoke(revoked, 'spec');
    const itsWorkflowsTurn = await openedBefore(130, { timeoutSeconds: 100 });
    const running = await openedBefore(200, { timeoutSeconds: 300 });
    expect(await sweep()).toBe(3);
    expect(await Promise.all([overdue, kept, revoked, itsWorkflowsTurn, running].map(stateOf))).toEqual([undefined, 'expired', undefined, 'open', 'open']);
    expect(await query(database, 'select 1 from events where stream_id = $1', [`session:${overdue}`])).toEqual([]);
    expect(await sweep()).toBe(0);
  });

  it('removes what a crash between the end and the purge left', async () => {
    const id = await openedBefore(3600, { timeoutSeconds: 7200 });
    const blobs = { removeSession: () => Promise.reject(new Error('killed here')) };
    const hourAgo = () => new Date(Date.now() - 3_000_000);
    await expect(createSessionCommands(database, { blobs, now: hourAgo }).end(id, 'spec')).rejects.toThrow('killed here');
    expect(await stateOf(id)).toBe('ended');
    expect(await sweep()).toBe(1);
    expect(await stateOf(id)).toBeUndefined();
  });

  it('may run in several workers at once', async () => {
    const ids = await Promise.all(Array.from({ length: 8 }, () => openedBefore(200, { timeoutSeconds: 100 })));
    await Promise.all([sweep(), sweep(), sweep()]);
    expect(await Promise.all(ids.map(stateOf))).toEqual(ids.map(() => undefined));
  });

  it('goes on after a session that fails', async () => {
    const ids = await Promise.all(Array.from({ length: 2 }, () => openedBefore(200, { timeoutSeconds: 100 })));
    const real = createSessionCommands(database);
    const first = (await createOverdueSessions(database).find(1))[0] as string;
    const commands = { expire: (id: string) => (id === first ? Promise.reject(new Error('this one fails')) : real.expire(id)) };
    expect(await sweepOverdueSessions({ overdue: createOverdueSessions(database), commands, log })).toBe(1);
    expect((await Promise.all(ids.map(stateOf))).sort()).toEqual(['open', undefined]);
    await sweep();
  });
});
