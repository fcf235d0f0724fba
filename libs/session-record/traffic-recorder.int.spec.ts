import { describe, expect, it } from '@jest/globals';
import { openDatabase } from '../database/open-database.js';
import { query } from '../database/sql.js';
import { verifyStream } from '../event-store/verify-stream.js';
import { sessionStreamId } from '../session/session-events.js';
import { specDatabase } from '../testing/spec-database.js';
import { createSessionCommands } from './create-session-commands.js';
import { createTrafficRecorder } from './create-traffic-recorder.js';
import { bodyOf, downloaded, failed, openCommand, refused, requestRecord } from './__fixtures__/traffic-events.js';

describe('the traffic recorder', () => {
  const record = specDatabase();

  async function openSession(): Promise<string> {
    const command = openCommand();
    await createSessionCommands(record.database).open(command);
    return command.sessionId;
  }

  async function totals(sessionId: string): Promise<Record<string, number>> {
    const [row] = await query<Record<string, string>>(record.database, 'select position, downloads, refused, failed, bytes, violations from sessions where id = $1', [sessionId]);
    return Object.fromEntries(Object.entries(row ?? {}).map(([key, value]) => [key, Number(value)]));
  }

  it('records events of several sessions and recorders at once, and every chain is whole', async () => {
    const sessions = await Promise.all([openSession(), openSession(), openSession()]);
    const others = [await openDatabase(record.url), await openDatabase(record.url)];
    try {
      const recorders = [createTrafficRecorder(record.database), ...others.map((other) => createTrafficRecorder(other))];
      await Promise.all(recorders.flatMap((recorder) => sessions.flatMap((id) => Array.from({ length: 60 }, () => recorder.record(id, downloaded())))));
      for (const id of sessions) {
        await expect(verifyStream(record.database, sessionStreamId(id))).resolves.toMatchObject({ intact: true, events: 181 });
        await expect(totals(id)).resolves.toEqual({ position: 181, downloads: 180, refused: 0, failed: 0, bytes: 180 * 16, violations: 0 });
      }
    } finally {
      await Promise.all(others.map((other) => other.close()));
    }
  });

  it('counts each kind of event and merges artefacts by digest', async () => {
    const id = await openSession();
    const recorder = createTrafficRecorder(record.database);
    const body = bodyOf('same bytes');
    await recorder.record(id, downloaded({ body }));
    await Promise.all([recorder.record(id, downloaded({ body, verdict: 'Rejected' })), recorder.record(id, refused()), recorder.record(id, refused({ rule: 'policy' })), recorder.record(id, failed())]);
    await expect(totals(id)).resolves.toEqual({ position: 6, downloads: 2, refused: 2, failed: 1, bytes: 20, violations: 2 });
    const artefacts = await query(record.database, 'select sha256, downloads, first_position, last_position, verdict from artefacts where session_id = $1', [id]);
    expect(artefacts).toEqual([{ sha256: body.sha256, downloads: '2', first_position: '2', last_position: '3', verdict: 'Rejected' }]);
  });

  it('stores hostile text: NUL, half a surrogate pair, SQL and placeholders', async () => {
    const id = await openSession();
    const nasty = `\u0000 \ud800 '; drop table events; -- $1 ? ?? \\ "quoted"`;
    const event = downloaded({ metadata: { type: nasty, name: nasty, version: nasty, vendor: nasty, description: nasty, author: nasty, license: nasty } });
    await createTrafficRecorder(record.database).record(id, { ...event, data: { ...event.data, request: requestRecord({ url: `http://x.example/${nasty}`, userAgent: nasty }) } });
    await expect(verifyStream(record.database, sessionStreamId(id))).resolves.toMatchObject({ intact: true, events: 2 });
    const [stored] = await query<{ data: string }>(record.database, 'select data from events where stream_id = $1 and position = 2', [sessionStreamId(id)]);
    expect((JSON.parse(stored?.data ?? '') as { metadata: { name: string } }).metadata.name).toBe(nasty);
  });

  it('records the same exchange once, however often it is handed in', async () => {
    const id = await openSession();
    const event = downloaded();
    const recorder = createTrafficRecorder(record.database);
    await Promise.all([recorder.record(id, event), recorder.record(id, event)]);
    await recorder.record(id, event);
    await createTrafficRecorder(record.database).record(id, event);
    await expect(totals(id)).resolves.toMatchObject({ position: 2, downloads: 1 });
  });

  it('refuses events of a closed and of an unknown session without failing the others of the batch', async () => {
    const [closed, open] = [await openSession(), await openSession()];
    const recorder = createTrafficRecorder(record.database);
    await createSessionCommands(record.database).revoke(closed, 'spec');
    const outcomes = await Promise.allSettled([recorder.record(closed, downloaded()), recorder.record(open, downloaded()), recorder.record('unknown', downloaded())]);
    expect(outcomes).toMatchObject([
      { status: 'rejected', reason: { code: 'record-sealed' } },
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'record-sealed' } },
    ]);
    await expect(verifyStream(record.database, sessionStreamId(closed))).resolves.toMatchObject({ intact: true, events: 2 });
  });

  it('rejects an event that cannot be stored alone, not the batch it is in', async () => {
    const id = await openSession();
    const recorder = createTrafficRecorder(record.database);
    const outcomes = await Promise.allSettled([recorder.record(id, downloaded()), recorder.record(id, downloaded({ request: requestRecord({ startedAt: 'yesterday-ish' }) })), recorder.record(id, downloaded())]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    await expect(verifyStream(record.database, sessionStreamId(id))).resolves.toMatchObject({ intact: true, events: 3 });
  });

  it('goes on when its connections are killed, and loses and doubles nothing', async () => {
    const id = await openSession();
    const own = await openDatabase(record.url, { applicationName: 'victim' });
    try {
      const recorder = createTrafficRecorder(own, { largestBatch: 20 });
      const total = 600;
      let recorded = 0;
      let kills = 0;
      const work = Promise.all(Array.from({ length: total }, () => recorder.record(id, downloaded()).then(() => (recorded += 1))));
      while (recorded < total && kills < 15) {
        const killed = await query(record.database, `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'victim' and datname = current_database()`);
        kills += killed.length;
      }
      await work;
      expect(kills).toBeGreaterThan(0);
      await expect(totals(id)).resolves.toMatchObject({ position: total + 1, downloads: total });
      await expect(verifyStream(record.database, sessionStreamId(id))).resolves.toMatchObject({ intact: true, events: total + 1 });
    } finally {
      await own.close();
    }
  });

  it('is told that a commit failed although it was done, and records once', async () => {
    const id = await openSession();
    const own = await openDatabase(record.url, { applicationName: 'lost-answer' });
    try {
      // Loses the answer to the first commit: the connection breaks between the server's work and the driver's knowledge of it.
      const connection = own.orm.em.getConnection();
      const commit = connection.commit.bind(connection);
      let lost = 0;
      connection.commit = async (...parameters) => {
        await commit(...parameters);
        if (lost === 0) {
          lost += 1;
          throw Object.assign(new Error('Connection terminated unexpectedly'), { code: 'ECONNRESET' });
        }
      };
      await createTrafficRecorder(own).record(id, downloaded());
      expect(lost).toBe(1);
      await expect(totals(id)).resolves.toMatchObject({ position: 2, downloads: 1 });
    } finally {
      await own.close();
    }
  });

  it('rejects with database-unavailable when its patience ends', async () => {
    const away = await openDatabase('postgresql://nobody@127.0.0.1:1/none');
    try {
      await expect(createTrafficRecorder(away, { patienceMilliseconds: 100 }).record('any', downloaded())).rejects.toMatchObject({ code: 'database-unavailable' });
    } finally {
      await away.close();
    }
  });
});
