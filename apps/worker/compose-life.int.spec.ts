import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startHeldSource } from './__fixtures__/held-source.js';
import { workComposes } from './__fixtures__/worked-composes.js';
import type { HeldSource } from './__fixtures__/held-source.js';
import type { WorkedComposes } from './__fixtures__/worked-composes.js';

const patience = { deadline: 20_000 };
const repodata = ['compose', 'Temporary', 'x86_64', 'os', 'repodata', 'repomd.xml'] as const;
let source: HeldSource;
let composes: WorkedComposes;

beforeAll(async () => {
  source = await startHeldSource();
  composes = await workComposes();
}, 120_000);
afterAll(async () => {
  await composes?.[Symbol.asyncDispose]();
  await source?.[Symbol.asyncDispose]();
}, 60_000);

const closed = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: { code?: unknown }) => error.code);

describe('a compose', () => {
  it('is done, with its files, is removed when somebody asks for that, and leaves nothing', async () => {
    const { id } = await composes.ask({ source: [source.repository('plain')] });
    const done = await composes.ended(id);
    expect(done).toMatchObject({ state: 'done', reusedId: null });
    expect(composes.has(id, ...repodata)).toBe(true);
    expect(await composes.workflows.status(id, patience)).toMatchObject({ composeId: id, state: 'done', expiresAt: done.expiresAt, attempts: 1 });
    await composes.workflows.remove(id, 'spec', patience);
    expect(await composes.until(id, ({ state }) => state === 'removed')).toMatchObject({ removedBy: 'spec' });
    await composes.client.workflow.getHandle(`compose:${id}`).result();
    expect(composes.has(id)).toBe(false);
    expect(await closed(composes.workflows.remove(id, 'spec', patience))).toBe('compose-not-found');
  }, 60_000);

  it('expires by itself, and its search attributes tell of it', async () => {
    const { id } = await composes.ask({ source: [source.repository('short')], secondsToLive: 1 });
    await composes.until(id, ({ state }) => state === 'removed');
    await composes.client.workflow.getHandle(`compose:${id}`).result();
    const filter = `MillraceComposeId = "${id}" AND MillraceComposeState = "removed" AND MillraceOwner = "spec"`;
    for (let count = 0; count !== 1; ) ({ count } = await composes.client.workflow.count(filter));
  }, 60_000);

  it('whose source refuses for a moment is made by the next attempt', async () => {
    const url = source.repository('moody');
    source.refuseOnce('moody', 503);
    const { id } = await composes.ask({ source: [url] });
    expect(await composes.ended(id)).toMatchObject({ state: 'done' });
  }, 60_000);

  it('of which a package is missing fails at once, with a reason, and shows no files', async () => {
    const { id } = await composes.ask({ source: [source.repository('lacking')], packages: ['spoon', 'ladle'] });
    expect(await composes.ended(id)).toMatchObject({ state: 'failed', stateReason: expect.stringContaining('ladle') as unknown });
    expect(composes.has(id, ...repodata)).toBe(false);
    expect(await composes.workflows.status(id, patience)).toMatchObject({ state: 'failed', attempts: 1, reason: expect.stringContaining('ladle') as unknown });
  }, 60_000);
});

describe('fifty equal requests at once', () => {
  it('generate once', async () => {
    const url = source.repository('equal');
    const asked = await Promise.all(Array.from({ length: 50 }, () => composes.ask({ source: [url] })));
    const all = await Promise.all(asked.map(({ id }) => composes.ended(id)));
    expect(all.map(({ state }) => state)).toEqual(all.map(() => 'done'));
    const leaders = all.filter(({ reusedId }) => reusedId === null);
    expect(leaders).toHaveLength(1);
    expect(all.filter(({ id }) => composes.has(id)).map(({ id }) => id)).toEqual([leaders[0]?.id]);
    expect(source.loads('equal')).toBe(1);
  }, 120_000);
});

describe('a compose whose directory somebody has deleted by hand', () => {
  it.each([['all of it', []], ['only its repositories', ['compose']]])('is not reused: %s', async (_what, parts) => {
    const url = source.repository(`deleted-${parts.length}`);
    const first = await composes.ended((await composes.ask({ source: [url] })).id);
    rmSync(composes.place(first.id, ...parts), { recursive: true });
    const { id } = await composes.ask({ source: [url] });
    expect(await composes.ended(id)).toMatchObject({ state: 'done', reusedId: null });
    expect(composes.has(id, ...repodata)).toBe(true);
  }, 60_000);
});

