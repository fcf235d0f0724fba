import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openDatabase, type Database } from '../database/open-database.js';
import { query } from '../database/sql.js';
import { composeStreamId, type Compose } from '../compose/compose.js';
import type { ComposeRequest } from '../compose/compose-request.js';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.js';
import { composeRequest, generatedTree, pinnedInputs } from './__fixtures__/composes.js';
import { createComposeCommands } from './create-compose-commands.js';
import { createComposeReads, type ClosableComposeReads } from './create-compose-reads.js';

let server: TestDatabase;
let database: Database;
let reads: ClosableComposeReads;
let clock = Date.parse('2026-01-02T03:04:05.678Z');

beforeAll(async () => {
  server = await createTestDatabase();
  database = await openDatabase(server.url);
  reads = createComposeReads(database);
});
afterAll(async () => {
  await reads.close();
  await database.close();
  await server.drop();
});

const composeUrl = 'https://composes.test';
const commands = () => createComposeCommands(database, { composeUrl, secondsToLive: 86_400, maximumSecondsToLive: 259_200, now: () => new Date(clock) });
const later = (seconds: number): void => void (clock += seconds * 1000);
const at = (seconds = 0): string => new Date(clock + seconds * 1000).toISOString();

/** Content that no other test has. */
let number = 0;
const fresh = (changes: Partial<ComposeRequest> = {}): ComposeRequest => composeRequest({ source: [`https://packages.test/${(number += 1)}`], ...changes });

async function requested(request = fresh()): Promise<number> {
  return (await commands().request(request, { owner: 'ann' })).compose.id;
}

async function pinned(request = fresh(), content?: string): Promise<number> {
  const id = await requested(request);
  await commands().begin(id);
  await commands().pin(id, pinnedInputs(request, content));
  return id;
}

async function done(request = fresh()): Promise<number> {
  const id = await pinned(request);
  await commands().claimTree(id);
  await commands().complete(id, generatedTree(id));
  return id;
}

async function read(id: number): Promise<Compose> {
  const compose = await reads.get(id);
  if (compose === undefined) throw new Error(`there is no compose ${id}`);
  return compose;
}

async function messages(id: number): Promise<{ topic: string; event: string; state: string; reason: string | null }[]> {
  const rows = await query<{ topic: string; body: string }>(database, 'select topic, body from outbound_messages where stream_id = $1 order by id', [composeStreamId(id)]);
  return rows.map(({ topic, body }) => {
    const { event, compose } = JSON.parse(body) as { event: string; compose: { state_name: string; state_reason: string | null } };
    return { topic, event, state: compose.state_name, reason: compose.state_reason };
  });
}

async function expired(id: number): Promise<void> {
  clock = Math.max(clock, Date.parse((await read(id)).expiresAt));
  expect(await commands().expire(id)).toMatchObject({ removed: true });
}

const releasable = async (): Promise<readonly number[]> => (await commands().releasableTrees(1000)).map(({ id }) => id);

