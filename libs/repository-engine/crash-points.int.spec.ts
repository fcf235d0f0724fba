import { describe, expect, it, jest } from '@jest/globals';
import { MillraceError } from '../errors/millrace-error.js';
import { breakingStore } from './__fixtures__/breaking-store.js';
import { engineScene } from './__fixtures__/engine-scene.js';
import { readAsClient } from './__fixtures__/line-format.js';

jest.setTimeout(60_000);

const scene = engineScene();

/** A repository with one state, and a change that publishes two packages and drops none. */
async function prepared(): Promise<string> {
  const name = await scene.repository({ keys: ['some'] });
  await scene.publish(name, ['old', '1']);
  await scene.publishing(name, ['new', '1'], ['other', '1', 'x'.repeat(5000)]);
  return name;
}

const before = { state: 1, keys: ['old-1.rpm'] };
const after = { state: 2, keys: ['new-1.rpm', 'old-1.rpm', 'other-1.rpm'] };

async function callsOfPublication(): Promise<readonly string[]> {
  const name = await prepared();
  const { store, calls } = breakingStore(scene.placeOf(name));
  await scene.carryOut(name, scene.engine(() => store));
  expect(await readAsClient(scene.folderOf(name))).toEqual(after);
  return calls;
}

describe('a publication that is killed', () => {
  it('at any call of the store leaves a whole repository, and another process goes on', async () => {
    const calls = await callsOfPublication();
    expect(calls.length).toBeGreaterThan(20);
    const seen = new Set<number>();
    for (let at = 1; at <= calls.length; at += 1) {
      const name = await prepared();
      // The call has had its effect: before it is after the one before.
      const broken = breakingStore(scene.placeOf(name), { at, after: true });
      await expect(scene.carryOut(name, scene.engine(() => broken.store))).rejects.toThrow('killed');
      const left = await readAsClient(scene.folderOf(name));
      expect([before, after]).toContainEqual(left);
      seen.add(left.state);
      if ((await scene.reads().get(name)).state < 2) await scene.carryOut(name);
      expect(await readAsClient(scene.folderOf(name))).toEqual(after);
      expect((await scene.reads().get(name)).state).toBe(2);
    }
    expect([...seen].sort()).toEqual([1, 2]);
  });

  it('between the switch and the record is recorded by the next process', async () => {
    const name = await prepared();
    const one = scene.engine();
    for (const change of await scene.reads().waiting(name, 10)) await one.inspect(change, { signal: AbortSignal.timeout(10_000) });
    const planned = (await scene.commands().plan(name, { changes: 10 }))!;
    const options = { signal: AbortSignal.timeout(10_000) };
    await one.place(planned, options);
    await one.switchIndex(planned, await one.prepareIndex(planned, options), options);
    expect(await readAsClient(scene.folderOf(name))).toEqual(after);
    expect((await scene.reads().get(name)).state).toBe(1);
    await expect(scene.commands().abandoned(planned, { code: 'storage-refused', message: 'no', details: [] })).rejects.toMatchObject({ code: 'record-conflict' });
    await scene.carryOut(name);
    expect(await readAsClient(scene.folderOf(name))).toEqual(after);
    expect((await scene.reads().get(name)).state).toBe(2);
  });
});

describe('a store that refuses', () => {
  it.each(['storage-refused', 'storage-full', 'storage-unavailable'] as const)('leaves what clients see as it is, and says so: %s', async (code) => {
    const name = await prepared();
    const refusing = breakingStore(scene.placeOf(name), { before: (call) => (call.startsWith('put') || call.startsWith('copy') ? Promise.reject(new MillraceError(code, 'says the store')) : undefined) });
    await expect(scene.carryOut(name, scene.engine(() => refusing.store))).rejects.toMatchObject({ code });
    expect(await readAsClient(scene.folderOf(name))).toEqual(before);
    await scene.carryOut(name);
    expect(await readAsClient(scene.folderOf(name))).toEqual(after);
  });
});
