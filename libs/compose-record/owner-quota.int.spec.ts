import { describe, expect, it } from '@jest/globals';
import { openDatabase } from '../database/open-database.js';
import { query } from '../database/sql.js';
import { migrations } from '../database/migrations/index.js';
import { generatedTree } from './__fixtures__/composes.js';
import { composeUrl, recordedComposes } from './__fixtures__/recorded-composes.js';
import { createComposeCommands } from './create-compose-commands.js';
import { rebuildComposes } from './rebuild-composes.js';

const { fresh, commands, reads, database, read, later, url } = recordedComposes();

let owners = 0;
const someone = (): string => `owner-${(owners += 1)}`;
const outcomes = async (asked: readonly Promise<unknown>[]): Promise<Record<string, number>> => {
  const settled = await Promise.allSettled(asked);
  return Object.fromEntries([...Map.groupBy(settled, (one) => (one.status === 'fulfilled' ? 'taken' : String((one.reason as { code?: string }).code)))].map(([what, all]) => [what, all.length]));
};

/** A finished compose of this owner, of so many bytes. */
async function kept(owner: string, bytes: number, request = fresh()): Promise<number> {
  const { id } = (await commands().request(request, { owner })).compose;
  await commands().begin(id);
  await commands().pin(id, { request, sources: [], lookaside: [], kojiEvent: null });
  if ((await commands().claimTree(id)).kind === 'generate') await commands().complete(id, { ...generatedTree(id), bytes });
  expect(await read(id)).toMatchObject({ state: 'done' });
  return id;
}

describe('composes at once', () => {
  it('are never one too many, though fifty are asked for at the same time from two gateways', async () => {
    const owner = someone();
    const other = await openDatabase(url());
    try {
      const gateways = [commands(), createComposeCommands(other, { composeUrl, secondsToLive: 1, maximumSecondsToLive: 1 })];
      const asked = Array.from({ length: 50 }, (_, index) => gateways[index % 2]?.request(fresh(), { owner, quota: { composes: 7 } }) ?? Promise.reject(new Error('no gateway')));
      expect(await outcomes(asked)).toEqual({ taken: 7, 'quota-exceeded': 43 });
      expect(await reads().use(owner)).toEqual({ composes: 7, bytes: 0 });
    } finally {
      await other.close();
    }
  });

  it('are those of one owner alone', async () => {
    const [one, two] = [someone(), someone()];
    await commands().request(fresh(), { owner: one, quota: { composes: 1 } });
    await expect(commands().request(fresh(), { owner: two, quota: { composes: 1 } })).resolves.toMatchObject({ repeated: false });
  });

  it('count while they wait and while they are generated, and the refusal names what can be cancelled', async () => {
    const owner = someone();
    const quota = { composes: 2 };
    const [first, second] = [(await commands().request(fresh(), { owner, quota })).compose.id, (await commands().request(fresh(), { owner, quota })).compose.id];
    await commands().begin(first);
    await expect(commands().request(fresh(), { owner, quota })).rejects.toMatchObject({
      code: 'quota-exceeded',
      message: `${owner} has 2 composes that wait or are being generated, and may have 2 at once`,
      suggestion: `Wait until one has ended, or cancel one: ${first}, ${second}.`,
    });
    await commands().cancel(second, owner);
    await expect(commands().request(fresh(), { owner, quota })).resolves.toMatchObject({ repeated: false });
  });

  it('are not taken again by a request that is repeated with its key', async () => {
    const owner = someone();
    const requester = { owner, quota: { composes: 1 }, idempotencyKey: 'once' };
    const request = fresh();
    const { id } = (await commands().request(request, requester)).compose;
    const again = await Promise.all(Array.from({ length: 5 }, () => commands().request(request, requester)));
    expect(again.map(({ compose, repeated }) => [compose.id, repeated])).toEqual(Array.from({ length: 5 }, () => [id, true]));
    // A refused request leaves no key behind: it is new when it is sent again.
    const refused = { ...requester, idempotencyKey: 'twice' };
    const other = fresh();
    await expect(commands().request(other, refused)).rejects.toMatchObject({ code: 'quota-exceeded' });
    await commands().cancel(id, owner);
    await expect(commands().request(other, refused)).resolves.toMatchObject({ repeated: false });
  });

  it('are taken by renewals that make a compose anew, at the same time as by requests', async () => {
    const owner = someone();
    const old = await Promise.all([1, 2, 3, 4].map(async () => kept(owner, 1)));
    const quota = { composes: 3 };
    const asked = [...old.map((id) => commands().renew(id, { label: 'RC-1.1' }, { owner, quota })), ...old.map(() => commands().request(fresh(), { owner, quota }))];
    expect(await outcomes(asked)).toEqual({ taken: 3, 'quota-exceeded': 5 });
    // Living longer is no compose more.
    await expect(commands().renew(old[0] ?? 0, {}, { owner, quota })).resolves.toMatchObject({ id: old[0] });
  });
});

