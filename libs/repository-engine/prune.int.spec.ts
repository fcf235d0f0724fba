import { existsSync, readdirSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { query } from '../database/sql.js';
import { breakingStore } from './__fixtures__/breaking-store.js';
import { by, engineScene, options } from './__fixtures__/engine-scene.js';
import { keyOf, readAsClient } from './__fixtures__/line-format.js';
import type { PruneOptions } from './repository-engine.js';

const scene = engineScene();
const pruning: PruneOptions = { ...options, by, dryRun: false, force: false };
const day = 86_400_000;
/** An engine whose clock, and a record that, is so many days ahead. */
const later = (days: number, store?: Parameters<typeof scene.engine>[0]) => scene.engine(store, { now: () => Date.now() + days * day, commands: scene.commandsAt(() => new Date(Date.now() + days * day)) });
const there = (name: string, key: string): boolean => existsSync(path.join(scene.folderOf(name), key));
const packageAt = (of: string): string => `packages/${keyOf(of, '1')}`;

async function withRemoved(settings = {}): Promise<string> {
  const name = await scene.repository({ graceSeconds: 3600, obsoleteSeconds: 10 * 86_400, ...settings });
  await scene.publish(name, ['kept', '1'], ['gone', '1']);
  await scene.request(name, { kind: 'remove', keys: [keyOf('gone', '1')] }, { force: true });
  await scene.carryOut(name);
  return name;
}

describe('a prune', () => {
  it('leaves what was removed for clients of the old index, puts it aside after the grace time, and deletes it after its time there', async () => {
    const name = await withRemoved();
    expect(await scene.engine().prune(name, pruning)).toEqual({ moved: [], deleted: [], strangers: [] });
    expect(there(name, packageAt('gone'))).toBe(true);
    expect(await later(1).prune(name, { ...pruning, dryRun: true })).toMatchObject({ moved: [keyOf('gone', '1')] });
    expect(there(name, packageAt('gone'))).toBe(true);
    expect(await later(1).prune(name, pruning)).toMatchObject({ moved: [keyOf('gone', '1')], deleted: [] });
    expect([there(name, packageAt('gone')), there(name, `.obsolete/${packageAt('gone')}`)]).toEqual([false, true]);
    expect(await later(5).prune(name, pruning)).toMatchObject({ moved: [], deleted: [] });
    expect(await later(20).prune(name, pruning)).toMatchObject({ deleted: [keyOf('gone', '1')] });
    expect(there(name, `.obsolete/${packageAt('gone')}`)).toBe(false);
    expect((await readAsClient(scene.folderOf(name))).keys).toEqual([keyOf('kept', '1')]);
  });

  it('takes index files of states away that no client reads any more', async () => {
    const name = await withRemoved();
    const [first] = (await scene.reads().state(name, 1)).index;
    await later(0.5).prune(name, pruning);
    expect(there(name, first!.path)).toBe(true);
    await later(3).prune(name, pruning);
    expect(there(name, first!.path)).toBe(false);
    expect((await readAsClient(scene.folderOf(name))).keys).toEqual([keyOf('kept', '1')]);
  });

  it('brings back from where it was put what a roll-back lists again', async () => {
    const name = await withRemoved();
    await later(1).prune(name, pruning);
    await scene.request(name, { kind: 'roll-back', to: 1 }, { force: true });
    await scene.carryOut(name);
    expect((await readAsClient(scene.folderOf(name))).keys).toEqual([keyOf('gone', '1'), keyOf('kept', '1')]);
    expect(await later(30).prune(name, pruning)).toMatchObject({ moved: [], deleted: [] });
    expect((await readAsClient(scene.folderOf(name))).keys).toHaveLength(2);
  });

  it('puts strangers aside that lie among its own, when they are a day old, and leaves everything else alone', async () => {
    const name = await withRemoved();
    const other = scene.placeOf(name);
    await other.put('packages/stranger', Buffer.from('s'));
    await other.put('index.html', Buffer.from('mine'));
    await other.put('photos/cat', Buffer.from('mine'));
    await other.put('.incoming/lost', Buffer.from('half'));
    expect((await scene.engine().prune(name, pruning)).strangers).toEqual([]);
    expect([...(await later(2).prune(name, pruning)).strangers].sort()).toEqual(expect.arrayContaining(['.incoming/lost', 'packages/stranger']));
    expect(['packages/stranger', '.obsolete/packages/stranger', 'index.html', 'photos/cat', '.incoming/lost'].map((key) => there(name, key))).toEqual([false, true, true, true, false]);
  });

  it('empties the spool of what a killed process has left there, and of what no change has taken', async () => {
    const name = await withRemoved();
    const killed = scene.engine((folder) => breakingStore(scene.placeOf(folder), { at: 1, after: true }).store);
    await expect(scene.upload(name, { name: 'lost', version: '1' }, killed)).rejects.toThrow('killed');
    await scene.upload(name, { name: 'left', version: '1' });
    expect(readdirSync(path.join(scene.folderOf(name), '.incoming'))).toHaveLength(2);
    await later(2).tidy(name, options);
    await later(2).prune(name, pruning);
    expect(there(name, '.incoming')).toBe(false);
  });

  it('touches nothing of a repository that lies below it', async () => {
    const name = await withRemoved();
    await scene.commands().create({ name: `${name}-below`, kind: 'rpm', place: { store: 'default', folder: `${name}/packages/below` }, settings: (await scene.reads().get(name)).settings }, by).catch(() => undefined);
    const below = (await scene.reads().list({ limit: 1000 })).find((one) => one.name === `${name}-below`);
    await scene.placeOf(name).put('packages/below/packages/theirs', Buffer.from('t'));
    const { strangers } = await later(2).prune(name, { ...pruning, dryRun: true });
    expect(strangers.includes('packages/below/packages/theirs')).toBe(below === undefined);
  });

  it('asks before it takes away more than its guard lets it: a record that has lost its packages empties no bucket', async () => {
    const name = await scene.repository({ guard: { packages: 3, share: 0.5 } });
    await scene.publish(name, ...Array.from({ length: 10 }, (_, index) => [`p${index}`, '1'] as const));
    for (const table of ['repository_listings', 'repository_packages']) await query(scene.spec.database, `delete from ${table} where repository = $1 and key <> $2`, [name, keyOf('p0', '1')]);
    await query(scene.spec.database, `update repositories set packages = 1 where name = $1`, [name]);
    for (let index = 0; index < 10; index += 1) utimesSync(path.join(scene.folderOf(name), packageAt(`p${index}`)), 1, 1);
    await expect(later(3).prune(name, pruning)).rejects.toMatchObject({ code: 'change-guarded', message: expect.stringContaining('9 of 10') });
    expect((await readAsClient(scene.folderOf(name))).keys).toHaveLength(10);
    expect((await later(3).prune(name, { ...pruning, dryRun: true })).strangers).toHaveLength(9);
  });

  it('does nothing where nothing was published, and nothing without a record', async () => {
    const name = await scene.repository();
    await scene.placeOf(name).put('packages/theirs', Buffer.from('t'));
    expect(await later(5).prune(name, { ...pruning, force: true })).toEqual({ moved: [], deleted: [], strangers: [] });
    expect(there(name, 'packages/theirs')).toBe(true);
    await expect(later(5).prune('nowhere', { ...pruning, force: true })).rejects.toMatchObject({ code: 'repository-not-found' });
  });

  it('that is killed at any call loses nothing, and is carried through by the next', async () => {
    const calls = breakingStore(scene.placeOf('x'));
    const first = await withRemoved();
    await later(1, () => breakingStore(scene.placeOf(first), { before: (call) => void calls.calls.push(call) }).store).prune(first, pruning);
    expect(calls.calls.length).toBeGreaterThan(4);
    for (let at = 1; at <= calls.calls.length; at += 1) {
      const name = await withRemoved();
      await expect(later(1, (folder) => breakingStore(scene.placeOf(folder), { at, after: true }).store).prune(name, pruning)).rejects.toThrow('killed');
      expect(there(name, packageAt('gone')) || there(name, `.obsolete/${packageAt('gone')}`)).toBe(true);
      await later(1).prune(name, pruning);
      expect([there(name, packageAt('gone')), there(name, `.obsolete/${packageAt('gone')}`)]).toEqual([false, true]);
      expect((await readAsClient(scene.folderOf(name))).keys).toEqual([keyOf('kept', '1')]);
    }
  });
});
