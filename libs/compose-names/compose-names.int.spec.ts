import { describe, expect, it } from '@jest/globals';
import { query } from '../database/sql.js';
import { composeStreamId } from '../compose/compose.js';
import { recordedComposes } from '../compose-record/__fixtures__/recorded-composes.js';
import { generatedTree } from '../compose-record/__fixtures__/composes.js';
import { readStream } from '../event-store/read-stream.js';
import { createComposeNames } from './create-compose-names.js';
import { rebuildComposeNames } from './rebuild-compose-names.js';
import type { ComposeNames } from './compose-names.js';

const composes = recordedComposes();
const { database, commands, done, claimed, read, later, at } = composes;
const grace = 1000;
const names = (): ComposeNames => createComposeNames(database(), { composeUrl: 'https://composes.test', graceSeconds: grace, now: () => new Date(at()) });
let number = 0;
const fresh = (): string => `name-${(number += 1)}`;
const by = { by: 'ann' };
const force = { by: 'ann', force: true };

async function some(count: number): Promise<number[]> {
  const ids: number[] = [];
  for (let index = 0; index < count; index += 1) ids.push(await done());
  return ids;
}

describe('a compose name', () => {
  it('points at what was promoted, since then, by whom', async () => {
    const name = fresh();
    const [first = 0, second = 0] = await some(2);
    expect(await names().promote(name, first, by)).toEqual({ name, composeId: first, since: at(), by: 'ann' });
    later(10);
    expect(await names().promote(name, second, { by: 'rule:nightly' })).toEqual({ name, composeId: second, since: at(), by: 'rule:nightly' });
    expect(await names().get(name)).toEqual({ name, composeId: second, since: at(), by: 'rule:nightly' });
    expect(await names().history(name, 10)).toEqual([
      { composeId: second, since: at(), by: 'rule:nightly', kind: 'promoted' },
      { composeId: first, since: at(-10), by: 'ann', kind: 'promoted' },
    ]);
    expect(await names().history(name, 1)).toHaveLength(1);
  });

  it('stays where it is when the same is promoted again, or an older one, unless by force', async () => {
    const name = fresh();
    const [first = 0, second = 0] = await some(2);
    const promoted = await names().promote(name, second, by);
    later(10);
    expect(await names().promote(name, second, { by: 'bob' })).toEqual(promoted);
    expect(await names().promote(name, first, { by: 'bob' })).toEqual(promoted);
    expect(await names().history(name, 10)).toHaveLength(1);
    expect(await names().promote(name, first, force)).toMatchObject({ composeId: first, since: at() });
  });

  it('goes back step by step, and does not take what it left again by itself', async () => {
    const name = fresh();
    const ids = await some(5);
    const [a = 0, b = 0, c = 0, d = 0, e = 0] = ids;
    for (const id of [a, b, d]) await names().promote(name, id, by);
    expect(await names().rollBack(name, by)).toMatchObject({ composeId: b });
    for (const id of [a, c, d]) expect(await names().promote(name, id, by)).toMatchObject({ composeId: b });
    expect(await names().rollBack(name, by)).toMatchObject({ composeId: a });
    await expect(names().rollBack(name, by)).rejects.toMatchObject({ code: 'compose-closed', message: expect.stringContaining('it has pointed at one only') });
    expect(await names().promote(name, e, by)).toMatchObject({ composeId: e });
    expect((await names().history(name, 10)).map(({ composeId, kind }) => [composeId, kind])).toEqual([[e, 'promoted'], [a, 'rolled-back'], [b, 'rolled-back'], [d, 'promoted'], [b, 'promoted'], [a, 'promoted']]);
  });

  it('goes back to a compose that is named, if it pointed there', async () => {
    const name = fresh();
    const [a = 0, b = 0, c = 0, other = 0] = await some(4);
    for (const id of [a, b, c]) await names().promote(name, id, by);
    await expect(names().rollBack(name, { ...by, to: other })).rejects.toMatchObject({ code: 'invalid-request', message: expect.stringContaining(`has not pointed at compose ${other} lately`) });
    expect(await names().rollBack(name, { ...by, to: a })).toMatchObject({ composeId: a });
    expect(await names().rollBack(name, { ...by, to: a })).toMatchObject({ composeId: a });
    await expect(names().rollBack(name, { ...by, to: c })).rejects.toMatchObject({ code: 'invalid-request' });
    expect(await names().promote(name, c, force)).toMatchObject({ composeId: c });
  });

  it('goes back past composes that are gone, and nowhere when all are', async () => {
    const name = fresh();
    const [a = 0, b = 0, c = 0] = await some(3);
    for (const id of [a, b, c]) await names().promote(name, id, by);
    await commands().remove(b, 'ann');
    expect(await names().rollBack(name, by)).toMatchObject({ composeId: a });
    await names().promote(name, c, force);
    for (const id of [a, b]) await commands().remove(id, 'ann');
    await expect(names().rollBack(name, by)).rejects.toMatchObject({ code: 'compose-closed', message: expect.stringContaining('those before have expired') });
    await expect(names().rollBack(name, { ...by, to: a })).rejects.toMatchObject({ code: 'compose-closed' });
    expect(await names().get(name)).toMatchObject({ composeId: c });
  });

  it('is gone when it is removed, keeps its history, and begins anew', async () => {
    const name = fresh();
    const [first = 0, second = 0] = await some(2);
    await names().promote(name, second, by);
    await names().remove(name, 'bob');
    for (const ask of [() => names().get(name), () => names().remove(name, 'bob'), () => names().rollBack(name, by), () => names().get('no\0name'), () => names().history('no\0name', 1), () => names().rollBack('no\0name', by), () => names().remove('no\0name', 'bob'), () => names().history(fresh(), 1)]) {
      await expect(ask()).rejects.toMatchObject({ code: 'compose-name-not-found' });
    }
    expect(await names().history(name, 10)).toHaveLength(1);
    expect(await names().promote(name, first, by)).toMatchObject({ composeId: first });
  });

  it.each(['', 'Upper', '.hidden', '-x', 'a/b', 'a b', 'nightly.repo', 'nightly.json', 'x'.repeat(129), 'ä', 'a\0b'])('may not be %j', async (name) => {
    await expect(names().promote(name, 1, by)).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('points at nothing that is not done, is being removed, has no address or is not there', async () => {
    const name = fresh();
    const removed = await done();
    await commands().remove(removed, 'bob');
    const [id = 0] = await some(1);
    await query(database(), `update composes set request = replace(request, '"targetDir":"default"', '"targetDir":"private"') where id = $1`, [id]);
    for (const [composeId, code] of [[await claimed(), 'compose-closed'], [removed, 'compose-closed'], [id, 'invalid-request'], [999_999_999, 'compose-not-found'], [2 ** 60, 'compose-not-found'], [0.5, 'compose-not-found']] as const) {
      await expect(names().promote(name, composeId, by)).rejects.toMatchObject({ code });
    }
    await expect(names().promote(name, id, { by: 'a\0b' })).rejects.toMatchObject({ code: 'invalid-request' });
    await expect(names().get(name)).rejects.toMatchObject({ code: 'compose-name-not-found' });
    expect(await query(database(), 'select 1 from streams where id = $1', [`compose-name:${name}`])).toEqual([]);
  });

  it('is listed page by page', async () => {
    const [id = 0] = await some(1);
    for (const name of ['zz-b', 'zz-a', 'zz-c', 'zz.a']) await names().promote(name, id, by);
    const first = await names().list({ limit: 2, after: 'zz' });
    expect([...first, ...(await names().list({ limit: 9, after: first[1]?.name ?? '' }))].map(({ name }) => name)).toEqual(['zz-a', 'zz-b', 'zz-c', 'zz.a']);
  });

  it('tells the outside of each change in its order', async () => {
    const name = fresh();
    const [a = 0, b = 0] = await some(2);
    await names().promote(name, a, by);
    await names().promote(name, b, by);
    await names().promote(name, a, by);
    await names().rollBack(name, { by: 'bob' });
    await names().remove(name, 'ann');
    const rows = await query<{ topic: string; body: string }>(database(), 'select topic, body from outbound_messages where stream_id = $1 order by id', [`compose-name:${name}`]);
    expect(new Set(rows.map(({ topic }) => topic))).toEqual(new Set(['millrace.compose-name.changed']));
    const url = `https://composes.test/latest/${name}/`;
    const record = expect.any(String) as unknown;
    expect(rows.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      { event: 'compose-name-changed', name, kind: 'promoted', compose_id: a, previous_compose_id: null, by: 'ann', at: at(), url, record },
      { event: 'compose-name-changed', name, kind: 'promoted', compose_id: b, previous_compose_id: a, by: 'ann', at: at(), url, record },
      { event: 'compose-name-changed', name, kind: 'rolled-back', compose_id: a, previous_compose_id: b, by: 'bob', at: at(), url, record },
      { event: 'compose-name-changed', name, kind: 'removed', compose_id: null, previous_compose_id: a, by: 'ann', at: at(), url: null, record },
    ]);
  });

  it('is the same after its projection was made again from the events', async () => {
    const gone = fresh();
    const [id = 0] = await some(1);
    await names().promote(gone, id, by);
    await names().remove(gone, 'ann');
    const rows = (): Promise<unknown> => query(database(), 'select * from compose_names order by name');
    const before = await rows();
    await query(database(), `update compose_names set compose_id = 1`);
    expect(await rebuildComposeNames(database())).toBeGreaterThan(3);
    expect(await rows()).toEqual(before);
  });
});

describe('what a name points at', () => {
  const events = async (id: number): Promise<unknown[]> => {
    const list: unknown[] = [];
    for await (const { type, data } of readStream(database(), composeStreamId(id))) list.push([type, JSON.parse(data)]);
    return list.slice(5);
  };

  it('does not expire, and its clients see a later expiry each time that it is due', async () => {
    const name = fresh();
    const [id = 0] = await some(1);
    await names().promote(name, id, by);
    later(3600);
    expect(await commands().expire(id)).toEqual({ removed: false, dueAt: at(86_400) });
    expect(await read(id)).toMatchObject({ state: 'done', expiresAt: at(86_400) });
    expect(await events(id)).toEqual([
      ['ComposeNamed', { name, namedAt: at(-3600) }],
      ['ComposeRenewed', { renewedAt: at(), expiresAt: at(86_400), by: `name:${name}`, renewedId: id }],
    ]);
  });

  it('lives for the grace time after the name has moved on, at least, then expires as usual', async () => {
    const name = fresh();
    const [first = 0, second = 0] = await some(2);
    await names().promote(name, first, by);
    later(3000);
    await names().promote(name, second, by);
    // 600 s of its own were left.
    expect(await read(first)).toMatchObject({ expiresAt: at(grace) });
    expect(await events(first)).toEqual([['ComposeNamed', expect.anything()], ['ComposeUnnamed', { name, unnamedAt: at() }], ['ComposeRenewed', { renewedAt: at(), expiresAt: at(grace), by: `name:${name}`, renewedId: first }]]);
    later(grace - 1);
    expect(await commands().expire(first)).toMatchObject({ removed: false });
    later(1);
    expect(await commands().expire(first)).toMatchObject({ removed: true });
    expect(await read(second)).toMatchObject({ state: 'done' });
  });

  it('keeps the life of its own where that is longer', async () => {
    const name = fresh();
    const [first = 0, second = 0] = await some(2);
    const { expiresAt } = await read(first);
    await names().promote(name, first, by);
    await names().promote(name, second, by);
    expect(await read(first)).toMatchObject({ expiresAt });
  });

  it('is kept by each of several names', async () => {
    const [one, two] = [fresh(), fresh()];
    const [id = 0] = await some(1);
    for (const name of [one, two]) await names().promote(name, id, by);
    await expect(commands().remove(id, 'ann')).rejects.toMatchObject({ code: 'resources-in-use', message: `Compose (id=${id}) can not be removed: the names ${one}, ${two} point at it.` });
    await names().remove(one, 'ann');
    later(1_000_000);
    expect(await commands().expire(id)).toMatchObject({ removed: false });
    await expect(commands().remove(id, 'ann')).rejects.toMatchObject({ message: `Compose (id=${id}) can not be removed: the name ${two} points at it.` });
    await names().remove(two, 'ann');
    await commands().remove(id, 'ann');
    expect(await commands().expire(id)).toMatchObject({ removed: true });
  });

  it('keeps the files of another compose, if it has those', async () => {
    const name = fresh();
    const request = composes.fresh();
    const original = await done(request);
    const reuser = await composes.pinned(request);
    await commands().claimTree(reuser);
    await names().promote(name, reuser, by);
    later(1_000_000);
    expect(await commands().expire(original)).toMatchObject({ removed: true });
    expect(await commands().expire(reuser)).toMatchObject({ removed: false });
    expect((await commands().releasableTrees(1000)).map(({ id }) => id)).not.toContain(original);
    await names().remove(name, 'ann');
    later(86_400);
    expect(await commands().expire(reuser)).toMatchObject({ removed: true });
    expect((await commands().releasableTrees(1000)).map(({ id }) => id)).toContain(original);
  });

  it('is told to its workflow, whose timer is another now', async () => {
    const name = fresh();
    const [first = 0, second = 0] = await some(2);
    await query(database(), 'delete from compose_outbox');
    await names().promote(name, first, by);
    await names().promote(name, second, by);
    const rows = await query<{ compose_id: string; kind: string }>(database(), 'select compose_id, kind from compose_outbox order by id');
    expect(rows.map(({ compose_id, kind }) => [Number(compose_id), kind])).toEqual([[first, 'changed'], [second, 'changed'], [first, 'changed']]);
    expect((await read(first)).plan).toBe(generatedTree(first).plan);
  });
});