describe('the life of a compose', () => {
  it('goes from wait to removed, and each change of state is a message', async () => {
    const request = fresh({ secondsToLive: 600 });
    const { compose, repeated } = await commands().request(request, { owner: 'ann' });
    const { id } = compose;
    expect({ compose, repeated }).toMatchObject({ repeated: false, compose: { owner: 'ann', request, state: 'wait', stateReason: null, submittedAt: at(), expiresAt: at(600), version: 1 } });
    later(5);
    expect(await commands().begin(id)).toMatchObject({ state: 'generating', stateReason: 'Compose thread started', startedAt: at(), queuePosition: null });
    expect(await commands().pin(id, pinnedInputs(request))).toEqual(pinnedInputs(request));
    expect(await commands().claimTree(id)).toEqual({ kind: 'generate', tree: { id, targetDir: 'default' } });
    expect(await read(id)).toMatchObject({ state: 'generating', stateReason: 'Compose is generating', kojiEvent: 1_700_000_000, expiresAt: at(595) });
    later(60);
    expect(await commands().complete(id, generatedTree(id))).toMatchObject({ state: 'done', stateReason: 'Compose is generated successfully', doneAt: at(), expiresAt: at(600), plan: generatedTree(id).plan, pungiComposeId: generatedTree(id).pungiComposeId });
    expect(await commands().expire(id)).toEqual({ removed: false, dueAt: at(600) });
    later(600);
    expect(await commands().expire(id)).toEqual({ removed: true, dueAt: at() });
    expect(await read(id)).toMatchObject({ state: 'removed', stateReason: 'Compose is generated successfully\nCompose is expired.', removedAt: at(), removedBy: null });
    const topic = 'odcs.compose.state-changed';
    expect(await messages(id)).toEqual([
      { topic, event: 'state-changed', state: 'wait', reason: null },
      { topic, event: 'state-changed', state: 'generating', reason: 'Compose thread started' },
      { topic, event: 'state-changed', state: 'done', reason: 'Compose is generated successfully' },
      { topic, event: 'state-changed', state: 'removed', reason: 'Compose is generated successfully\nCompose is expired.' },
    ]);
  });

  it('fails from wait and from generating, and keeps its logs until it is removed', async () => {
    const waiting = await requested();
    expect(await commands().fail(waiting, 'not here', { final: true })).toMatchObject({ state: 'failed', stateReason: 'not here', doneAt: null, expiresAt: at(3600) });
    const generating = await pinned();
    await commands().claimTree(generating);
    await commands().fail(generating, 'bad \0 half \ud800', { final: true });
    expect(await read(generating)).toMatchObject({ state: 'failed', stateReason: 'bad \u{fffd} half \u{fffd}' });
    expect(await releasable()).not.toContain(generating);
    await expired(generating);
    expect(await releasable()).toContain(generating);
  });

  it('is removed when somebody asks for it, and says who', async () => {
    const id = await done();
    const { version } = await read(id);
    expect(await commands().remove(id, 'bob')).toMatchObject({ state: 'done', removedBy: 'bob', expiresAt: at(), version: version + 1 });
    expect(await commands().remove(id, 'bob')).toMatchObject({ version: version + 1 });
    expect(await messages(id)).toHaveLength(3);
    expect(await commands().expire(id)).toMatchObject({ removed: true });
    expect(await read(id)).toMatchObject({ state: 'removed', removedBy: 'bob', stateReason: 'Compose is generated successfully\nRemoved by bob.' });
    await expect(commands().remove(id, 'cem')).rejects.toMatchObject({ code: 'compose-closed' });
  });
});

describe('single flight', () => {
  it('gives one of fifty equal composes the work, and the others its files', async () => {
    const request = fresh();
    const ids = await Promise.all(Array.from({ length: 50 }, () => pinned(request)));
    const claims = await Promise.all(ids.map(async (id) => ({ id, ...(await commands().claimTree(id)) })));
    const leaders = claims.filter(({ kind }) => kind === 'generate');
    expect(leaders).toHaveLength(1);
    const leader = leaders[0]?.id ?? 0;
    expect(claims.filter(({ kind, tree }) => kind === 'follow' && tree.id === leader)).toHaveLength(49);
    expect(await commands().followers(leader)).toHaveLength(49);
    await commands().complete(leader, generatedTree(leader));
    later(30);
    const again = await Promise.all(ids.map((id) => commands().claimTree(id)));
    expect(new Set(again.map(({ kind, tree }) => `${kind} ${tree.id}`))).toEqual(new Set([`reuse ${leader}`]));
    const follower = ids.find((id) => id !== leader) ?? 0;
    expect(await read(follower)).toMatchObject({ state: 'done', reusedId: leader, doneAt: at(), expiresAt: at(3600), pungiComposeId: generatedTree(leader).pungiComposeId });
    expect(await commands().followers(leader)).toEqual([]);
  });
});
