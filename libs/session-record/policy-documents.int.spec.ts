import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openDatabase, type Database } from '../database/open-database.js';
import { query } from '../database/sql.js';
import type { MillraceError } from '../errors/millrace-error.js';
import { policyDocumentSha256, readPolicyDocument } from '../policy/record-policy-documents.js';
import { sessionStreamId } from '../session/session-events.js';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.js';
import { downloaded, openCommand, refused } from './__fixtures__/traffic-events.js';
import { createSessionCommands } from './create-session-commands.js';
import { createSessionDirectory, type ClosableSessionDirectory } from './create-session-directory.js';
import { createSessionReads } from './create-session-reads.js';
import { createTrafficRecorder } from './create-traffic-recorder.js';
import { readServicePolicy } from './read-service-policy.js';
import { rebuildProjections } from './rebuild-projections.js';

const serviceText = 'version: 1\ndeny: [{host: evil.example}]\nsessions: {may-pin: false}\ninspectors-configuration: {git: {urls: [a]}, apt: {x: 1}}\n';
const sessionText = 'version: 1\ncooldown: {days: 7}\ninspectors-configuration: {git: {urls: [b]}}\n';

describe('policy documents on the record', () => {
  let server: TestDatabase;
  let database: Database;
  let directory: ClosableSessionDirectory;

  beforeAll(async () => {
    server = await createTestDatabase();
    database = await openDatabase(server.url);
    directory = await createSessionDirectory(database, { processName: 'policy' });
  });
  afterAll(async () => {
    await directory.close();
    await database.close();
    await server.drop();
  });

  const servicePolicy = readPolicyDocument(serviceText, 'service');
  const commands = () => createSessionCommands(database, { servicePolicy, ecosystems: ['npm', 'pip'] });
  const reads = () => createSessionReads(database, { version: '0.1.0', inspectors: ['npm'], spoolRoot: '/spool' });

  it('of service and session are in the event that opens the session, in force at the proxies, and in the report', async () => {
    const command = openCommand({ policyDocument: sessionText, inspectorsConfiguration: { crafts: { urls: [] } } });
    const { openedAt } = await commands().open(command);
    const session = await directory.authenticate(command.sessionId, command.token);
    expect(session?.configuration).toEqual({ git: { urls: ['b'] }, apt: { x: 1 }, crafts: { urls: [] } });
    expect(session?.rules?.judgeRequest({ method: 'GET', url: 'https://evil.example:443/', ecosystems: [] })).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining('service policy, line 2') });
    expect(session?.rules?.visibleUntil('npm', 'x')?.until).toBe(Date.parse(openedAt) - 7 * 86_400_000);

    await rebuildProjections(database);
    await commands().revoke(command.sessionId, 'spec');
    const report = await reads().report(command.sessionId);
    expect(report['policy-documents']).toEqual([
      { source: 'service', sha256: policyDocumentSha256(serviceText), text: serviceText },
      { source: 'session', sha256: policyDocumentSha256(sessionText), text: sessionText },
    ]);
  });

  it('leave the event and the report of a session without any as they were', async () => {
    const command = openCommand();
    await createSessionCommands(database).open(command);
    const [opened] = await query<{ data: string }>(database, 'select data from events where stream_id = $1', [sessionStreamId(command.sessionId)]);
    expect(Object.keys(JSON.parse(opened?.data ?? '{}') as object)).not.toContain('policyDocuments');
    const session = await directory.authenticate(command.sessionId, command.token);
    expect([session?.rules, session?.configuration]).toEqual([undefined, {}]);
    await createSessionCommands(database).revoke(command.sessionId, 'spec');
    expect(Object.keys(await reads().report(command.sessionId))).not.toContain('policy-documents');
  });

  it('compare a repeated opening by the document of the session, or its digest, whatever the service says by now', async () => {
    const command = openCommand({ policyDocument: sessionText, startWorkflow: true });
    const first = await commands().open(command);
    const [row] = await query<{ payload: string }>(database, 'select payload from outbox where session_id = $1', [command.sessionId]);
    expect(JSON.parse(row?.payload ?? '{}')).toMatchObject({ policyDocumentSha256: policyDocumentSha256(sessionText) });
    expect(row?.payload).not.toContain('cooldown');

    const { policyDocument: _, ...without } = command;
    const later = createSessionCommands(database, { servicePolicy: readPolicyDocument('version: 1', 'service') });
    await expect(later.open(command)).resolves.toEqual(first);
    await expect(later.open({ ...without, policyDocumentSha256: policyDocumentSha256(sessionText) })).resolves.toEqual(first);
    for (const other of [without, { ...without, policyDocument: `${sessionText}#` }, { ...without, policyDocumentSha256: '0'.repeat(64) }]) await expect(later.open(other)).rejects.toMatchObject({ code: 'record-conflict' });
    await expect(later.open({ ...openCommand(), policyDocumentSha256: policyDocumentSha256(sessionText) })).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it.each([
    ['a mistake', 'version: 1\ndeny: [{ecosystem: pypi}]', /session policy:2:20: deny\[0\]\.ecosystem: no inspector is for "pypi": did you mean "pip"\?/],
    ['pins that the service does not allow', `version: 1\npins:\n  - {sha256: "${'0'.repeat(64)}"}`, /session policy:3:1: pins: the policy of this service does not let sessions pin/],
    ["a key of the service's", 'version: 1\nsessions: {may-pin: true}', /only the document of the service may have this/],
  ])('with %s open no session', async (_what, policyDocument, message) => {
    const command = openCommand({ policyDocument });
    await expect(commands().open(command)).rejects.toMatchObject({ code: 'invalid-policy-document', message: expect.stringMatching(message) });
    expect(await reads().find(command.sessionId)).toBeUndefined();
  });

  it('judge what a session took in so far', async () => {
    const command = openCommand();
    await createSessionCommands(database).open(command);
    const recorder = createTrafficRecorder(database);
    await recorder.record(command.sessionId, downloaded());
    await recorder.record(command.sessionId, refused());
    const check = (text: string) => reads().checkPolicy(command.sessionId, text);
    expect(await check('version: 1')).toMatchObject({ position: 3, judged: 1, refusedCount: 0, refused: [] });
    expect(await check('version: 1\ndeny: [{licence: MIT}]')).toMatchObject({ judged: 1, refusedCount: 1, refusedByPolicy: 1, refused: [{ position: 2, stage: 'artefact', name: 'thing', purl: 'pkg:npm/thing@1.0' }] });
    await expect(check('version: 2')).rejects.toMatchObject({ code: 'invalid-policy-document' });
    await expect(reads().checkPolicy('unknown', 'version: 1')).rejects.toMatchObject({ code: 'session-not-found' });
  });
});

describe('readServicePolicy', () => {
  it('reads the file of the settings, or stops with every mistake in it', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'millrace-policy-'));
    const file = path.join(folder, 'policy.yaml');
    try {
      expect(await readServicePolicy(undefined, [])).toBeUndefined();
      writeFileSync(file, serviceText);
      expect(await readServicePolicy(file, ['npm'])).toMatchObject({ source: 'service', text: serviceText });
      writeFileSync(file, 'version: 1\ndeny: [{ecosystem: cargoo}]\nx: 1\n');
      const error = await readServicePolicy(file, ['cargo']).catch((thrown: MillraceError) => thrown);
      expect(error).toMatchObject({ code: 'invalid-setting', message: expect.stringMatching(/MILLRACE_POLICY: .*policy\.yaml:2:20: .*did you mean "cargo"\?\n.*policy\.yaml:3:1: x: unknown key/) });
      await expect(readServicePolicy(path.join(folder, 'none'), [])).rejects.toMatchObject({ code: 'invalid-setting' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
