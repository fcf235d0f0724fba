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

describe('those who wait for another', () => {
  const both = async (): Promise<readonly [number, number]> => {
    const request = fresh();
    const [leader, follower] = [await pinned(request), await pinned(request)];
    expect(await commands().claimTree(leader)).toMatchObject({ kind: 'generate' });
    expect(await commands().claimTree(follower)).toMatchObject({ kind: 'follow', tree: { id: leader } });
    return [leader, follower];
  };

  it.each<[string, (leader: number) => Promise<unknown>]>([
    ['was cancelled', (leader) => commands().cancel(leader, 'ann')],
    ['failed, but need not have', (leader) => commands().fail(leader, 'the disk was full', { final: false })],
    ['found its sources changed', (leader) => commands().unpin(leader, 'other packages')],
    ['is lost', async (leader) => {
      await commands().cancel(leader, 'ann');
      await expired(leader);
      await commands().forgetTree({ id: leader, targetDir: 'default' });
      for (const tree of await commands().releasableTrees(1000)) await commands().forgetTree(tree);
    }],
  ])('make it themselves when it %s', async (_what, end) => {
    const [leader, follower] = await both();
    await end(leader);
    expect(await commands().claimTree(follower)).toEqual({ kind: 'generate', tree: { id: follower, targetDir: 'default' } });
    expect(await read(follower)).toMatchObject({ state: 'generating', reusedId: null });
    expect(await releasable()).not.toContain(follower);
  });

  it('fail with it when it failed for good, and name it', async () => {
    const [leader, follower] = await both();
    await commands().fail(leader, 'nothing provides libfoo', { final: true });
    const reason = `Compose ${leader}, which generates the same files, has failed: nothing provides libfoo`;
    await expect(commands().claimTree(follower)).rejects.toMatchObject({ code: 'compose-closed', message: reason });
    expect(await read(follower)).toMatchObject({ state: 'failed', stateReason: reason, reusedId: leader });
    // Its address leads to the logs of the leader, so these stay as long as it does.
    await expired(leader);
    expect(await releasable()).not.toContain(leader);
    await expired(follower);
    expect(await releasable()).toContain(leader);
  });

  it('choose one of them that goes on', async () => {
    const request = fresh();
    const [leader, ...others] = await Promise.all(Array.from({ length: 10 }, () => pinned(request)));
    if (leader === undefined) throw new Error('there are ten');
    await commands().claimTree(leader);
    for (const id of others) await commands().claimTree(id);
    await commands().cancel(leader, 'ann');
    const claims = await Promise.all(others.map((id) => commands().claimTree(id)));
    expect(claims.filter(({ kind }) => kind === 'generate')).toHaveLength(1);
    expect(claims.filter(({ kind }) => kind === 'follow')).toHaveLength(8);
  });

  it('are left alone by one that only waits: its own end is not theirs', async () => {
    const [leader, follower] = await both();
    await commands().cancel(follower, 'ann');
    expect(await read(follower)).toMatchObject({ state: 'failed', stateReason: 'Canceled by ann', reusedId: null });
    await commands().complete(leader, generatedTree(leader));
    expect(await read(leader)).toMatchObject({ state: 'done' });
  });
});