describe('bytes that are kept', () => {
  it('count each directory of files once for each owner, however many composes of theirs have it', async () => {
    const [ann, bob] = [someone(), someone()];
    const shared = fresh();
    await kept(ann, 1000, shared);
    await kept(ann, 1000, shared);
    await kept(bob, 1000, shared);
    await kept(ann, 24);
    expect([await reads().use(ann), await reads().use(bob)]).toEqual([{ composes: 0, bytes: 1024 }, { composes: 0, bytes: 1000 }]);
  });

  it('refuse another compose when they are as much as may be kept, and name the largest', async () => {
    const owner = someone();
    const quota = { bytes: 3 * 1024 ** 3 };
    const [small, large] = [await kept(owner, 1024 ** 3), await kept(owner, 2 * 1024 ** 3)];
    await expect(commands().request(fresh(), { owner, quota })).rejects.toMatchObject({
      code: 'quota-exceeded',
      message: `${owner} keeps 3.0 GiB in composes, and may keep 3.0 GiB`,
      suggestion: `Delete composes that are not needed any more; the largest: ${large} (2.0 GiB), ${small} (1.0 GiB).`,
    });
    // It may live longer: that takes nothing more. With less to be kept than there is, it may not.
    await expect(commands().renew(small, {}, { owner, quota })).resolves.toMatchObject({ id: small });
    await expect(commands().renew(small, {}, { owner, quota: { bytes: 1024 } })).rejects.toMatchObject({ code: 'quota-exceeded' });
    await commands().remove(small, owner);
    later(1);
    await commands().expire(small);
    expect(await reads().use(owner)).toEqual({ composes: 0, bytes: 2 * 1024 ** 3 });
    await expect(commands().request(fresh(), { owner, quota })).resolves.toMatchObject({ repeated: false });
  });

  it('go on to count for who still has the files, when the compose that made them is removed', async () => {
    const [ann, bob] = [someone(), someone()];
    const shared = fresh();
    const first = await kept(ann, 77, shared);
    await kept(bob, 77, shared);
    await commands().remove(first, ann);
    later(1);
    await commands().expire(first);
    expect([await reads().use(ann), await reads().use(bob)]).toEqual([{ composes: 0, bytes: 0 }, { composes: 0, bytes: 77 }]);
  });

  it('are the same when the projections are rebuilt, and when an older record is brought up to date', async () => {
    const owner = someone();
    await kept(owner, 4321);
    await rebuildComposes(database());
    expect(await reads().use(owner)).toEqual({ composes: 0, bytes: 4321 });
    await query(database(), 'update compose_trees set bytes = null');
    for (const statement of statementsOf('0004-add-compose-quotas').filter((each) => each.startsWith('update'))) await query(database(), statement);
    expect(await reads().use(owner)).toEqual({ composes: 0, bytes: 4321 });
  });
});

function statementsOf(name: string): readonly string[] {
  const migration = migrations.find((each) => each.name === name);
  const collected: string[] = [];
  const probe = Object.create(migration?.class.prototype ?? null) as { addSql: (statement: unknown) => void; up: () => void };
  probe.addSql = (statement) => void collected.push(String(statement));
  probe.up();
  return collected;
}
