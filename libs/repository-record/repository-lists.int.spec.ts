import { describe, expect, it } from '@jest/globals';
import { indexOf, keyOf, recordedRepositories, type SpecPackage } from './__fixtures__/recorded-repositories.js';

const { commands, reads, repository, request, publishing, plan, settle, outcome, publish, remove, keys, later, at } = recordedRepositories();
const some = (count: number, name = 'p'): SpecPackage[] => Array.from({ length: count }, (_none, index) => ({ name: `${name}${String(index).padStart(4, '0')}`, version: '1' }));
const [a, b, c] = some(3) as [SpecPackage, SpecPackage, SpecPackage];
const guarded = { guard: { packages: 2, share: 0.5 } };

describe('removal', () => {
  it('takes packages out of the list and keeps what is known of them', async () => {
    const name = await repository();
    await publish(name, [a, b]);
    expect(await remove(name, [a])).toEqual({ state: 2, added: [], same: [], removed: [keyOf(a)], obsoleted: [] });
    expect(await keys(name)).toEqual([keyOf(b)]);
    expect(await keys(name, 1)).toEqual([keyOf(a), keyOf(b)]);
    expect(await reads().package(name, keyOf(a))).toMatchObject({ listed: [{ from: 1, until: 2 }] });
    expect((await reads().metadata('rpm', [(await reads().package(name, keyOf(a))).sha256])).size).toBe(1);
  });

  it('of what is not listed is refused at once, unless it is about to be', async () => {
    const name = await repository();
    await publish(name, [a]);
    await expect(request(name, { kind: 'remove', keys: [keyOf(a), keyOf(b)] })).rejects.toMatchObject({ code: 'package-not-found', details: [{ key: keyOf(b), reason: 'not listed' }] });
    await publishing(name, [b]);
    await plan(name);
    const removing = await request(name, { kind: 'remove', keys: [keyOf(b)] });
    expect(await outcome(removing)).toMatchObject({ state: 3, removed: [keyOf(b)] });
  });

  it('of what another has removed meanwhile is fine, and changes nothing', async () => {
    const name = await repository();
    await publish(name, [a]);
    const changes = [await request(name, { kind: 'remove', keys: [keyOf(a)] }), await request(name, { kind: 'remove', keys: [keyOf(a)] })];
    await settle(name);
    expect((await Promise.all(changes.map(({ id }) => reads().change(id)))).map((change) => change.outcome)).toMatchObject([{ state: 2, removed: [keyOf(a)] }, { state: 2, removed: [] }]);
  });

  it('of more than the guard lets go is done by force only', async () => {
    const name = await repository(guarded);
    const packages = some(6);
    await publish(name, packages);
    const refused = await request(name, { kind: 'remove', keys: packages.slice(0, 4).map(keyOf) });
    await settle(name);
    expect(await reads().change(refused.id)).toMatchObject({
      phase: 'failed',
      problem: { code: 'change-guarded', message: expect.stringContaining('4 of 6 packages (66.7 %)'), details: [{ dropped: 4, listed: 6 }, ...packages.slice(0, 4).map((one) => ({ key: keyOf(one), reason: 'removed' }))] },
    });
    expect(await keys(name)).toHaveLength(6);
    expect(await remove(name, packages.slice(0, 4), { force: true })).toMatchObject({ state: 2, removed: packages.slice(0, 4).map(keyOf) });
  });

  it('of all, bit by bit in one batch, is guarded by what the changes before leave', async () => {
    const name = await repository(guarded);
    const packages = some(9);
    await publish(name, packages);
    const changes = [];
    for (const part of [packages.slice(0, 4), packages.slice(4, 6), packages.slice(6, 9)]) changes.push(await request(name, { kind: 'remove', keys: part.map(keyOf) }));
    await settle(name);
    expect((await Promise.all(changes.map(({ id }) => reads().change(id)))).map(({ phase }) => phase)).toEqual(['done', 'done', 'failed']);
    expect(await keys(name)).toHaveLength(3);
  });
});