describe('equal composes', () => {
  it('are those whose files would be equal', async () => {
    const request = fresh({ packages: ['b', 'a'], sigkeys: ['A1', ''], arches: ['x86_64', 'aarch64'], flags: ['no_deps', 'check_deps'] });
    const id = await done(request);
    const same: Partial<ComposeRequest> = { packages: ['a', 'b'], arches: ['aarch64', 'x86_64'], flags: ['check_deps', 'no_deps'], label: 'RC-1.0', composeType: 'nightly', secondsToLive: 5 };
    const equal = await pinned({ ...request, ...same });
    expect(await commands().claimTree(equal)).toMatchObject({ kind: 'reuse', tree: { id } });
    for (const other of [{ sigkeys: ['', 'A1'] }, { packages: ['a'] }, { targetDir: 'private' }, { respinOf: 'odcs-1' }, { flags: ['no_deps' as const] }]) {
      expect(await commands().claimTree(await pinned({ ...request, ...other }))).toMatchObject({ kind: 'generate' });
    }
    expect(await commands().claimTree(await pinned(request, 'd'))).toMatchObject({ kind: 'generate' });
  });

  it('are not shared by who does not want that', async () => {
    const request = fresh({ flags: ['no_reuse'] });
    await done(request);
    const other = await pinned(request);
    expect(await commands().claimTree(other)).toMatchObject({ kind: 'generate' });
    expect(await commands().claimTree(other)).toMatchObject({ kind: 'generate', tree: { id: other } });
  });

  it('keep the files when the one that made them is deleted', async () => {
    const request = fresh();
    const id = await done(request);
    const reuser = await pinned(request);
    await commands().claimTree(reuser);
    await commands().remove(id, 'ann');
    await expired(id);
    expect(await releasable()).not.toContain(id);
    // Still there for others.
    expect(await commands().claimTree(await pinned(request)).then(({ kind, tree }) => `${kind} ${tree.id}`)).toBe(`reuse ${id}`);
    await Promise.all((await reads.list({ filters: { source: request.source.join(' '), state: 'done' }, orderBy: 'id', descending: false, offset: 0, limit: 10 })).composes.map((compose) => expired(compose.id)));
    expect(await releasable()).toContain(id);
    expect(await commands().claimTree(await pinned(request))).toMatchObject({ kind: 'generate' });
  });
});

