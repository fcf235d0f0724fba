import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { killInTheMiddle } from '../compose-record/__fixtures__/kill-in-the-middle.js';
import { openDatabase, type Database } from '../database/open-database.js';
import { query } from '../database/sql.js';
import { parseRepositorySettings } from '../repository/repository-settings.js';
import { by, indexOf, keyOf, recordedRepositories } from './__fixtures__/recorded-repositories.js';
import type { RepositoryCommands } from './repository-record.js';

const record = recordedRepositories();
const { database, commands, repository, upload, uploaded, publishing, plan, publish } = record;
let victims: Database;
beforeAll(async () => {
  victims = await openDatabase(record.url(), { applicationName: 'victim' });
});
afterAll(() => victims.close());

const everything = ['streams', 'events', 'outbound_messages', 'repositories', 'repository_states', 'repository_listings', 'repository_packages', 'package_metadata', 'repository_uploads', 'repository_changes', 'repository_change_sources', 'repository_plans', 'repository_planned_packages'];
const contents = (): Promise<unknown[]> => Promise.all(everything.map((table) => query(database(), `select t.* from ${table} t order by t::text`)));

const a = { name: 'a', version: '1' };
const problem = { code: 'signing-unavailable', message: 'no', details: [] };

interface Prepared {
  readonly name: string;
  readonly id: string;
}

async function prepared(id?: (name: string) => Promise<string>): Promise<Prepared> {
  const name = await repository();
  return { name, id: (await id?.(name)) ?? randomUUID() };
}

/** Where each is stopped: it waits to write this table, others being written. */
const cases: [string, string, () => Promise<Prepared>, (on: RepositoryCommands, prepared: Prepared) => Promise<unknown>][] = [
  ['create', 'repositories', async () => ({ name: `new-${randomUUID()}`, id: '' }), (on, { name }) => on.create({ name, kind: 'rpm', place: { store: 'default', folder: name }, settings: parseRepositorySettings('rpm', {}) }, by)],
  ['configure', 'repositories', () => prepared(), (on, { name }) => on.configure(name, parseRepositorySettings('rpm', { keepVersions: 7 }), by)],
  ['describeUpload', 'repository_uploads', () => prepared(async (name) => (await uploaded(name, a)).id), (on, { id }) => on.describeUpload(id, { key: 'k', name: 'n', version: 'v', architecture: 'any', path: 'p', component: '', metadata: Buffer.from('m') })],
  ['requestChange', 'repository_change_sources', () => prepared((name) => upload(name, a)), (on, { name, id }) => on.requestChange({ id, repository: name, request: { kind: 'publish', uploads: [id], contents: [], origin: {} }, by, force: false })],
  ['plan', 'repository_planned_packages', () => prepared(async (name) => (await publishing(name, [a])).id), (on, { name }) => on.plan(name, { changes: 9 })],
  ['plan, of what fails', 'outbound_messages', () => prepared(async (name) => (await publish(name, [a]), (await publishing(name, [{ ...a, build: 'x' }])).id)), (on, { name }) => on.plan(name, { changes: 9 })],
  ['published, where packages are listed', 'repository_listings', () => planned(), (on, { name }) => on.published(firstOf(name), indexOf(1))],
  ['published, where the state is', 'repository_states', () => planned(), (on, { name }) => on.published(firstOf(name), indexOf(1))],
  ['published, where changes end', 'repository_changes', () => planned(), (on, { name }) => on.published(firstOf(name), indexOf(1))],
  ['abandoned', 'repository_planned_packages', () => planned(), (on, { name }) => on.abandoned(firstOf(name), problem)],
  ['upkeepFailed', 'outbound_messages', () => prepared(), (on, { name }) => on.upkeepFailed(name, { task: 'check', problem, failedAt: '2020-01-02T03:04:05.678Z' })],
  ['refuse', 'repositories', () => prepared(async (name) => (await publishing(name, [a])).id), (on, { id }) => on.refuse(id, problem)],
  ['remove', 'repository_packages', () => prepared(async (name) => (await publish(name, [a]), '')), (on, { name }) => on.remove(name, { by, force: true })],
];

