import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { openDatabase, type Database } from '../database/open-database.js';
import { query } from '../database/sql.js';
import { treeOf, type Compose } from '../compose/compose.js';
import { isMillraceError } from '../errors/millrace-error.js';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.js';
import { composeRequest, generatedTree, pinnedInputs } from './__fixtures__/composes.js';
import { createComposeCommands } from './create-compose-commands.js';
import { createComposeReads, type ClosableComposeReads } from './create-compose-reads.js';
import { rebuildComposes } from './rebuild-composes.js';

let server: TestDatabase;
let database: Database;
let reads: ClosableComposeReads;
let clock = Date.parse('2020-01-02T03:04:05.678Z');

beforeAll(async () => {
  server = await createTestDatabase();
  database = await openDatabase(server.url);
  reads = createComposeReads(database);
});
afterAll(async () => {
  await reads.close();
  await database.close();
  await server.drop();
});

const createCommands = () => createComposeCommands(database, { composeUrl: 'https://composes.test', secondsToLive: 100, maximumSecondsToLive: 1000, now: () => new Date(clock) });

const steps = ['request', 'begin', 'pin', 'claim', 'claim', 'complete', 'fail', 'fail for good', 'cancel', 'unpin', 'remove', 'expire', 'renew', 'renew with label', 'release', 'forget', 'later'] as const;
/** What the workflow would do next with a compose: without many of these nothing is ever done. */
const advance = fc.record({ type: fc.constant('advance' as const), which: fc.nat({ max: 5 }), content: fc.constant('a') });
const step = fc.oneof({ weight: 1, arbitrary: advance }, { weight: 1, arbitrary: fc.record({ type: fc.constantFrom(...steps), which: fc.nat({ max: 5 }), content: fc.constantFrom('a', 'a', 'b') }) });
type Step = { readonly type: (typeof steps)[number] | 'advance'; readonly which: number; readonly content: string };

let worlds = 0;
let reused = 0;

/** What an engine does on the disk, by the commands' answers alone. */
function createWorld() {
  const commands = createCommands();
  const source = [`https://packages.test/world/${(worlds += 1)}`];
  const composes: number[] = [];
  /** Trees that an engine was told to write, and those that a cleanup was told to delete. */
  const written = new Set<number>();
  const ready = new Set<number>();
  const deleted = new Set<number>();

  async function claim(id: number): Promise<void> {
    const deletedBefore = new Set(deleted);
    const { kind, tree } = await commands.claimTree(id);
    if (kind === 'generate') {
      expect(tree.id).toBe(id);
      written.add(id);
    }
    expect(deletedBefore).not.toContain(tree.id);
    if (kind !== 'reuse') return;
    expect(ready).toContain(tree.id);
    reused += tree.id === id ? 0 : 1;
  }

  async function release(): Promise<void> {
    for (const { id } of await commands.releasableTrees(100)) if (composes.includes(id)) deleted.add(id);
  }

  async function forget(): Promise<void> {
    for (const id of deleted) await commands.forgetTree({ id, targetDir: 'default' });
  }

  async function next(id: number): Promise<Step['type']> {
    const compose = await reads.get(id);
    if (compose?.state === 'wait') return 'begin';
    if (compose?.state !== 'generating') return 'expire';
    const [row] = await query<{ inputs: string | null }>(database, 'select inputs from composes where id = $1', [id]);
    return (row?.inputs ?? null) === null ? 'pin' : compose.stateReason === 'Compose is generating' ? 'complete' : 'claim';
  }

  async function on(id: number, { type, content }: Step): Promise<unknown> {
    switch (type) {
      case 'begin':
        return commands.begin(id);
      case 'pin':
        return commands.pin(id, pinnedInputs((await reads.get(id))?.request ?? composeRequest(), content));
      case 'claim':
        return claim(id);
      case 'complete':
        await commands.complete(id, generatedTree(id, content));
        return ready.add(id);
      case 'advance':
        return on(id, { type: await next(id), which: 0, content });
      case 'fail':
      case 'fail for good':
        return commands.fail(id, 'no', { final: type === 'fail for good' });
      case 'cancel':
        return commands.cancel(id, 'ann');
      case 'unpin':
        return commands.unpin(id, 'changed');
      case 'remove':
        return commands.remove(id, 'ann');
      case 'expire':
        return commands.expire(id);
      case 'renew':
      case 'renew with label':
        return composes.push((await commands.renew(id, type === 'renew' ? {} : { label: `RC-${content}` }, { owner: 'bob' })).id);
      default:
        return undefined;
    }
  }

  async function run(one: Step): Promise<void> {
    if (one.type === 'later') clock += 60_000;
    else if (one.type === 'release') await release();
    else if (one.type === 'forget') await forget();
    else if (one.type === 'request') composes.push((await commands.request(composeRequest({ source, secondsToLive: 100 }), { owner: 'ann' })).compose.id);
    else if (composes.length > 0) await allowed(on(composes[one.which % composes.length] ?? 0, one));
  }

  async function all(): Promise<readonly Compose[]> {
    return (await reads.list({ filters: { source: source.join(' ') }, orderBy: 'id', descending: false, offset: 0, limit: 1000 })).composes;
  }

  return { commands, run, all, release, forget, written, deleted };
}

async function allowed(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isMillraceError(error) || (error.code !== 'compose-closed' && error.code !== 'compose-not-found')) throw error;
  }
}

/** Its files, or the logs that tell why it has none. */
function promised(compose: Compose, written: ReadonlySet<number>): number | undefined {
  if (compose.state === 'wait' || compose.state === 'removed') return undefined;
  const tree = treeOf(compose);
  return written.has(tree) ? tree : undefined;
}

async function projections(): Promise<unknown> {
  return Promise.all(['composes', 'compose_trees'].map((table) => query(database, `select * from ${table} order by id`)));
}

describe('files', () => {
  it('live exactly as long as a compose promises them, whatever happens, several things at once included', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { minLength: 15, maxLength: 25, size: 'max' }), async (batches) => {
        const world = createWorld();
        for (const batch of [[{ type: 'request', which: 0, content: 'a' }, { type: 'request', which: 0, content: 'a' }] as Step[], ...batches]) {
          await Promise.all(batch.map((one) => world.run(one)));
          for (const compose of await world.all()) expect(world.deleted).not.toContain(promised(compose, world.written));
        }
        // When nothing promises anything, nothing stays.
        for (const { id } of await world.all()) {
          await allowed(world.commands.cancel(id, 'ann'));
          await allowed(world.commands.remove(id, 'ann'));
          await allowed(world.commands.expire(id));
        }
        await world.release();
        expect(world.deleted).toEqual(world.written);
        const before = await projections();
        await rebuildComposes(database);
        expect(await projections()).toEqual(before);
        await world.forget();
        expect(await query(database, 'select * from compose_trees where id = any($1::bigint[])', [[...world.written]])).toEqual([]);
      }),
      { numRuns: 10 },
    );
    // Else the steps never led to what this is about.
    expect(reused).toBeGreaterThan(0);
  }, 60_000);
});
