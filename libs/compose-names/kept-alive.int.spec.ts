import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { openDatabase, type Database } from '../database/open-database.js';
import { query } from '../database/sql.js';
import { composeStreamId, treeOf } from '../compose/compose.js';
import type { ComposeEvent } from '../compose/compose-events.js';
import { killInTheMiddle } from '../compose-record/__fixtures__/kill-in-the-middle.js';
import { recordedComposes } from '../compose-record/__fixtures__/recorded-composes.js';
import { rebuildComposes } from '../compose-record/rebuild-composes.js';
import { readStream } from '../event-store/read-stream.js';
import { isMillraceError } from '../errors/millrace-error.js';
import { createComposeNames } from './create-compose-names.js';
import { rebuildComposeNames } from './rebuild-compose-names.js';
import type { ComposeNames } from './compose-names.js';

const { database, commands, done, fresh, pinned, read, later, at } = recordedComposes();
const grace = 1000;
const names = (on: Database = database()): ComposeNames => createComposeNames(on, { composeUrl: 'https://composes.test', graceSeconds: grace, now: () => new Date(at()) });
const by = { by: 'ann' };

const steps = ['promote', 'promote', 'promote', 'force', 'roll back', 'remove name', 'expire', 'expire', 'delete', 'release', 'later', 'compose'] as const;
const step = fc.record({ type: fc.constantFrom(...steps), which: fc.nat({ max: 5 }), name: fc.constantFrom('a', 'b') });
type Step = { readonly type: (typeof steps)[number]; readonly which: number; readonly name: string };

const expected: ReadonlySet<string> = new Set(['compose-closed', 'compose-not-found', 'compose-name-not-found', 'resources-in-use']);

async function allowed(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isMillraceError(error) || !expected.has(error.code)) throw error;
  }
}

let worlds = 0;
const happened = { renewed: 0, removed: 0, moved: 0, refused: 0 };

function createWorld() {
  const prefix = `world-${(worlds += 1)}-`;
  const request = fresh({ secondsToLive: 500 });
  const composes: number[] = [];
  let made = 0;
  const deleted = new Set<number>();

  /** Every other one has the files of the one before. */
  async function compose(): Promise<void> {
    made += 1;
    if (made % 2 === 1) return void composes.push(await done(fresh({ ...request, source: [`${request.source[0]}/${made}`] })));
    const reuser = await pinned((await read(composes.at(-1) ?? 0)).request);
    const claim = await commands().claimTree(reuser);
    if (claim.kind === 'reuse') composes.push(reuser);
    else await commands().cancel(reuser, 'ann');
  }

  async function run({ type, which, name }: Step): Promise<void> {
    const id = composes[which % composes.length] ?? 0;
    const wanted = `${prefix}${name}`;
    if (type === 'later') later(400);
    else if (type === 'compose') await compose();
    else if (type === 'release') for (const tree of await commands().releasableTrees(100)) deleted.add(tree.id);
    else if (type === 'promote') await allowed(names().promote(wanted, id, by));
    else if (type === 'force') await allowed(names().promote(wanted, id, { ...by, force: true }));
    else if (type === 'roll back') await allowed(names().rollBack(wanted, by));
    else if (type === 'remove name') await allowed(names().remove(wanted, 'ann'));
    else if (type === 'expire') await allowed(commands().expire(id));
    else await allowed(commands().remove(id, 'ann'));
  }

  return { composes, deleted, compose, run, named: async () => (await names().list({ limit: 100, after: prefix })).filter(({ name }) => name.startsWith(prefix)) };
}

/** What its clients were told holds: it goes when its time is over, never under a name, and not before the grace time of the last. */
async function checkLife(id: number): Promise<void> {
  let held = 0;
  let notBefore = 0;
  let expiresAt = 0;
  for await (const stored of readStream(database(), composeStreamId(id))) {
    const { type, data } = { type: stored.type, data: JSON.parse(stored.data) as unknown } as ComposeEvent;
    if (type === 'ComposeDone' || type === 'ComposeReused') expiresAt = Date.parse(data.expiresAt);
    if (type === 'ComposeNamed') held += 1;
    if (type === 'ComposeUnnamed') {
      held -= 1;
      happened.moved += 1;
      notBefore = Date.parse(data.unnamedAt) + grace * 1000;
    }
    if (type === 'ComposeRenewed') {
      happened.renewed += 1;
      expect(Date.parse(data.expiresAt)).toBeGreaterThan(expiresAt);
      expiresAt = Date.parse(data.expiresAt);
    }
    if (type === 'RemovalRequested') {
      expect(held).toBe(0);
      happened.refused += 1;
      notBefore = expiresAt = Date.parse(data.requestedAt);
    }
    if (type === 'ComposeRemoved') {
      expect(held).toBe(0);
      happened.removed += 1;
      expect(Date.parse(data.removedAt)).toBeGreaterThanOrEqual(Math.max(notBefore, expiresAt));
    }
  }
}