const planned = (): Promise<Prepared> => prepared(async (name) => (await publishing(name, [a]), (await plan(name)).changes[0] ?? ''));
/** What is recorded of a planned state is what was planned, whatever whoever has made it says. */
const firstOf = (repository: string) => ({ repository, state: 1, before: 0, changes: [], added: [], removed: [], at: '', settings: parseRepositorySettings('rpm', {}) });

describe('a connection that is killed in the middle', () => {
  it.each(cases)('of %s (at %s) leaves nothing, and the command can be repeated', async (name, table, prepare, run) => {
    const scene = await prepare();
    const before = await contents();
    await killInTheMiddle({ victims, database: database(), table }, (on) => run(commands(on), scene));
    expect(await contents()).toEqual(before);
    const first = await run(commands(), scene);
    const after = await contents();
    expect(after).not.toEqual(before);
    if (name === 'remove') return void (await expect(run(commands(), scene)).rejects.toMatchObject({ code: 'repository-not-found' }));
    expect(await run(commands(), scene)).toEqual(first);
    expect(await contents()).toEqual(after);
  });
});

describe('a database that is away', () => {
  it('is reported as that by every command and every read', async () => {
    const away = await openDatabase('postgresql://nobody@127.0.0.1:1/none');
    const unavailable = { code: 'database-unavailable' };
    try {
      for (const [, , , run] of cases) await expect(run(commands(away), { name: 'x', id: randomUUID() })).rejects.toMatchObject(unavailable);
      const reads = record.reads(away);
      const asked = [reads.get('x'), reads.list({ limit: 1 }), reads.change(randomUUID()), reads.waiting('x', 1), reads.changes('x', { limit: 1 }), reads.upload(randomUUID()), reads.planned('x'), reads.states('x', { limit: 1 }), reads.state('x', 1), reads.packages('x', { limit: 1 }), reads.allPackages('x', 1)[Symbol.asyncIterator]().next(), reads.package('x', 'k'), reads.metadata('rpm', ['d']), reads.diff('x', 1, 2), reads.origins('0'.repeat(64)), reads.prunable('x', '2020-01-01'), reads.expired('x', '2020-01-01'), reads.unsettled(1)];
      for (const answer of asked) await expect(answer).rejects.toMatchObject(unavailable);
    } finally {
      await away.close();
    }
  });
});

describe('publishers that are many', () => {
  it('of the same and of different packages all come to an end, and nothing is published twice', async () => {
    const name = await repository();
    const builds = Array.from({ length: 24 }, (_none, index) => ({ name: `p${index % 8}`, version: '1', build: index % 3 === 0 ? 'x' : '' }));
    let publishers = 4;
    const worker = async (): Promise<void> => {
      for (;;) {
        const state = await commands().plan(name, { changes: 3 });
        if (state !== undefined) await commands().published(state, indexOf(state.state));
        else if (publishers === 0) return;
      }
    };
    const publisher = async (number: number): Promise<string[]> => {
      const ids: string[] = [];
      for (const one of builds.filter((_none, index) => index % 4 === number)) ids.push((await publishing(name, [one])).id);
      publishers -= 1;
      return ids;
    };
    const [ids] = await Promise.all([Promise.all([0, 1, 2, 3].map(publisher)), worker(), worker()]);
    const changes = await Promise.all(ids.flat().map((id) => record.reads().change(id)));
    const published = changes.flatMap(({ outcome }) => outcome?.added ?? []);
    expect([...published].sort()).toEqual([...new Set(builds.map(keyOf))].sort());
    expect(changes.every(({ phase, problem: why }) => phase === 'done' || why?.code === 'package-conflict')).toBe(true);
    expect(await record.keys(name)).toEqual([...published].sort());
  });
});
