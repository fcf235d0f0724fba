import { describe, expect, it } from '@jest/globals';
import { breakingStore } from './__fixtures__/breaking-store.js';
import { by, engineScene, options } from './__fixtures__/engine-scene.js';
import { keyOf, readAsClient } from './__fixtures__/line-format.js';
import type { NamedLocks } from '../database/advisory-locks.js';
import type { PlannedState } from '../repository/repository-change.js';
import type { RepositoryEngineOptions } from './engine-options.js';
import type { PruneOptions, RepositoryEngine } from './repository-engine.js';

const scene = engineScene();
const pruning: PruneOptions = { ...options, by, dryRun: false, force: false };
const all = [keyOf('gone', '1'), keyOf('kept', '1')];

/** Three days later: no client reads what the states before have had. */
function later(store?: Parameters<typeof scene.engine>[0], changes: Partial<RepositoryEngineOptions> = {}): RepositoryEngine {
  const now = (): number => Date.now() + 3 * 86_400_000;
  return scene.engine(store, { now, commands: scene.commandsAt(() => new Date(now())), ...changes });
}

/** The way back to a list of long ago, whose index file and whose package are there still; planned, placed and prepared, not switched. */
async function onTheWayBack(): Promise<{ readonly name: string; readonly state: PlannedState }> {
  const name = await scene.repository({ graceSeconds: 3600 });
  await scene.publish(name, ['kept', '1'], ['gone', '1']);
  await scene.request(name, { kind: 'remove', keys: [keyOf('gone', '1')] });
  await scene.carryOut(name);
  await scene.request(name, { kind: 'roll-back', to: 1 });
  for (const change of await scene.reads().waiting(name, 10)) await scene.engine().inspect(change, options);
  const state = (await scene.commands().plan(name, { changes: 10 }))!;
  await scene.engine().place(state, options);
  await scene.engine().prepareIndex(state, options);
  return { name, state };
}

const switched = async ({ name, state }: { readonly name: string; readonly state: PlannedState }): Promise<void> => {
  await scene.engine().switchIndex(state, (await scene.engine().preparedIndex(state, options))!, options);
  expect(await readAsClient(scene.folderOf(name))).toEqual({ state: 3, keys: all });
};

describe('a prune while a roll-back is under way', () => {
  it('before its switch leaves the index files that it has found there', async () => {
    const way = await onTheWayBack();
    await later().prune(way.name, pruning);
    await switched(way);
  });

  it('that takes index files away which are found and not noted yet has the index prepared again', async () => {
    const way = await onTheWayBack();
    const index = (await scene.engine().preparedIndex(way.state, options))!;
    // As it is where the prune has looked before there was a note of what was prepared.
    await scene.placeOf(way.name).remove(index.map(({ path }) => path).filter((path) => path.endsWith('.list')));
    await expect(scene.engine().switchIndex(way.state, index, options)).rejects.toMatchObject({ code: 'storage-conflict' });
    expect((await readAsClient(scene.folderOf(way.name))).state).toBe(2);
    await scene.carryOut(way.name);
    expect(await readAsClient(scene.folderOf(way.name))).toEqual({ state: 3, keys: all });
  });

  it('between its switch and its record leaves all that clients see', async () => {
    const way = await onTheWayBack();
    await switched(way);
    await later().prune(way.name, pruning);
    expect(await readAsClient(scene.folderOf(way.name))).toEqual({ state: 3, keys: all });
  });

  it('leaves all that clients see when the state is recorded while it looks', async () => {
    const { name, state } = await onTheWayBack();
    await switched({ name, state });
    const index = (await scene.engine().preparedIndex(state, options))!;
    const reads = scene.reads();
    const planned = async (of: string): ReturnType<typeof reads.planned> => {
      await scene.commands().published(state, index);
      return reads.planned(of);
    };
    await later(undefined, { reads: { ...reads, planned } }).prune(name, pruning);
    expect(await readAsClient(scene.folderOf(name))).toEqual({ state: 3, keys: all });
  });

  it('takes nothing from its place once its lock is lost, even where it has not heard of it', async () => {
    const name = await scene.repository({ graceSeconds: 3600 });
    await scene.publish(name, ['kept', '1'], ['gone', '1']);
    await scene.request(name, { kind: 'remove', keys: [keyOf('gone', '1')] });
    await scene.carryOut(name);
    let lost = false;
    const locks: NamedLocks = { hold: (_of, work) => work({ signal: options.signal, confirm: () => (lost ? Promise.reject(new Error('the lock is lost')) : Promise.resolve()) }) };
    // A process that was stopped as it had looked at the copy, while another goes back.
    const stopped = breakingStore(scene.placeOf(name), {
      before: async (call) => {
        if (call !== `head .obsolete/packages/${keyOf('gone', '1')}`) return;
        lost = true;
        await scene.request(name, { kind: 'roll-back', to: 1 });
        await scene.carryOut(name);
      },
    });
    await expect(later(() => stopped.store, { locks }).prune(name, pruning)).rejects.toThrow('the lock is lost');
    expect(await readAsClient(scene.folderOf(name))).toEqual({ state: 3, keys: all });
  });
});

describe('a package that is moved as it is placed', () => {
  it.each(['get', 'copy'])('is looked for again, and nothing is refused for it: before the %s', async (call) => {
    const name = await scene.repository({ graceSeconds: 0 });
    await scene.publish(name, ['kept', '1'], ['gone', '1']);
    await scene.request(name, { kind: 'remove', keys: [keyOf('gone', '1')] });
    await scene.carryOut(name);
    const at = `packages/${keyOf('gone', '1')}`;
    const store = scene.placeOf(name);
    if (call === 'copy') {
      await store.copy(at, `.obsolete/${at}`);
      await store.remove([at]);
    }
    await scene.request(name, { kind: 'roll-back', to: 1 });
    const state = (await scene.commands().plan(name, { changes: 10 }))!;
    let moved = false;
    const moving = breakingStore(store, {
      before: async (called) => {
        if (called !== `${call} ${at}` || moved) return;
        moved = true;
        if (call === 'get') await store.copy(at, `.obsolete/${at}`);
        await store.remove([call === 'get' ? at : `.obsolete/${at}`]);
      },
    });
    const placing = scene.engine(() => moving.store).place(state, options);
    if (call === 'get') await placing;
    else await expect(placing).rejects.toMatchObject({ code: 'storage-conflict' });
    expect(moved).toBe(true);
    expect((await store.head(at))?.size).toBe(call === 'get' ? 12 : undefined);
    if (call === 'copy') await expect(scene.engine().place(state, options)).rejects.toMatchObject({ code: 'package-not-found', details: [{ key: keyOf('gone', '1') }] });
  });
});
