import { describe, expect, it } from '@jest/globals';
import { query } from '../database/sql.js';
import { composeLives } from './__fixtures__/compose-lives.js';
import { generatedTree, pinnedInputs } from './__fixtures__/composes.js';
import { createComposeCommands } from './create-compose-commands.js';
import { composeUrl, recordedComposes } from './__fixtures__/recorded-composes.js';

const { fresh, requested, pinned, done, commands, later, at, read, messages, expired, reads, database } = recordedComposes();

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

describe('a thousand requests at once', () => {
  it('are all answered, each with a compose of its own', async () => {
    const [on, request] = [commands(), fresh()];
    const answers = await Promise.all(Array.from({ length: 1000 }, () => on.request(request, { owner: 'thousand' })));
    expect(new Set(answers.map(({ compose }) => compose.id)).size).toBe(1000);
    expect(await reads().list({ filters: { owner: 'thousand' }, orderBy: 'id', descending: false, offset: 0, limit: 1 })).toMatchObject({ total: 1000 });
  }, 60_000);
});

describe('a clock that has jumped', () => {
  it('ahead removes nothing, because the clock of the database has not', async () => {
    const id = await done(fresh({ secondsToLive: 3600 }));
    const today = Date.now();
    const jumped = createComposeCommands(database(), { composeUrl, secondsToLive: 60, maximumSecondsToLive: 60, now: () => new Date(today + 10 * 86_400_000) });
    const request = fresh({ secondsToLive: 86_400 });
    const other = await composeLives(() => createComposeCommands(database(), { composeUrl, secondsToLive: 60, maximumSecondsToLive: 60 })).done(request);
    expect(await jumped.expire(other)).toMatchObject({ removed: false });
    expect(await jumped.expire(id)).toMatchObject({ removed: true });
    // Somebody's wish does not depend on any clock.
    await commands().remove(other, 'ann');
    expect(await commands().expire(other)).toMatchObject({ removed: true });
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
    expect(await query(database(), 'select owner from compose_idempotency')).toEqual([{ owner: 'cem' }]);
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
    expect(await reads().get(id)).toBeUndefined();
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
