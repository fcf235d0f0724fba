import { describe, expect, it } from '@jest/globals';
import { inTransaction, query } from '../database/sql.js';
import { sessionStreamId } from '../session/session-events.js';
import { tokenSha256 } from '../session/session-credentials.js';
import { specDatabase } from '../testing/spec-database.js';
import { createSessionCommands } from './create-session-commands.js';
import { createSessionDirectory } from './create-session-directory.js';
import { createTrafficRecorder } from './create-traffic-recorder.js';
import { rebuildProjections } from './rebuild-projections.js';
import { readSession } from './read-sessions.js';
import { bodyOf, downloaded, failed, openCommand, refused, responseRecord } from './__fixtures__/traffic-events.js';
import { createOutboxDeliveries } from './outbox-deliveries.js';
import { createWorkflowOutbox } from './workflow-outbox.js';

describe('session commands', () => {
  const record = specDatabase();

  const commands = () => createSessionCommands(record.database);

  /** Every table that has a row in which the text occurs, whatever its column. */
  async function tablesWith(text: string): Promise<string[]> {
    const tables = await query<{ name: string }>(record.database, `select tablename as name from pg_tables where schemaname = 'public' order by 1`);
    const found: string[] = [];
    for (const { name } of tables) {
      const rows = await query(record.database, `select 1 from "${name}" as t where to_jsonb(t)::text like '%' || $1 || '%' limit 1`, [text]);
      if (rows.length > 0) found.push(name);
    }
    return found;
  }

  /** A session with something in every table. */
  async function busySession(retain: boolean): Promise<string> {
    const command = openCommand({ retain, startWorkflow: true });
    await commands().open({ ...command, secrets: { token: command.token, values: [{ type: 'macaroon', url: 'https://x.example:443/**', credentials: 'm' }] } });
    const directory = await createSessionDirectory(record.database, { processName: 'busy' });
    const session = await directory.authenticate(command.sessionId, command.token);
    await session?.knowledge.put('key', 'value');
    const recorder = createTrafficRecorder(record.database);
    for (const event of [downloaded(), refused(), failed()]) await recorder.record(command.sessionId, event);
    await createWorkflowOutbox(record.database).leaveRevoke(command.sessionId, 'spec');
    await directory.close();
    return command.sessionId;
  }

  it('revoke although a process hangs in the middle of a transaction that holds the session', async () => {
    const command = openCommand();
    await commands().open(command);
    let locked = (): void => undefined;
    const holding = new Promise<void>((resolve) => (locked = resolve));
    let goOn = (): void => undefined;
    const stopped = inTransaction(record.database, async ({ sql }) => {
      await sql('select 1 from streams where id = $1 for update', [sessionStreamId(command.sessionId)]);
      locked();
      await new Promise<void>((resolve) => (goOn = resolve));
      await sql('select 1', []);
    });
    await holding;
    expect(await commands().revoke(command.sessionId, 'spec')).toMatchObject({ sessionId: command.sessionId });
    goOn();
    await expect(stopped).rejects.toMatchObject({ code: 'database-unavailable' });
  });

  it('open once; again with the same content changes nothing, with other content conflicts', async () => {
    const command = openCommand({ inspectorsConfiguration: { git: { urls: ['a'] }, apt: {} } });
    const [first, second] = await Promise.all([commands().open(command), commands().open({ ...command, inspectorsConfiguration: { apt: {}, git: { urls: ['a'] } } })]);
    expect(second).toEqual(first);
    expect(Date.parse(first.expiresAt) - Date.parse(first.openedAt)).toBe(3_600_000);
    await expect(commands().open({ ...command, owner: 'somebody else' })).rejects.toMatchObject({ code: 'record-conflict' });
    await expect(query(record.database, 'select 1 from events where stream_id = $1', [sessionStreamId(command.sessionId)])).resolves.toHaveLength(1);
  });

  it('refuse secrets of another token, and leave nothing behind', async () => {
    const command = openCommand();
    const open = commands().open({ ...command, secrets: { token: 'another', values: [{ type: 'macaroon', url: 'u', credentials: 'c' }] } });
    await expect(open).rejects.toMatchObject({ code: 'invalid-token' });
    await expect(tablesWith(command.sessionId)).resolves.toEqual([]);
  });

  it('never store a token', async () => {
    const command = openCommand();
    await commands().open(command);
    await expect(tablesWith(command.token)).resolves.toEqual([]);
    await expect(tablesWith(tokenSha256(command.token))).resolves.toEqual(['events', 'sessions']);
  });

  it('know nothing of an unknown session', async () => {
    for (const call of [() => commands().revoke('unknown', 'x'), () => commands().end('unknown', 'x'), () => commands().expire('unknown')]) {
      await expect(call()).rejects.toMatchObject({ code: 'session-not-found' });
    }
    await expect(commands().end('../etc', 'x')).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('end an open session: it is revoked first, and no row is left in any table', async () => {
    const id = await busySession(false);
    expect(await tablesWith(id)).toEqual(['artefacts', 'downloads', 'events', 'outbox', 'session_knowledge', 'session_secrets', 'sessions', 'streams', 'traffic_notifications']);
    const removed: string[] = [];
    const ending = createSessionCommands(record.database, { blobs: { removeSession: (sessionId) => Promise.resolve(void removed.push(sessionId)) } });
    const result = await ending.end(id, 'spec');
    expect(result).toMatchObject({ sessionId: id, retained: false });
    expect(removed).toEqual([id]);
    expect(await tablesWith(id)).toEqual([]);
    await expect(ending.end(id, 'again')).resolves.toEqual(result);
    await expect(ending.revoke(id, 'again')).rejects.toMatchObject({ code: 'session-not-found' });
  });

  it('do not let a late open bring an ended session back to life', async () => {
    const command = openCommand();
    await commands().open(command);
    await commands().end(command.sessionId, 'spec');
    await expect(commands().open(command)).rejects.toMatchObject({ code: 'session-closed' });
    expect(await tablesWith(command.sessionId)).toEqual([]);
  });

  it('keep the record of a retained session, and drop its credentials', async () => {
    const id = await busySession(true);
    const result = await createSessionCommands(record.database, { blobs: { removeSession: () => Promise.reject(new Error('must be kept')) } }).end(id, 'spec');
    expect(result).toMatchObject({ retained: true });
    const tables = await tablesWith(id);
    expect(tables).toEqual(expect.arrayContaining(['artefacts', 'downloads', 'events', 'sessions', 'streams']));
    expect(tables).not.toContain('session_secrets');
    expect(tables).not.toContain('session_knowledge');
    await expect(readSession(record.database, id)).resolves.toMatchObject({ state: 'ended', retain: true });
    await expect(commands().end(id, 'again')).resolves.toEqual(result);
  });

  it('expire a session: deleted as after an end, kept when retained', async () => {
    const [gone, kept] = [await busySession(false), await busySession(true)];
    await expect(commands().expire(gone)).resolves.toMatchObject({ retained: false });
    expect(await tablesWith(gone)).toEqual([]);
    await expect(commands().expire(kept)).resolves.toMatchObject({ retained: true });
    await expect(readSession(record.database, kept)).resolves.toMatchObject({ state: 'expired' });
  });

  it('finish what a killed call began, at each step', async () => {
    const failing = (): Promise<void> => Promise.reject(new Error('killed'));
    const id = await busySession(false);
    await expect(createSessionCommands(record.database, { blobs: { removeSession: failing } }).end(id, 'spec')).rejects.toThrow('killed');
    await expect(readSession(record.database, id)).resolves.toMatchObject({ state: 'ended' });
    await expect(commands().end(id, 'spec')).resolves.toMatchObject({ retained: false });
    expect(await tablesWith(id)).toEqual([]);

    // Killed between the closing event and the seal: a process that lives holds it up, the call gives up, the next one seals.
    const waiting = await busySession(false);
    await query(record.database, `insert into proxy_processes (id, name, lease_until) values (gen_random_uuid(), 'slow', now() + interval '1 second')`);
    await expect(createSessionCommands(record.database, { acknowledgeWithinMilliseconds: 10 }).end(waiting, 'spec')).rejects.toMatchObject({ code: 'record-conflict' });
    await expect(readSession(record.database, waiting)).resolves.toMatchObject({ state: 'revoked' });
    await expect(commands().end(waiting, 'spec')).resolves.toMatchObject({ retained: false });
    expect(await tablesWith(waiting)).toEqual([]);
  });

  it('may run twice at once', async () => {
    const id = await busySession(false);
    const revoked = await Promise.all([commands().revoke(id, 'a'), commands().revoke(id, 'b')]);
    expect(revoked[0]).toEqual(revoked[1]);
    const ended = await Promise.all([commands().end(id, 'a'), commands().end(id, 'b'), commands().expire(id)]);
    expect(new Set(ended.map((result) => result.endedAt)).size).toBe(1);
    expect(await tablesWith(id)).toEqual([]);
  });

  it('leave a start message that holds no secret, due only after the gateway had its chance', async () => {
    const command = openCommand({ startWorkflow: true });
    await commands().open(command);
    const claim = async () => (await createOutboxDeliveries(record.database).claim(50)).filter((message) => message.sessionId === command.sessionId);
    expect(await claim()).toEqual([]);
    await createWorkflowOutbox(record.database).leaveEnd(command.sessionId, 'spec');
    await query(record.database, `update outbox set created_at = now() - interval '1 minute' where session_id = $1`, [command.sessionId]);
    // The end is not due before the start is: it would find no workflow.
    expect(await claim()).toEqual([]);
    await query(record.database, 'update outbox set due_at = now() where session_id = $1', [command.sessionId]);
    const [start, end, ...more] = await claim();
    expect([start, end, more]).toMatchObject([{ kind: 'start', attempts: 1 }, { kind: 'ended', attempts: 1 }, []]);
    expect(JSON.parse(start?.payload ?? '')).toMatchObject({ sessionId: command.sessionId, timeoutSeconds: 3600 });
    expect(start?.payload).not.toContain(command.token);
    expect(await claim()).toEqual([]);
  });

  it('rebuild the projections to exactly the same rows', async () => {
    const open = openCommand({ policy: 'strict' });
    await commands().open(open);
    const recorder = createTrafficRecorder(record.database);
    const body = bodyOf('twice');
    const events = [downloaded({ body }), downloaded({ body, verdict: 'Rejected', delivered: false, kept: false }), downloaded({ response: responseRecord({ status: 304 }) }), refused({ rule: 'policy' }), failed({ response: responseRecord(), receivedBytes: 7 })];
    for (const event of events) await recorder.record(open.sessionId, event);
    const revoked = await busySession(true);
    await commands().revoke(revoked, 'spec');
    const [ended, expired] = [await busySession(true), await busySession(true)];
    await commands().end(ended, 'spec');
    await commands().expire(expired);
    const read = async (): Promise<unknown> => Promise.all(['sessions order by id', 'artefacts order by session_id, sha256', 'downloads order by session_id, position'].map((table) => query(record.database, `select * from ${table}`)));
    const before = await read();
    await query(record.database, `update sessions set downloads = 99, state = 'open'`);
    await query(record.database, 'delete from artefacts');
    await query(record.database, `update downloads set url = 'changed'`);
    expect(await read()).not.toEqual(before);
    const result = await rebuildProjections(record.database);
    expect(result.sessions).toBeGreaterThanOrEqual(4);
    expect(await read()).toEqual(before);
  });
});