describe('cancelling', () => {
  it('while it is generated ends the engine in seconds, leaves no files, and lets others go on', async () => {
    const url = source.repository('cancelled');
    source.hold('cancelled');
    const { id } = await composes.ask({ source: [url] });
    await source.reached('cancelled');
    expect(await composes.get(id)).toMatchObject({ state: 'generating' });
    expect(await composes.workflows.cancel(id, 'spec', patience)).toMatchObject({ state: 'failed', reason: 'Canceled by spec' });
    while (source.waiting('cancelled') > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(composes.has(id, ...repodata)).toBe(false);
    source.release('cancelled');
    const { id: next } = await composes.ask({ source: [url] });
    expect(await composes.ended(next)).toMatchObject({ state: 'done', reusedId: null });
  }, 60_000);

  it('in the record alone (REST) reaches the engine, too', async () => {
    const url = source.repository('by-rest');
    source.hold('by-rest');
    const { id } = await composes.ask({ source: [url] });
    await source.reached('by-rest');
    await composes.commands.cancel(id, 'rest');
    while (source.waiting('by-rest') > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    source.release('by-rest');
    expect(await composes.get(id)).toMatchObject({ state: 'failed', stateReason: 'Canceled by rest' });
  }, 60_000);

  it('while it waits for a slot, or follows another, touches nobody else', async () => {
    const urls = ['first', 'second', 'third'].map((name) => source.repository(name));
    for (const name of ['first', 'second', 'third']) source.hold(name);
    const first = await composes.ask({ source: [urls[0] as string] });
    await source.reached('first');
    const follower = await composes.ask({ source: [urls[0] as string] });
    await composes.until(follower.id, ({ reusedId }) => reusedId === first.id);
    const second = await composes.ask({ source: [urls[1] as string] });
    await source.reached('second');
    const third = await composes.ask({ source: [urls[2] as string] });
    expect(await composes.get(third.id)).toMatchObject({ state: 'wait', queuePosition: 1 });
    for (const { id } of [follower, third]) expect(await composes.workflows.cancel(id, 'spec', patience)).toMatchObject({ state: 'failed' });
    source.release('first');
    source.release('second');
    for (const { id } of [first, second]) expect(await composes.ended(id)).toMatchObject({ state: 'done', reusedId: null });
    expect(source.loads('third')).toBe(0);
    expect(await composes.get(follower.id)).toMatchObject({ state: 'failed', reusedId: null });
  }, 60_000);

  it('the one that generates lets its followers go on: one of them generates, the others have its files', async () => {
    const url = source.repository('led');
    source.hold('led');
    const leader = await composes.ask({ source: [url] });
    await source.reached('led');
    const followers = await Promise.all([1, 2, 3].map(() => composes.ask({ source: [url] })));
    for (const { id } of followers) await composes.until(id, ({ reusedId }) => reusedId === leader.id);
    await composes.client.workflow.getHandle(`compose:${leader.id}`).cancel();
    await composes.until(leader.id, ({ state }) => state === 'failed');
    source.release('led');
    const all = await Promise.all(followers.map(({ id }) => composes.ended(id)));
    expect(all.map(({ state }) => state)).toEqual(['done', 'done', 'done']);
    const owner = all.find(({ reusedId }) => reusedId === null)?.id;
    expect(all.map(({ reusedId }) => reusedId).filter((id) => id !== null)).toEqual([owner, owner]);
  }, 60_000);
});

describe('a worker that stops', () => {
  it('hands its generations over at once', async () => {
    const url = source.repository('handed');
    source.hold('handed');
    const { id } = await composes.ask({ source: [url] });
    await source.reached('handed');
    await composes.startWorker();
    await (composes.workers[0] as NonNullable<(typeof composes.workers)[0]>).stop();
    source.release('handed');
    expect(await composes.ended(id)).toMatchObject({ state: 'done' });
    expect((await composes.workflows.status(id, patience)).attempts).toBe(2);
  }, 60_000);
});