const projections = (): Promise<unknown> => Promise.all([query(database(), 'select * from compose_names order by name'), query(database(), 'select * from composes order by id')]);

describe('what a name points at', () => {
  it('is there, whatever happens, several things at once included', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 12, maxLength: 20, size: 'max' }), async (batches) => {
        const world = createWorld();
        for (let count = 0; count < 4; count += 1) await world.compose();
        for (const batch of batches) {
          await Promise.all(batch.map((one) => world.run(one)));
          for (const { composeId } of await world.named()) {
            const compose = await read(composeId);
            expect(compose).toMatchObject({ state: 'done', removedBy: null });
            expect(world.deleted).not.toContain(treeOf(compose));
          }
        }
        for (const { name } of await world.named()) await names().remove(name, 'ann');
        later(200_000);
        for (const id of world.composes) await allowed(commands().expire(id));
        for (const id of world.composes) expect(await read(id)).toMatchObject({ state: 'removed' });
        for (const id of world.composes) await checkLife(id);
        await world.run({ type: 'release', which: 0, name: 'a' });
        for (const id of world.composes) expect(world.deleted).toContain(treeOf(await read(id)));
        const before = await projections();
        await rebuildComposes(database());
        await rebuildComposeNames(database());
        expect(await projections()).toEqual(before);
      }),
      { numRuns: 6, endOnFailure: true },
    );
    // Else the steps never led to what this is about.
    for (const count of Object.values(happened)) expect(count).toBeGreaterThan(0);
  }, 60_000);

  it('is the newest of all that were promoted at once, and was never an older one after a newer', async () => {
    const ids: number[] = [];
    for (let count = 0; count < 12; count += 1) ids.push(await done());
    await Promise.all(ids.toSorted((one, other) => (one % 5) - (other % 5)).map((id) => names().promote('race', id, by)));
    const history = (await names().history('race', 100)).map(({ composeId }) => composeId);
    expect(history[0]).toBe(ids.at(-1));
    expect(history).toEqual(history.toSorted((one, other) => other - one));
  });

  it('is promoted, or has expired, never both, when both are asked for at once', async () => {
    for (let round = 0; round < 12; round += 1) {
      const id = await done();
      later(3600);
      const promote = (): Promise<string> => names().promote(`round-${round}`, id, by).then(() => 'promoted', (error: unknown) => String((error as { code?: unknown }).code));
      const expire = async (): Promise<boolean> => (await commands().expire(id)).removed;
      const [promoted, removed] = round % 2 === 0 ? await Promise.all([promote(), expire()]) : (await Promise.all([expire(), promote()])).toReversed() as [string, boolean];
      expect([promoted, removed, (await read(id)).state]).toEqual(removed ? ['compose-closed', true, 'removed'] : ['promoted', false, 'done']);
    }
  });
});

describe('a connection that is killed in the middle', () => {
  let victims: Database;
  beforeAll(async () => {
    victims = await openDatabase(database().url, { applicationName: 'victim' });
  });
  afterAll(() => victims.close());

  const everything = ['streams', 'events', 'composes', 'compose_names', 'compose_name_places', 'compose_outbox', 'outbound_messages'];
  const contents = (): Promise<unknown> => Promise.all(everything.map((table) => query(database(), `select t.* from ${table} t order by t::text`)));

  it.each<[string, boolean, (on: ComposeNames, name: string, id: number) => Promise<unknown>]>([
    ['the first promotion', false, (on, name, id) => on.promote(name, id, by)],
    ['another promotion', true, (on, name, id) => on.promote(name, id, by)],
    ['a rollback', true, (on, name) => on.rollBack(name, by)],
    ['a removal', true, (on, name) => on.remove(name, 'ann')],
  ])('of %s leaves nothing, and the command can be repeated', async (what, exists, run) => {
    const name = what.replaceAll(' ', '-');
    const [first, second, third] = [await done(), await done(), await done()];
    if (exists) for (const id of [first, second]) await names().promote(name, id, by);
    const before = await contents();
    await killInTheMiddle({ victims, database: database(), table: 'compose_names' }, (on) => run(names(on), name, third));
    expect(await contents()).toEqual(before);
    await run(names(), name, third);
    expect(await contents()).not.toEqual(before);
  });

  it('is reported by every command and read when the database is away', async () => {
    const away = await openDatabase('postgresql://nobody@127.0.0.1:1/none');
    try {
      const on = names(away);
      const asked: readonly (() => Promise<unknown>)[] = [() => on.promote('a', 1, by), () => on.rollBack('a', by), () => on.remove('a', 'ann'), () => on.get('a'), () => on.list({ limit: 1 }), () => on.history('a', 1)];
      for (const ask of asked) await expect(ask()).rejects.toMatchObject({ code: 'database-unavailable' });
    } finally {
      await away.close();
    }
  });
});
