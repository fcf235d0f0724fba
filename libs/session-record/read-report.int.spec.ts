import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openDatabase, type Database } from '../database/open-database.js';
import { query } from '../database/sql.js';
import { sessionStreamId } from '../session/session-events.js';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.js';
import { sessionReportSchema } from './__fixtures__/session-report-schema.js';
import { createSessionCommands } from './create-session-commands.js';
import { createSessionReads, type SessionReads } from './create-session-reads.js';
import { createTrafficRecorder } from './create-traffic-recorder.js';
import { bodyOf, downloaded, failed, openCommand, refused, requestRecord, responseRecord } from './__fixtures__/traffic-events.js';
import { createTrafficNotifications } from './traffic-notifications.js';

describe('reads', () => {
  let server: TestDatabase;
  let database: Database;
  let reads: SessionReads;

  beforeAll(async () => {
    server = await createTestDatabase();
    database = await openDatabase(server.url);
    reads = createSessionReads(database, { version: '0.1.0', inspectors: ['npm', 'default'], spoolRoot: '/spool/' });
  });
  afterAll(async () => {
    await database.close();
    await server.drop();
  });

  async function sessionWithTraffic(): Promise<string> {
    const command = openCommand({ policy: 'strict' });
    await createSessionCommands(database).open(command);
    const recorder = createTrafficRecorder(database);
    const twice = bodyOf('twice');
    const events = [
      downloaded({ body: twice }),
      downloaded({ response: responseRecord({ status: 206, statusText: 'Partial Content' }) }),
      downloaded({ body: bodyOf('withheld'), verdict: 'Rejected', delivered: false, responseInspection: { npm: { opinion: 'Rejected', reason: 'digest differs' } } }),
      refused(),
      failed(),
      downloaded({ body: twice }),
      downloaded({ request: requestRecord({ method: 'HEAD' }), body: bodyOf('') }),
    ];
    for (const event of events) await recorder.record(command.sessionId, event);
    return command.sessionId;
  }

  it('refuse a report while the token is active, and give one that fetch-service clients can read after', async () => {
    const id = await sessionWithTraffic();
    await expect(reads.report(id)).rejects.toMatchObject({ code: 'session-token-active' });
    const { openedAt, revokedAt } = await createSessionCommands(database).revoke(id, 'spec');
    const report = await reads.report(id);
    const ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats.default(ajv);
    const validate = ajv.compile(sessionReportSchema);
    expect({ valid: validate(report), errors: validate.errors }).toEqual({ valid: true, errors: null });
    expect(validate({ ...report, artifacts: [{ ...report.artifacts[0], metadata: {} }] })).toBe(false);
    expect(report).toMatchObject({ generator: 'millrace 0.1.0', 'session-id': id, 'start-time': openedAt, 'end-time': revokedAt, 'spool-path': `/spool/${id}`, policy: 'strict' });
    expect(report.artifacts.map((artefact) => [artefact.metadata['sha256'], artefact.result, artefact.downloads.map((download) => download.position)])).toEqual([
      [bodyOf('twice').sha256, 'Approved', [2, 7]],
      [bodyOf('withheld').sha256, 'Rejected', [4]],
    ]);
    expect(report.artifacts[0]?.metadata).toMatchObject({ purl: 'pkg:npm/thing@1.0', size: 5 });
    expect(report['refused-requests']).toMatchObject([{ rule: 'verdict', reason: 'digest differs', position: 4 }, { rule: 'destination', position: 5 }]);
    expect(report['failed-downloads']).toMatchObject([{ stage: 'connect', position: 6 }]);
    expect(report['other-responses']).toMatchObject([{ 'status-code': 206, status: '206 Partial Content', position: 3 }, { method: 'HEAD', position: 8 }]);
    const [head] = await query<{ version: string; last_digest: string }>(database, 'select version, last_digest from streams where id = $1', [sessionStreamId(id)]);
    expect(report.record).toEqual({ stream: `session:${id}`, events: Number(head?.version), 'last-digest': head?.last_digest });
    await expect(reads.report(id)).resolves.toEqual(report);
  });

  it('show the chain of redirects that led to an artefact, as what it was judged, and what was put in its place', async () => {
    const command = openCommand({ policy: 'strict' });
    await createSessionCommands(database).open(command);
    const recorder = createTrafficRecorder(database);
    const at = (path: string) => requestRecord({ url: `https://registry.example:443${path}` });
    const moved = (from: string, location: string) => downloaded({ request: at(from), response: responseRecord({ status: 302, responseHeader: { Location: [location] } }), body: bodyOf('moved') });
    await recorder.record(command.sessionId, moved('/file', '/second'));
    await recorder.record(command.sessionId, moved('/second', 'https://objects.example/1?sig=redacted'));
    await recorder.record(command.sessionId, moved('/circle', '/circle2'));
    await recorder.record(command.sessionId, moved('/circle2', '/circle'));
    const target = { ...requestRecord({ url: 'https://objects.example:443/1?sig=redacted' }), judgedAs: 'https://registry.example:443/file' };
    await recorder.record(command.sessionId, downloaded({ request: target, body: bodyOf('chained'), replacement: { body: bodyOf('short'), reason: '1 release hidden' } }));
    await recorder.record(command.sessionId, downloaded({ request: at('/circle'), body: bodyOf('circled') }));
    await createSessionCommands(database).revoke(command.sessionId, 'spec');
    const { artifacts } = await reads.report(command.sessionId);
    expect(artifacts[0]?.downloads).toMatchObject([
      {
        'redirect-chain': ['https://registry.example:443/file', 'https://registry.example:443/second'],
        'judged-as': 'https://registry.example:443/file',
        replacement: { ...bodyOf('short'), reason: '1 release hidden' },
      },
    ]);
    expect(artifacts[1]?.downloads[0]).not.toHaveProperty('redirect-chain');
  });

  it('have no report of a session that is unknown or deleted', async () => {
    const id = await sessionWithTraffic();
    await createSessionCommands(database).end(id, 'spec');
    for (const unknown of [id, 'unknown']) await expect(reads.report(unknown)).rejects.toMatchObject({ code: 'session-not-found' });
    await expect(reads.find(id)).resolves.toBeUndefined();
  });

  it('page through downloads while the session runs', async () => {
    const id = await sessionWithTraffic();
    const first = await reads.downloads(id, { limit: 5 });
    expect(first.items.map((item) => [item.position, item.kind, item.name, item.verdict])).toEqual([
      [2, 'downloaded', 'thing', 'Approved'],
      [3, 'downloaded', '', 'Approved'],
      [4, 'downloaded', 'thing', 'Rejected'],
      [5, 'refused', '', null],
      [6, 'failed', '', null],
    ]);
    const rest = await reads.downloads(id, { limit: 5, cursor: first.nextCursor ?? '' });
    expect(rest).toMatchObject({ items: [{ position: 7 }, { position: 8 }], nextCursor: null });
    await expect(reads.downloads(id, { limit: 5, cursor: 'nonsense' })).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('list sessions by filter, newest first, page by page', async () => {
    const owner = 'lister';
    const at = Date.parse('2026-01-01T00:00:00.000Z');
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      const command = openCommand({ owner, policy: index % 2 === 0 ? 'strict' : 'permissive' });
      await createSessionCommands(database, { now: () => new Date(at + index * 60_000) }).open(command);
      ids.unshift(command.sessionId);
    }
    await createSessionCommands(database).revoke(ids[0] ?? '', 'spec');
    const first = await reads.list({ owner, limit: 2 });
    const second = await reads.list({ owner, limit: 3, ...(first.nextCursor === null ? {} : { cursor: first.nextCursor }) });
    expect([...first.items, ...second.items].map((session) => session.id)).toEqual(ids);
    expect(second.nextCursor).toBeNull();
    const filtered = await reads.list({ owner, state: 'open', policy: 'strict', openedAfter: new Date(at).toISOString(), openedBefore: new Date(at + 300_000).toISOString(), limit: 10 });
    expect(filtered.items.map((session) => session.id)).toEqual([ids[2]]);
  });

  it('count, check tokens, and are ready', async () => {
    const before = await reads.overview();
    const command = openCommand();
    await createSessionCommands(database).open(command);
    const after = await reads.overview();
    expect(after.openedEver).toBe(before.openedEver + 1);
    expect(after.active.map((session) => session.id)).toContain(command.sessionId);
    expect((await reads.countByState()).open).toBeGreaterThan(0);
    expect([await reads.tokenMatches(command.sessionId, command.token), await reads.tokenMatches(command.sessionId, 'wrong'), await reads.tokenMatches('unknown', 'x')]).toEqual([true, false, undefined]);
    await expect(reads.ready()).resolves.toBeUndefined();
  });

  it('tell each growth of a session once', async () => {
    const id = await sessionWithTraffic();
    const notifications = createTrafficNotifications(database);
    const claim = async () => (await notifications.claim(200)).filter((due) => due.sessionId === id);
    const makeDue = () => query(database, 'update traffic_notifications set due_at = now() where session_id = $1', [id]);
    await expect(claim()).resolves.toMatchObject([{ notifications: 0, closed: false, totals: { position: 8, downloads: 5, refused: 1, failed: 1, violations: 1 } }]);
    // Claimed by one worker: not another's until it has had its time.
    await expect(claim()).resolves.toEqual([]);
    // That worker died without telling anybody.
    await makeDue();
    await expect(claim()).resolves.toMatchObject([{ totals: { position: 8 } }]);
    await notifications.notified(id, 8, 0);
    await expect(claim()).resolves.toEqual([]);
    await createTrafficRecorder(database).record(id, downloaded());
    await expect(claim()).resolves.toMatchObject([{ notifications: 1, totals: { position: 9, downloads: 6 } }]);
  });
});
