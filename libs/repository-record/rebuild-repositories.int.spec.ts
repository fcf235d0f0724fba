import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { query } from '../database/sql.js';
import { verifyStream } from '../event-store/verify-stream.js';
import { repositoryStreamId } from '../repository/repository.js';
import { by, digestOf, indexOf, keyOf, recordedRepositories, type SpecPackage } from './__fixtures__/recorded-repositories.js';
import { rebuildRepositories } from './rebuild-repositories.js';

const { database, commands, reads, repository, publishing, request, plan, settle, keys, later } = recordedRepositories();

const projections = ['repositories', 'repository_states', 'repository_listings', 'repository_packages'];
const contents = (): Promise<object[][]> => Promise.all(projections.map((table) => query<object>(database(), `select t.* from ${table} t order by t::text`)));

/** The record by the rules alone: a list a state, and one content a key. */
interface Model {
  readonly name: string;
  readonly contents: Map<string, string>;
  readonly lists: Map<number, ReadonlySet<string>>;
  current: ReadonlySet<string>;
  waiting: { readonly id: string; readonly apply: () => boolean }[];
}

const versions = fc.record({ name: fc.constantFrom('a', 'b', 'c'), version: fc.constantFrom('1', '2'), build: fc.constantFrom('', '', '', 'x') });
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('publish' as const), packages: fc.uniqueArray(versions, { minLength: 1, maxLength: 3, selector: keyOf }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), packages: fc.uniqueArray(versions, { minLength: 1, maxLength: 3, selector: keyOf }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('settle' as const), twice: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('abandon' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('roll back' as const), to: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('configure' as const), graceSeconds: fc.nat(10) }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

const digest = (one: SpecPackage): string => digestOf(`${keyOf(one)} ${one.build ?? ''}`);

async function carryOut(model: Model, one: Step): Promise<void> {
  const { name } = model;
  if (one.do === 'publish') {
    const { id } = await publishing(name, one.packages);
    model.waiting.push({
      id,
      apply: () => {
        if (one.packages.some((each) => (model.contents.get(keyOf(each)) ?? digest(each)) !== digest(each))) return false;
        for (const each of one.packages) model.contents.set(keyOf(each), digest(each));
        model.current = new Set([...model.current, ...one.packages.map(keyOf)]);
        return true;
      },
    });
  } else if (one.do === 'remove') {
    const wanted = one.packages.map(keyOf);
    const id = randomUUID();
    const listed = new Set(await keys(name));
    const asking = request(name, { kind: 'remove', keys: wanted }, { id });
    if (wanted.some((key) => !listed.has(key))) return void (await expect(asking).rejects.toMatchObject({ code: 'package-not-found' }));
    await asking;
    expect(await request(name, { kind: 'remove', keys: wanted }, { id })).toMatchObject({ id });
    model.waiting.push({ id, apply: () => ((model.current = new Set([...model.current].filter((key) => !wanted.includes(key)))), true) });
  } else if (one.do === 'settle') {
    await settleModel(model, one.twice);
  } else if (one.do === 'abandon') {
    await abandonModel(model);
  } else if (one.do === 'roll back') {
    await settleModel(model, false);
    const [state, list] = [...model.lists][one.to] ?? [];
    if (state === undefined || list === undefined) return;
    const { id } = await request(name, { kind: 'roll-back', to: state });
    model.waiting.push({ id, apply: () => ((model.current = list), true) });
    await settleModel(model, true);
  } else {
    const { settings } = await reads().get(name);
    await commands().configure(name, { ...settings, graceSeconds: one.graceSeconds }, by);
  }
}

/** Everything that waits goes into one state. */
async function settleModel(model: Model, twice: boolean): Promise<void> {
  const planned = await commands().plan(model.name, { changes: 100 });
  const done = model.waiting.map(({ id, apply }) => ({ id, done: apply() }));
  model.waiting = [];
  if (planned !== undefined) {
    if (twice) expect(await commands().plan(model.name, { changes: 1 })).toEqual(planned);
    for (let times = 0; times < (twice ? 2 : 1); times += 1) await commands().published(planned, indexOf(planned.state));
    model.lists.set(planned.state, model.current);
  }
  for (const change of done) expect([change.id, (await reads().change(change.id)).phase]).toEqual([change.id, change.done ? 'done' : 'failed']);
}

async function abandonModel(model: Model): Promise<void> {
  const planned = await commands().plan(model.name, { changes: 100 });
  model.waiting = [];
  if (planned !== undefined) await commands().abandoned(planned, { code: 'signing-unavailable', message: 'no', details: [] });
}

describe('the record of repositories', () => {
  it('is what the rules say, state for state, whatever happens, and its projections come of its events', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const model: Model = { name: await repository(), contents: new Map(), lists: new Map(), current: new Set(), waiting: [] };
        for (const one of steps) {
          later(1);
          await carryOut(model, one);
        }
        await settleModel(model, false);
        expect(await keys(model.name)).toEqual([...model.current].sort());
        for (const [state, list] of model.lists) expect(await keys(model.name, state)).toEqual([...list].sort());
        expect(await reads().get(model.name)).toMatchObject({ packages: model.current.size });
        for (const [key, sha256] of model.contents) expect(await reads().package(model.name, key)).toMatchObject({ sha256 });
        expect(await verifyStream(database(), repositoryStreamId(model.name))).toMatchObject({ intact: true });
      }),
      { numRuns: 25 },
    );
    const before = await contents();
    const { repositories } = await rebuildRepositories(database());
    expect(await contents()).toEqual(before);
    expect(repositories).toBeGreaterThanOrEqual(25);
  });

  it('is made again from its events where its projections are lost, also of what was pruned, removed and abandoned', async () => {
    const name = await repository();
    const [a, b] = [{ name: 'a', version: '1' }, { name: 'b', version: '1' }];
    await publishing(name, [a, b]);
    await settle(name);
    await request(name, { kind: 'remove', keys: [keyOf(a), keyOf(b)] });
    await settle(name);
    await commands().pruned(name, { moved: [keyOf(a), keyOf(b)], deleted: [keyOf(b)], strangers: ['x'] }, by);
    await publishing(name, [{ name: 'c', version: '1' }]);
    await commands().abandoned(await plan(name), { code: 'signing-unavailable', message: 'no', details: [] });
    const gone = await repository();
    await commands().remove(gone, { by, force: false });
    await publishing(name, [{ name: 'd', version: '1' }]);
    const planned = await plan(name);
    const before = await contents();
    for (const table of projections) await query(database(), `delete from ${table}`);
    await rebuildRepositories(database());
    expect(await contents()).toEqual(before);
    expect(await plan(name)).toEqual(planned);
    expect(await commands().published(planned, indexOf(planned.state))).toMatchObject({ state: 4, packages: 1 });
  });
});
