import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { query } from '../database/sql.js';
import { verifyStream } from '../event-store/verify-stream.js';
import { rebuildRepositories } from '../repository-record/rebuild-repositories.js';
import { repositoryStreamId } from '../repository/repository.js';
import { breakingStore } from './__fixtures__/breaking-store.js';
import { by, engineScene, options } from './__fixtures__/engine-scene.js';
import { readAsClient, type SeenRepository } from './__fixtures__/line-format.js';
import type { ChangeRequest } from '../repository/repository-change.js';
import type { ObjectStore } from '../object-storage/object-store.js';
import type { RepositoryEngine } from './repository-engine.js';

const scene = engineScene();
/** Milliseconds. */
const storm = 5000;
/** What a step may fail with that another process is in the way of; anything else is a mistake. */
const mayHappen: ReadonlySet<string> = new Set(['killed', 'storage-conflict', 'record-conflict', 'state-not-found', 'package-not-found', 'database-unavailable']);

const chance = (of: number): boolean => Math.random() < of;
const anyOf = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T;
const upTo = (milliseconds: number): Promise<void> => pause(Math.random() * milliseconds);
const projections = ['repositories', 'repository_states', 'repository_listings', 'repository_packages'];
const contents = (): Promise<object[][]> => Promise.all(projections.map((table) => query<object>(scene.spec.database, `select t.* from ${table} t order by t::text`)));

/** Of a process that is slow now and then, and that may be killed at any call, before it or after. */
function mortalStore(name: string): ObjectStore {
  const at = chance(0.3) ? { at: 1 + Math.floor(Math.random() * 40) } : {};
  return breakingStore(scene.placeOf(name), { ...at, after: chance(0.5), before: () => (chance(0.2) ? upTo(20) : undefined) }).store;
}

const mortal = (name: string, daysAhead = 0): RepositoryEngine => scene.engine(() => mortalStore(name), { now: () => Date.now() + daysAhead * 86_400_000 });

async function ask(name: string, request: ChangeRequest): Promise<void> {
  await scene.request(name, request, { force: true });
  await upTo(400);
}

const actors: Readonly<Record<string, (name: string) => Promise<void>>> = {
  async publishes(name) {
    const uploads = [await scene.upload(name, { name: anyOf(['a', 'b', 'c', 'd']), version: anyOf(['1', '2', '3']) }), await scene.upload(name, { name: 'e', version: anyOf(['1', '2']) })];
    await ask(name, { kind: 'publish', uploads, contents: [], origin: {} });
  },
  async removes(name) {
    const listed = await scene.reads().packages(name, { limit: 100 });
    if (listed.length > 0) await ask(name, { kind: 'remove', keys: [anyOf(listed).key] });
  },
  async 'goes back'(name) {
    const states = await scene.reads().states(name, { limit: 20 });
    await (states.length === 0 ? upTo(100) : ask(name, { kind: 'roll-back', to: anyOf(states).state }));
  },
  async prunes(name) {
    await mortal(name, anyOf([0, 2, 30])).prune(name, { ...options, by, dryRun: false, force: true });
    await upTo(400);
  },
  'makes states': (name) => makeState(name),
  'makes states, too': (name) => makeState(name),
  async 'cuts off who holds a lock'() {
    await pause(2000);
    await scene.cutLocks();
  },
};

async function inspectWaiting(name: string, engine: RepositoryEngine): Promise<void> {
  for (const change of await scene.reads().waiting(name, 100)) {
    await engine.inspect(change, options).catch(async (error: { readonly code?: string; readonly message: string }) => {
      // The clock of a prune is days ahead here: uploads that were on their way into the record seem to be left over from long ago.
      if (error.code !== 'package-invalid' || !error.message.includes('is not in the store any more')) throw error;
      await scene.commands().refuse(change.id, { code: 'package-invalid', message: 'its upload is gone', details: [] });
    });
  }
}

async function makeState(name: string): Promise<void> {
  const engine = mortal(name);
  await inspectWaiting(name, engine);
  const planned = await scene.commands().plan(name, { changes: 20 });
  if (planned === undefined) return upTo(30);
  await engine.place(planned, options);
  if (chance(0.1)) {
    await scene.commands().abandoned(planned, { code: 'storage-full', message: 'no', details: [] });
    return engine.withdraw(planned, options);
  }
  await engine.switchIndex(planned, await engine.prepareIndex(planned, options), options);
  if (chance(0.3)) await upTo(200);
  const index = await engine.preparedIndex(planned, options);
  if (index !== undefined) await scene.commands().published(planned, index);
  await engine.tidy(name, options);
}

/** Until the end of the storm; answers what was no accident. */
async function act(name: string, work: (name: string) => Promise<void>, end: number): Promise<readonly string[]> {
  const mistakes: string[] = [];
  while (performance.now() < end) {
    await work(name).catch((error: { readonly code?: string; readonly message: string }) => {
      if (!mayHappen.has(error.code ?? error.message)) mistakes.push(`${error.code}: ${error.message}`);
    });
  }
  return mistakes;
}

/** Grace times are nothing here, so that a reader may be overtaken: what is wrong is wrong as often as it is looked at. */
async function look(name: string): Promise<SeenRepository | string> {
  let wrong = '';
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const seen = await readAsClient(scene.folderOf(name)).catch((error: Error) => error.message);
    if (typeof seen !== 'string' || (attempt > 0 && seen !== wrong)) return typeof seen === 'string' ? { state: 0, keys: [] } : seen;
    wrong = seen;
  }
  return wrong;
}

async function watch(name: string, end: number): Promise<readonly string[]> {
  const problems: string[] = [];
  let newest = 0;
  while (performance.now() < end) {
    const seen = await look(name);
    if (typeof seen === 'string') problems.push(seen);
    else if (seen.state !== 0 && seen.state < newest) problems.push(`state ${seen.state} after ${newest}`);
    else newest = Math.max(newest, seen.state);
    await pause(3);
  }
  return problems;
}

describe('a repository that is published to, pruned, taken back and cut off all at once', () => {
  it('is whole at every instant, settles every change, and is by its events what it is', async () => {
    const name = await scene.repository({ graceSeconds: 0, obsoleteSeconds: 0, keepVersions: 2 });
    const end = performance.now() + storm;
    const mistakes = await Promise.all([watch(name, end), ...Object.values(actors).map((work) => act(name, work, end))]);
    expect(mistakes.flat()).toEqual([]);

    await inspectWaiting(name, scene.engine());
    while ((await scene.carryOut(name)) !== undefined);
    const { state, packages } = await scene.reads().get(name);
    const keys = (await scene.reads().packages(name, { limit: 100 })).map(({ key }) => key);
    expect(await readAsClient(scene.folderOf(name))).toEqual({ state, keys });
    expect([state > 0, packages]).toEqual([true, keys.length]);
    expect(await query(scene.spec.database, 'select id from repository_changes where ended_at is null')).toEqual([]);
    const before = await contents();
    await rebuildRepositories(scene.spec.database);
    expect(await contents()).toEqual(before);
    expect(await verifyStream(scene.spec.database, repositoryStreamId(name))).toMatchObject({ intact: true });
  }, 60_000);
});
