import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openDatabase, type Database } from '../database/open-database.js';
import { query } from '../database/sql.js';
import type { Compose } from '../compose/compose.js';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.js';
import { insertManyComposes } from './__fixtures__/many-composes.js';
import type { ComposeFilter, ComposeOrder, ComposeQuery } from './compose-commands.js';
import { createComposeReads, type ClosableComposeReads } from './create-compose-reads.js';
import { listComposes } from './read-composes.js';

const count = 100_000;
let server: TestDatabase;
let database: Database;
let reads: ClosableComposeReads;

beforeAll(async () => {
  server = await createTestDatabase();
  database = await openDatabase(server.url);
  reads = createComposeReads(database);
  await insertManyComposes(database, count);
}, 120_000);
afterAll(async () => {
  await reads.close();
  await database.close();
  await server.drop();
});

const list = (changes: Partial<ComposeQuery> = {}) => reads.list({ filters: {}, orderBy: 'id', descending: true, offset: 0, limit: 10, ...changes });
const ids = (composes: readonly Compose[]): number[] => composes.map(({ id }) => id);

describe('a hundred thousand composes', () => {
  it('are listed newest first, with their number', async () => {
    const { composes, total } = await list();
    expect(total).toBe(count);
    expect(ids(composes)).toEqual(Array.from({ length: 10 }, (_, i) => count - i));
    expect(composes[0]).toMatchObject({ state: 'wait', queuePosition: 100, kojiEvent: 0, version: 6 });
    expect(ids((await list({ offset: count - 3 })).composes)).toEqual([3, 2, 1]);
    expect(await list({ offset: count + 1 })).toEqual({ composes: [], total: count });
    expect(await list({ limit: 0 })).toEqual({ composes: [], total: count });
  });

  it.each<[ComposeFilter, string | number, string]>([
    ['owner', 'user-7', `owner = 'user-7'`],
    ['source_type', 7, 'source_type = 7'],
    ['source_type', 'pungi_compose', 'source_type = 7'],
    ['source_type', '7', 'source_type = 7'],
    ['source', 'https://packages.test/12', `source = 'https://packages.test/12'`],
    ['state', 'failed', 'state = 4'],
    ['state', 4, 'state = 4'],
    ['state', '1', 'state = 1'],
    ['pungi_compose_id', 'odcs-500-1-20260102.t.0', 'id = 500'],
    ['compose_type', 'nightly', `compose_type = 'nightly'`],
    ['label', 'RC-100', `label = 'RC-100'`],
    ['state', 'unknown', 'false'],
    ['state', '', 'false'],
    ['source_type', 99, 'false'],
    ['koji_task_id', 12, 'false'],
    ['owner', 'no\0body', 'false'],
  ])('are filtered by %s %s', async (filter, value, condition) => {
    const [row] = await query<{ total: string; newest: string[] }>(database, `select count(*) as total, (array_agg(id order by id desc))[1:10] as newest from composes where ${condition}`);
    const { composes, total } = await list({ filters: { [filter]: value } });
    expect({ ids: ids(composes), total }).toEqual({ ids: (row?.newest ?? []).map(Number), total: Number(row?.total) });
  });

  it('are filtered by several at once', async () => {
    const { composes, total } = await list({ filters: { owner: 'user-10', state: 'wait', source_type: 'pungi_compose' } });
    expect({ ids: ids(composes), total }).toEqual({ ids: [99_960, 99_910], total: 2 });
  });

  const columns: [ComposeOrder, string][] = [['id', 'id'], ['owner', 'owner'], ['source_type', 'source_type'], ['koji_event', 'koji_event'], ['state', 'state'], ['time_to_expire', 'expires_at'], ['time_submitted', 'submitted_at'], ['time_done', 'done_at'], ['time_removed', 'removed_at']];

  it.each(columns)('are ordered by %s, nulls being the smallest, and found by an index', async (orderBy, column) => {
    for (const descending of [false, true]) {
      const direction = descending ? 'desc' : 'asc';
      const expected = await query<{ id: string }>(database, `select id from composes order by ${column} is null ${descending ? 'asc' : 'desc'}, ${column} ${direction}, id ${direction} limit 5 offset 40`);
      const asked: ComposeQuery = { filters: {}, orderBy, descending, offset: 40, limit: 5 };
      expect(ids((await list(asked)).composes)).toEqual(expected.map((row) => Number(row.id)));
      expect(await plan(asked)).toMatch(/Index Only Scan (Backward )?using composes_/);
    }
  });

  it.each<[ComposeFilter, string | number, RegExp]>([
    ['owner', 'user-7', /using composes_owner/],
    ['source', 'https://packages.test/12', /on composes_source/],
    ['state', 'wait', /using composes_state/],
    ['state', 'generating', /using composes_state/],
    ['label', 'RC-100', /using composes_label/],
    ['pungi_compose_id', 'odcs-500-1-20260102.t.0', /using composes_pungi_compose_id/],
  ])('are found by an index for the filter %s %s', async (filter, value, index) => {
    const found = await plan({ filters: { [filter]: value }, orderBy: 'id', descending: true, offset: 0, limit: 10 });
    expect(found).toMatch(index);
    expect(found).not.toContain('Seq Scan on composes');
  });

  it('are counted for metrics', async () => {
    const totals = await reads.totals();
    expect(totals.reduce((sum, total) => sum + total.count, 0)).toBe(count);
    expect(totals).toContainEqual({ sourceType: 'pungi_compose', state: 'wait', count: 10 });
  });

  it('know their place in the queue', async () => {
    expect(await reads.get(count - 99)).toMatchObject({ queuePosition: 1 });
    expect(await reads.get(count - 100)).toMatchObject({ state: 'generating', queuePosition: null });
    const { composes } = await list({ filters: { state: 'wait' }, descending: false, offset: 50, limit: 3 });
    expect(composes.map(({ queuePosition }) => queuePosition)).toEqual([51, 52, 53]);
  });

  it('are not there under numbers that are none', async () => {
    for (const id of [0, -1, 1.5, Number.NaN, 2 ** 60]) expect(await reads.get(id)).toBeUndefined();
  });
});

/** Of the very statement that the list runs. */
async function plan(asked: ComposeQuery): Promise<string> {
  let explained = '';
  await listComposes(async <Row>(text: string, parameters?: readonly unknown[]) => {
    const rows = await query<Record<string, string>>(database, `explain ${text}`, parameters);
    explained = rows.flatMap((row) => Object.values(row)).join('\n');
    return [] as Row[];
  }, asked);
  return explained;
}