describe('a preview', () => {
  it('says what a change would do, and does nothing', async () => {
    const name = await repository(guarded);
    const packages = some(4);
    await publish(name, packages);
    const change = { id: '00000000-0000-4000-8000-000000000001', repository: name, by: 'ann', force: false };
    const preview = await commands().preview({ ...change, request: { kind: 'remove', keys: packages.slice(1).map(keyOf) } });
    expect(preview).toMatchObject({ added: [], removed: packages.slice(1).map((one) => ({ key: keyOf(one) })), problem: { code: 'change-guarded' } });
    expect(await commands().preview({ ...change, force: true, request: { kind: 'remove', keys: packages.slice(1).map(keyOf) } })).toMatchObject({ problem: undefined });
    await expect(commands().preview({ ...change, request: { kind: 'roll-back', to: 9 } })).rejects.toMatchObject({ code: 'state-not-found' });
    expect(await keys(name)).toHaveLength(4);
    expect(await reads().changes(name, { limit: 9 })).toHaveLength(1);
  });
});

describe('rolling back', () => {
  it('is a new state with the list of an old one', async () => {
    const name = await repository();
    await publish(name, [a, b]);
    await publish(name, [c]);
    await remove(name, [a]);
    later(60);
    const change = await request(name, { kind: 'roll-back', to: 1 });
    const planned = await plan(name);
    expect([planned.added.map(({ key, upload }) => [key, upload]), planned.removed.map(({ key }) => key)]).toEqual([[[keyOf(a), undefined]], [keyOf(c)]]);
    expect(await outcome(change)).toEqual({ state: 4, added: [keyOf(a)], same: [], removed: [keyOf(c)], obsoleted: [] });
    expect(await keys(name)).toEqual([keyOf(a), keyOf(b)]);
    expect(await keys(name, 3)).toEqual([keyOf(b), keyOf(c)]);
    expect(await outcome(await request(name, { kind: 'roll-back', to: 1 }))).toMatchObject({ state: 4, added: [], removed: [] });
    expect(await reads().state(name, 4)).toMatchObject({ kinds: ['roll-back'], at: at() });
    await expect(request(name, { kind: 'roll-back', to: 99 })).rejects.toMatchObject({ code: 'state-not-found' });
  });

  it('brings back what was pruned, and fails over what was deleted for good', async () => {
    const name = await repository();
    await publish(name, [a, b]);
    await remove(name, [a, b]);
    await commands().pruned(name, { moved: [keyOf(a), keyOf(b)], deleted: [], strangers: ['packages/x'] }, 'prune');
    await commands().pruned(name, { moved: [], deleted: [keyOf(b)], strangers: [] }, 'prune');
    const change = await request(name, { kind: 'roll-back', to: 1 });
    await settle(name);
    expect(await reads().change(change.id)).toMatchObject({ phase: 'failed', problem: { code: 'package-not-found', details: [{ key: keyOf(b), reason: 'deleted' }] } });
    expect(await keys(name)).toEqual([]);
    await publish(name, [b]);
    expect(await outcome(await request(name, { kind: 'roll-back', to: 1 }))).toMatchObject({ added: [keyOf(a)] });
    expect(await keys(name)).toEqual([keyOf(a), keyOf(b)]);
    expect(await reads().expired(name, at(1000))).toEqual([]);
  });

  it('is alone in its state, in the order in which it was asked for', async () => {
    const name = await repository();
    await publish(name, [a]);
    await publish(name, [b]);
    await publishing(name, [c]);
    const back = await request(name, { kind: 'roll-back', to: 1 });
    await publishing(name, some(1, 'q'));
    await settle(name);
    expect(await reads().change(back.id)).toMatchObject({ outcome: { state: 4, removed: [keyOf(b), keyOf(c)] } });
    expect(await keys(name)).toEqual([keyOf(a), 'q0000-1.rpm']);
  });
});

describe('what may be pruned', () => {
  it('is what no state has listed for the grace time, while its object is there', async () => {
    const name = await repository();
    await publish(name, [a, b, c]);
    await remove(name, [a, b]);
    const removedAt = at();
    later(100);
    expect(await reads().prunable(name, at(-101))).toEqual([]);
    expect((await reads().prunable(name, removedAt)).map(({ key }) => key)).toEqual([keyOf(a), keyOf(b)]);
    await commands().pruned(name, { moved: [keyOf(a)], deleted: [], strangers: [] }, 'prune');
    expect((await reads().prunable(name, at())).map(({ key }) => key)).toEqual([keyOf(b)]);
    expect(await reads().expired(name, at(-1))).toEqual([]);
    expect((await reads().expired(name, at())).map(({ key }) => key)).toEqual([keyOf(a)]);
    await request(name, { kind: 'roll-back', to: 1 });
    await plan(name);
    expect([await reads().prunable(name, at()), await reads().expired(name, at())]).toEqual([[], []]);
    await settle(name);
    await commands().pruned(name, { moved: [keyOf(c)], deleted: [keyOf(b)], strangers: [] }, 'prune');
    expect([await reads().prunable(name, at()), await reads().expired(name, at())]).toEqual([[], []]);
  });
});