describe('renewing', () => {
  it('extends what is done, and whatever shares its files', async () => {
    const request = fresh();
    const original = await done(request);
    const [reuser, other] = [await pinned(request), await pinned(request)];
    await commands().claimTree(reuser);
    await commands().claimTree(other);
    later(100);
    const { version } = await read(reuser);
    const before = await messages(reuser);
    expect(await commands().renew(reuser, { secondsToLive: 7200 }, { owner: 'bob' })).toMatchObject({ id: reuser, owner: 'ann', state: 'done', expiresAt: at(7200), version: version + 1 });
    expect(await read(original)).toMatchObject({ expiresAt: at(7200) });
    expect(await read(other)).toMatchObject({ expiresAt: at(3500) });
    await commands().renew(original, { secondsToLive: 10_000, label: '' }, { owner: 'bob' });
    for (const id of [original, reuser, other]) expect(await read(id)).toMatchObject({ expiresAt: at(10_000) });
    expect(await messages(reuser)).toEqual(before);
    // Never shorter; the default where nothing is said; never above the maximum.
    expect(await commands().renew(original, { secondsToLive: 1 }, { owner: 'bob' })).toMatchObject({ expiresAt: at(10_000) });
    expect(await commands().renew(original, {}, { owner: 'bob' })).toMatchObject({ expiresAt: at(86_400) });
    expect(await commands().renew(original, { secondsToLive: 999_999_999 }, { owner: 'bob' })).toMatchObject({ expiresAt: at(259_200) });
    await expect(commands().renew(original, { secondsToLive: -1 }, { owner: 'bob' })).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('takes back a removal that has not happened yet', async () => {
    const id = await done();
    await commands().remove(id, 'ann');
    expect(await commands().renew(id, { secondsToLive: 60 }, { owner: 'bob' })).toMatchObject({ id, removedBy: null, expiresAt: at(60) });
    expect(await commands().expire(id)).toMatchObject({ removed: false });
  });

  it('makes what is gone again, with the very packages, under a new id', async () => {
    const request = fresh({ label: 'RC-1.0', secondsToLive: 10 });
    const id = await done(request);
    await expired(id);
    const copy = await commands().renew(id, { secondsToLive: 50 }, { owner: 'bob' });
    const { plan, pungiComposeId } = generatedTree(id);
    expect(copy).toMatchObject({ owner: 'bob', state: 'wait', pungiComposeId: null, kojiEvent: 1_700_000_000, request: { ...request, secondsToLive: 50, pinnedPlan: plan, respinOf: pungiComposeId, kojiEvent: 1_700_000_000 } });
    expect(copy.id).toBeGreaterThan(id);
    // The plan decides, not what the sources are now; and two renewals of one share their files.
    const again = await commands().renew(id, { secondsToLive: 50 }, { owner: 'bob' });
    for (const [compose, content] of [[copy, 'e'], [again, 'f']] as const) {
      await commands().begin(compose.id);
      await commands().pin(compose.id, pinnedInputs(compose.request, content));
    }
    expect(await commands().claimTree(copy.id)).toMatchObject({ kind: 'generate' });
    expect(await commands().claimTree(again.id)).toMatchObject({ kind: 'follow', tree: { id: copy.id } });
  });

  it.each([
    ['another label', { label: 'RC-2.0' }, { label: 'RC-2.0' }, true],
    ['other keys', { sigkeys: ['B2', 'A1'] }, { sigkeys: ['B2', 'A1'] }, false],
    ['builds', { builds: ['bash-5-1'] }, { builds: ['bash-5-1'] }, false],
    ['modules', { modules: ['a:1:1:1'] }, { modules: ['a:1:1:1'] }, false],
    ['an empty list of builds', { builds: [] }, { builds: [] }, true],
  ])('makes a copy for %s', async (_what, change, expected, samePackages) => {
    const request = fresh({ sigkeys: ['A1', 'B2'] });
    const id = await done(request);
    const copy = await commands().renew(id, change, { owner: 'bob' });
    expect(copy.id).not.toBe(id);
    expect(copy.request).toMatchObject({ ...expected, source: request.source, packages: request.packages, respinOf: generatedTree(id).pungiComposeId, pinnedPlan: samePackages ? generatedTree(id).plan : null, secondsToLive: 86_400 });
  });

  it('makes what failed again, and the renewal of a renewal that failed keeps its packages', async () => {
    const failed = await requested();
    await commands().fail(failed, 'no', { final: true });
    const copy = await commands().renew(failed, {}, { owner: 'bob' });
    expect(copy).toMatchObject({ state: 'wait', request: { pinnedPlan: null, respinOf: null } });
    const id = await done();
    await expired(id);
    const renewal = await commands().renew(id, {}, { owner: 'bob' });
    await commands().fail(renewal.id, 'the disk was full', { final: true });
    expect(await commands().renew(renewal.id, {}, { owner: 'bob' })).toMatchObject({ request: { pinnedPlan: generatedTree(id).plan } });
  });

  it('is refused until generation has ended, in the words of ODCS', async () => {
    for (const id of [await requested(), await pinned(), 999_999_999]) {
      await expect(commands().renew(id, {}, { owner: 'bob' })).rejects.toMatchObject({ code: 'compose-not-found', message: `No compose with id ${id} found` });
    }
  });
});

describe('idempotency keys', () => {
  it('answer the compose of then, to their owner and for a day', async () => {
    const request = fresh();
    const idempotencyKey = 'k'.repeat(5000);
    const ask = (owner = 'ann', content = request) => commands().request(content, { owner, idempotencyKey });
    const answers = await Promise.all([ask(), ask(), ask()]);
    expect(new Set(answers.map(({ compose }) => compose.id)).size).toBe(1);
    expect(answers.filter(({ repeated }) => !repeated)).toHaveLength(1);
    const id = answers[0]?.compose.id ?? 0;
    await commands().cancel(id, 'ann');
    expect(await ask()).toMatchObject({ repeated: true, compose: { id, state: 'failed' } });
    expect(await ask('bob')).toMatchObject({ repeated: false });
    await expect(ask('ann', { ...request, packages: ['zsh'] })).rejects.toMatchObject({ code: 'idempotency-conflict' });
    later(86_400);
    expect(await ask('ann', { ...request, packages: ['zsh'] })).toMatchObject({ repeated: false });
    later(86_400);
    await ask('cem');
    expect(await query(database, 'select owner from compose_idempotency')).toEqual([{ owner: 'cem' }]);
  });

  it('hold for renewals, too', async () => {
    const id = await done();
    const renew = (change: object, idempotencyKey: string) => commands().renew(id, change, { owner: 'ann', idempotencyKey });
    expect(await renew({}, 'extends')).toMatchObject({ id });
    expect(await renew({}, 'extends')).toMatchObject({ id });
    const copy = await renew({ label: 'RC-1' }, 'copies');
    expect(await renew({ label: 'RC-1' }, 'copies')).toMatchObject({ id: copy.id });
    await expect(renew({ label: 'RC-2' }, 'copies')).rejects.toMatchObject({ code: 'idempotency-conflict' });
  });
});

describe('every command', () => {
  it('says so when there is no such compose', async () => {
    const id = 999_999_999;
    const all = [() => commands().begin(id), () => commands().pin(id, pinnedInputs(fresh())), () => commands().unpin(id, ''), () => commands().claimTree(id), () => commands().complete(id, generatedTree(id)), () => commands().fail(id, '', { final: true }), () => commands().cancel(id, 'a'), () => commands().remove(id, 'a'), () => commands().expire(id)];
    for (const command of all) await expect(command()).rejects.toMatchObject({ code: 'compose-not-found' });
    expect(await reads.get(id)).toBeUndefined();
  });

  it('is refused when the state does not allow it', async () => {
    const [waiting, finished] = [await requested(), await done()];
    const refused = [() => commands().claimTree(waiting), () => commands().pin(waiting, pinnedInputs(fresh())), () => commands().complete(waiting, generatedTree(1)), () => commands().remove(waiting, 'a'), () => commands().expire(waiting), () => commands().begin(finished), () => commands().cancel(finished, 'a'), () => commands().fail(finished, 'x', { final: true }), () => commands().unpin(finished, 'x')];
    for (const command of refused) await expect(command()).rejects.toMatchObject({ code: 'compose-closed' });
    const unpinned = await requested();
    await commands().begin(unpinned);
    await expect(commands().claimTree(unpinned)).rejects.toMatchObject({ code: 'compose-closed' });
    await expect(commands().complete(unpinned, generatedTree(1))).rejects.toMatchObject({ code: 'compose-closed' });
  });

  it('may be repeated, and changes nothing then', async () => {
    const request = fresh();
    const id = await requested(request);
    const steps: (() => Promise<unknown>)[] = [() => commands().begin(id), () => commands().pin(id, pinnedInputs(request)), () => commands().claimTree(id), () => commands().complete(id, generatedTree(id)), () => commands().remove(id, 'ann'), () => commands().expire(id)];
    for (const step of steps) {
      const first = await step();
      const { version } = await read(id);
      later(1);
      expect(await step()).toEqual(first);
      expect(await read(id)).toMatchObject({ version });
    }
    const other = await requested();
    const cancelled = await commands().cancel(other, 'ann');
    later(1);
    expect(await commands().cancel(other, 'bob')).toEqual(cancelled);
  });

  it('refuses texts that the record cannot hold', async () => {
    for (const changes of [{ packages: ['a\0b'] }, { label: '\ud800' }, { label: 'x'.repeat(501) }]) await expect(commands().request(fresh(changes), { owner: 'ann' })).rejects.toMatchObject({ code: 'invalid-request' });
    await expect(commands().request(fresh(), { owner: 'a'.repeat(501) })).rejects.toMatchObject({ code: 'invalid-request' });
    await expect(commands().request(fresh({ secondsToLive: 0 }), { owner: 'ann' })).rejects.toMatchObject({ code: 'invalid-request' });
    const long = fresh({ source: Array.from({ length: 500 }, (_, i) => `https://packages.test/${'x'.repeat(50)}/${i}`) });
    expect(await read(await requested(long))).toMatchObject({ request: long });
  });
});
