import { describe, expect, it } from '@jest/globals';
import { breakingStore } from './__fixtures__/breaking-store.js';
import { engineScene, options } from './__fixtures__/engine-scene.js';
import { keyOf, readAsClient } from './__fixtures__/line-format.js';
import type { NamedLocks } from '../database/advisory-locks.js';
import type { PlannedState } from '../repository/repository-change.js';

const scene = engineScene();
const signal = options.signal;

/** One that every process holds that asks: what the etags of the store do by themselves can be seen. */
const noLock: NamedLocks = { hold: (_name, work) => work({ signal, confirm: () => Promise.resolve() }) };

async function planned(name: string): Promise<PlannedState> {
  for (const change of await scene.reads().waiting(name, 100)) await scene.engine().inspect(change, options);
  return (await scene.commands().plan(name, { changes: 100 }))!;
}

describe('two engines', () => {
  it.each([
    ['the lock of PostgreSQL, which the one that hangs has lost', {}],
    ['the etags of the store alone', { locks: noLock }],
  ])('never put an older state over a newer one: %s', async (_by, changes) => {
    const name = await scene.repository();
    await scene.publish(name, ['a', '1']);
    await scene.publishing(name, ['b', '1']);
    const state = await planned(name);
    // It hangs as it is about to write what decides, for longer than it may say nothing.
    const hanging = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    const late = breakingStore(scene.placeOf(name), {
      before: async (call) => {
        if (call !== 'put index/head') return;
        reached.resolve();
        await hanging.promise;
      },
    });
    const hung = scene.engine(() => late.store, changes);
    await hung.place(state, options);
    const switching = hung.switchIndex(state, await hung.prepareIndex(state, options), options);
    const failed = switching.then(() => 'it wrote', (error: { code?: string }) => error.code);
    await reached.promise;
    // Whoever holds the lock only by its connection does not hold it for ever: here it is cut, as PostgreSQL does with one that is silent.
    await scene.cutLocks();
    await scene.carryOut(name, scene.engine(undefined, changes));
    await scene.publish(name, ['c', '1']);
    const newest = await readAsClient(scene.folderOf(name));
    expect(newest).toEqual({ state: 3, keys: ['a', 'b', 'c'].map((of) => keyOf(of, '1')) });
    hanging.resolve();
    expect(['storage-conflict', 'database-unavailable']).toContain(await failed);
    expect(await readAsClient(scene.folderOf(name))).toEqual(newest);
  });

  it('that switch the same state at once both find it switched', async () => {
    const name = await scene.repository();
    await scene.publishing(name, ['a', '1']);
    const state = await planned(name);
    const [one, other] = [scene.engine(), scene.engine()];
    await Promise.all([one.place(state, options), other.place(state, options)]);
    const [index, same] = [await one.prepareIndex(state, options), await other.prepareIndex(state, options)];
    expect(same).toEqual(index);
    await Promise.all([one.switchIndex(state, index, options), other.switchIndex(state, index, options)]);
    await Promise.all([scene.commands().published(state, index), scene.commands().published(state, index)]);
    expect(await readAsClient(scene.folderOf(name))).toEqual({ state: 1, keys: [keyOf('a', '1')] });
  });

  it('that carry out changes of four publishers at once lose none and tear nothing', async () => {
    const name = await scene.repository();
    const published = await Promise.all(
      Array.from({ length: 4 }, async (_, publisher) => {
        const of = scene.engine();
        for (let package_ = 0; package_ < 4; package_ += 1) {
          await scene.publishing(name, [`p${publisher}`, `${package_}`]);
          // Another may be at the same state: then that one has done it, or does.
          await scene.carryOut(name, of).catch((error: { code?: string }) => expect(['storage-conflict', 'record-conflict', 'state-not-found']).toContain(error.code));
          const { state, keys } = await readAsClient(scene.folderOf(name));
          expect(keys.length).toBeGreaterThanOrEqual(state === 0 ? 0 : 1);
        }
      }),
    );
    expect(published).toHaveLength(4);
    while ((await scene.carryOut(name)) !== undefined);
    expect((await readAsClient(scene.folderOf(name))).keys).toHaveLength(16);
  });

  it('that publish the same package with other bytes come to one of them, and the other is told of both digests', async () => {
    const name = await scene.repository();
    const [first, second] = [await scene.publishing(name, ['a', '1', 'one']), await scene.publishing(name, ['a', '1', 'two'])];
    while ((await scene.carryOut(name)) !== undefined);
    expect((await scene.reads().change(first)).phase).toBe('done');
    const { phase, problem } = await scene.reads().change(second);
    expect([phase, problem?.code]).toEqual(['failed', 'package-conflict']);
    expect(`${problem?.message} ${JSON.stringify(problem?.details)}`.match(/[0-9a-f]{64}/g)?.length).toBeGreaterThanOrEqual(2);
    const again = await scene.publishing(name, ['a', '1', 'one']);
    await scene.carryOut(name);
    expect((await scene.reads().change(again)).outcome).toMatchObject({ same: [keyOf('a', '1')], added: [] });
  });
});

describe('a state that is withdrawn', () => {
  it('leaves no object that would be in the way of the next one, and takes none that a state lists', async () => {
    const name = await scene.repository();
    await scene.publish(name, ['kept', '1']);
    const bad = await scene.publishing(name, ['a', '1', 'bad'], ['kept', '1']);
    const state = await planned(name);
    await scene.engine().place(state, options);
    await scene.commands().abandoned(state, { code: 'storage-refused', message: 'no', details: [] });
    await scene.engine().withdraw(state, options);
    expect((await scene.reads().change(bad)).phase).toBe('failed');
    await scene.publish(name, ['a', '1', 'good']);
    expect((await readAsClient(scene.folderOf(name))).keys).toEqual([keyOf('a', '1'), keyOf('kept', '1')]);
  });
});
