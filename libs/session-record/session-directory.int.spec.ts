import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openDatabase, type Database } from '../database/open-database.js';
import { query } from '../database/sql.js';
import { verifyStream } from '../event-store/verify-stream.js';
import { sessionStreamId } from '../session/session-events.js';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.js';
import { createSessionCommands } from './create-session-commands.js';
import { createSessionDirectory, type ClosableSessionDirectory } from './create-session-directory.js';
import { createTrafficRecorder } from './create-traffic-recorder.js';
import { downloaded, failed, openCommand } from './__fixtures__/traffic-events.js';

describe('the session directory', () => {
  let server: TestDatabase;
  let database: Database;
  let other: Database;
  let directory: ClosableSessionDirectory;
  let second: ClosableSessionDirectory;

  beforeAll(async () => {
    server = await createTestDatabase();
    database = await openDatabase(server.url);
    other = await openDatabase(server.url);
    directory = await createSessionDirectory(database, { processName: 'one' });
    second = await createSessionDirectory(other, { processName: 'two' });
  });
  afterAll(async () => {
    await directory.close();
    await second.close();
    await database.close();
    await other.close();
    await server.drop();
  });

  async function openSession(overrides: Parameters<typeof openCommand>[0] = {}): Promise<{ id: string; token: string }> {
    const command = openCommand(overrides);
    await createSessionCommands(database).open(command);
    return { id: command.sessionId, token: command.token };
  }

  it('admits the right token only, and does not say what was wrong', async () => {
    const { id, token } = await openSession();
    const wrong = [directory.authenticate(id, `${token}x`), directory.authenticate('unknown', token), directory.authenticate('../x', token), directory.authenticate(id, '')];
    expect(await Promise.all(wrong)).toEqual([undefined, undefined, undefined, undefined]);
    const session = await directory.authenticate(id, token);
    expect(session).toMatchObject({ id, policy: 'permissive', secrets: [] });
    expect(session?.admits()).toBe(true);
    await expect(directory.authenticate(id, `${token}x`)).resolves.toBeUndefined();
    await expect(directory.authenticate(id, token)).resolves.toBe(session);
  });

  it('opens the sealed credentials with the token, and the database holds neither', async () => {
    const command = openCommand();
    const secret = { type: 'basic-auth', url: 'https://origin.example:443/**', credentials: 'user:very-secret' } as const;
    await createSessionCommands(database).open({ ...command, secrets: { token: command.token, values: [secret] } });
    const session = await directory.authenticate(command.sessionId, command.token);
    expect(session?.secrets).toEqual([secret]);
    const everything = JSON.stringify(await query(database, `select e.data, encode(s.sealed, 'escape') as sealed from events e, session_secrets s where s.session_id = $1`, [command.sessionId]));
    expect(everything).toContain('origin.example');
    expect(everything).not.toContain('very-secret');
    expect(everything).not.toContain(command.token);
  });

  it('shares what a session learns between processes, newest first', async () => {
    const { id, token } = await openSession();
    const one = await directory.authenticate(id, token);
    const two = await second.authenticate(id, token);
    await one?.knowledge.put('npm/packument/x', 'first');
    await expect(two?.knowledge.get('npm/packument/x')).resolves.toBe('first');
    await two?.knowledge.put('npm/packument/x', 'second');
    await expect(one?.knowledge.get('npm/packument/x')).resolves.toBe('second');
    await expect(one?.knowledge.get('npm/packument/y')).resolves.toBeUndefined();
    // More at once than one query asks for: each gets its own.
    await Promise.all(Array.from({ length: 100 }, async (_, number) => one?.knowledge.put(`many/${number}`, `value ${number}`)));
    expect(await Promise.all(Array.from({ length: 120 }, async (_, number) => two?.knowledge.get(`many/${number}`)))).toEqual(Array.from({ length: 120 }, (_, number) => (number < 100 ? `value ${number}` : undefined)));
    // Of two that change it at once, one is told to look again.
    expect(await Promise.all([one?.knowledge.replace('npm/packument/x', 'second', 'third'), two?.knowledge.replace('npm/packument/x', 'second', 'other third')]).then((done) => done.sort())).toEqual([false, true]);
    expect(await Promise.all([one?.knowledge.replace('new', undefined, 'a'), two?.knowledge.replace('new', undefined, 'b')]).then((done) => done.sort())).toEqual([false, true]);
    await expect(one?.knowledge.replace('new', 'never there', 'c')).resolves.toBe(false);
    expect(['third', 'other third']).toContain(await one?.knowledge.get('npm/packument/x'));
    await expect(one?.knowledge.put('big', 'x'.repeat(4 * 1024 * 1024 + 1))).rejects.toMatchObject({ code: 'payload-too-large' });
  });

  it('revokes in every process: aborts what runs, waits for its record, then seals', async () => {
    const { id, token } = await openSession();
    const sessions = [await directory.authenticate(id, token), await second.authenticate(id, token)];
    const recorder = createTrafficRecorder(database);
    const aborted: string[] = [];
    const order: string[] = [];
    for (const session of sessions) {
      const leave = session?.enter((reason) => {
        aborted.push(reason);
        expect(session.admits()).toBe(false);
        void recorder.record(id, failed({ stage: 'revoked', reason })).then(() => {
          order.push('recorded');
          leave?.();
        });
      });
    }
    const result = await createSessionCommands(other).revoke(id, 'spec');
    order.push('answered');
    expect(aborted).toEqual(['revoked', 'revoked']);
    expect(order).toEqual(['recorded', 'recorded', 'answered']);
    expect(sessions.map((session) => [session?.admits(), session?.refusal()])).toEqual([[false, 'revoked'], [false, 'revoked']]);
    await expect(directory.authenticate(id, token)).resolves.toBeUndefined();
    await expect(recorder.record(id, downloaded())).rejects.toMatchObject({ code: 'record-sealed' });
    await expect(verifyStream(database, sessionStreamId(id))).resolves.toMatchObject({ intact: true, events: 4 });
    await expect(createSessionCommands(database).revoke(id, 'again')).resolves.toEqual(result);
    await expect(query(database, 'select 1 from revocation_acks union all select 1 from revocations')).resolves.toEqual([]);
  });

  it('does not answer a revoke while work of a living process goes on', async () => {
    const { id, token } = await openSession();
    const session = await directory.authenticate(id, token);
    const leave = session?.enter(() => undefined);
    const commands = createSessionCommands(database, { acknowledgeWithinMilliseconds: 300 });
    await expect(commands.revoke(id, 'spec')).rejects.toMatchObject({ code: 'record-conflict' });
    leave?.();
    await expect(commands.revoke(id, 'spec')).resolves.toMatchObject({ sessionId: id });
  });

  it('is held up by a process that died for one lease at most', async () => {
    const { id, token } = await openSession();
    const session = await directory.authenticate(id, token);
    await query(database, `insert into proxy_processes (id, name, lease_until) values (gen_random_uuid(), 'dead', now() + interval '1.5 seconds')`);
    const startedAt = performance.now();
    await createSessionCommands(database).revoke(id, 'spec');
    const took = performance.now() - startedAt;
    expect(took).toBeGreaterThan(1_000);
    expect(took).toBeLessThan(5_000);
    expect(session?.admits()).toBe(false);
  });

  it('admits nothing while its lease is lost, and again when the database is back, without the sessions closed meanwhile', async () => {
    const [kept, closed] = [await openSession(), await openSession()];
    const sessions = await Promise.all([kept, closed].map(({ id, token }) => second.authenticate(id, token)));
    // The second process alone is cut off: its connections are killed and it cannot connect again.
    const name = new URL(server.url).pathname.slice(1);
    const victims = `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'millrace-lease two' and datname = '${name}'`;
    let cutOff = true;
    const cutting = (async () => {
      while (cutOff) {
        await query(database, victims);
        await pause(2);
      }
    })();
    try {
      await until(() => sessions[0]?.admits() === false);
      expect(sessions[0]?.refusal()).toBe('record-unavailable');
      await createSessionCommands(database).revoke(closed.id, 'spec');
    } finally {
      cutOff = false;
      await cutting;
    }
    await until(() => sessions[0]?.admits() === true);
    expect(sessions[1]?.refusal()).toBe('revoked');
  }, 40_000);

  it('learns of a close although its notification connection was down', async () => {
    const { id, token } = await openSession();
    const session = await directory.authenticate(id, token);
    await query(database, `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'millrace-lease one' and datname = current_database()`);
    await createSessionCommands(database).revoke(id, 'spec');
    expect(session?.admits()).toBe(false);
    await until(() => directory.ready());
  });

  it('does not believe a load that a close has overtaken', async () => {
    for (let round = 0; round < 20; round += 1) {
      const { id, token } = await openSession();
      const [session] = await Promise.all([directory.authenticate(id, token), createSessionCommands(other).revoke(id, 'spec')]);
      expect(session?.admits() ?? false).toBe(false);
    }
  });

  it('expires by its own clock before anyone says so', async () => {
    const now = Date.now();
    const command = openCommand({ timeoutSeconds: 1 });
    await createSessionCommands(database, { now: () => new Date(now - 300) }).open(command);
    const session = await directory.authenticate(command.sessionId, command.token);
    expect(session?.admits()).toBe(true);
    await until(() => session?.admits() === false);
    expect(session?.refusal()).toBe('expired');
    await expect(directory.authenticate(command.sessionId, command.token)).resolves.toBeUndefined();
  });

  it('gives the lease back when it is closed', async () => {
    const third = await createSessionDirectory(database, { processName: 'three' });
    const { id, token } = await openSession();
    const session = await third.authenticate(id, token);
    await third.close();
    expect(session?.admits()).toBe(false);
    await expect(query(database, 'select 1 from proxy_processes where id = $1', [third.processId])).resolves.toEqual([]);
  });
});

async function until(condition: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > giveUpAt) throw new Error('the condition was not met in 20 s');
    await pause(10);
  }
}