describe('lists', () => {
  it('are read page by page in the order of bytes, and searched', async () => {
    const name = await repository();
    const packages = ['b', 'B', 'a', 'ä', '_', 'a-b', 'ab', 'Z'].map((one) => ({ name: one, version: '1' }));
    await publish(name, packages);
    const sorted = packages.map(keyOf).sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
    expect(await keys(name)).toEqual(sorted);
    const pages: string[] = [];
    for (let after = ''; ; after = pages.at(-1) ?? '') {
      const page = await reads().packages(name, { limit: 3, after });
      if (page.length === 0) break;
      pages.push(...page.map(({ key }) => key));
    }
    expect(pages).toEqual(sorted);
    expect((await reads().packages(name, { limit: 9, search: 'B-1' })).map(({ key }) => key)).toEqual(['B-1.rpm', 'a-b-1.rpm', 'ab-1.rpm', 'b-1.rpm']);
    expect(await reads().packages(name, { limit: 9, search: '%' })).toEqual([]);
    await expect(reads().packages(name, { limit: 9, state: 7 })).rejects.toMatchObject({ code: 'state-not-found' });
    await expect(reads().packages('none', { limit: 9 })).rejects.toMatchObject({ code: 'repository-not-found' });
  });

  it('of a state are the same while it is planned and when it is published, and end with an error when it is abandoned', async () => {
    const name = await repository();
    const read = async (state: number): Promise<string[]> => {
      const found: string[] = [];
      for await (const { key } of reads().allPackages(name, state)) found.push(key);
      return found;
    };
    const packages = some(50);
    await publish(name, packages.slice(0, 20));
    await publish(name, packages.slice(20, 40));
    await publish(name, packages.slice(40));
    expect(await read(3)).toEqual(packages.map(keyOf));
    await publishing(name, some(1, 'a'));
    await request(name, { kind: 'remove', keys: [keyOf(a)] });
    const planned = await plan(name);
    const whileReading: string[] = [];
    for await (const { key } of reads().allPackages(name, 4)) {
      if (whileReading.push(key) === 1) await commands().published(planned, indexOf(4));
    }
    expect(whileReading).toEqual(['a0000-1.rpm', ...packages.slice(1).map(keyOf)]);
    expect(await read(4)).toEqual(whileReading);
    expect(await read(3)).toEqual(packages.map(keyOf));
    await publishing(name, some(1, 'b'));
    const lost = await plan(name);
    const torn = (async () => {
      for await (const { key } of reads().allPackages(name, lost.state)) if (key === 'a0000-1.rpm') await commands().abandoned(lost, { code: 'signing-unavailable', message: 'no', details: [] });
    })();
    await expect(torn).rejects.toMatchObject({ code: 'state-not-found' });
  });

  it('differ by what has come and gone between any two states', async () => {
    const name = await repository();
    await publish(name, [a, b]);
    await remove(name, [a]);
    await publish(name, [a, c]);
    const diff = async (from: number, to: number): Promise<string[][]> => Object.values(await reads().diff(name, from, to)).map((list) => list.map(({ key }) => key));
    expect(await diff(1, 3)).toEqual([[keyOf(c)], []]);
    expect(await diff(3, 1)).toEqual([[], [keyOf(c)]]);
    expect(await diff(2, 3)).toEqual([[keyOf(a), keyOf(c)], []]);
    expect(await diff(1, 2)).toEqual([[], [keyOf(a)]]);
    expect(await diff(0, 3)).toEqual([[keyOf(a), keyOf(b), keyOf(c)], []]);
    expect(await diff(3, 3)).toEqual([[], []]);
    await expect(diff(1, 4)).rejects.toMatchObject({ code: 'state-not-found' });
    await expect(diff(0.5, 1)).rejects.toMatchObject({ code: 'state-not-found' });
  });
});
