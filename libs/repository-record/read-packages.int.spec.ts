import { describe, expect, it } from '@jest/globals';
import { query } from '../database/sql.js';
import { recordedRepositories } from './__fixtures__/recorded-repositories.js';
import { pageOfPackages } from './read-packages.js';

const { database, repository, publish, plan, publishing, reads } = recordedRepositories();
const many = 20_000;
const limit = 100;

interface PlanNode {
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** Of packages and listings. */
function rowsRead(node: PlanNode): number {
  const own = node['Relation Name']?.startsWith('repository_') === true ? (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'] : 0;
  return (node.Plans ?? []).reduce((sum, child) => sum + rowsRead(child), own);
}

async function rowsOfPage(name: string, state: number, after: string): Promise<number> {
  const [row] = await query<{ 'QUERY PLAN': readonly { Plan: PlanNode }[] }>(database(), `explain (analyze, format json) ${pageOfPackages}`, [name, state, after, limit]);
  return rowsRead(row?.['QUERY PLAN'][0]?.Plan ?? { 'Actual Rows': Infinity, 'Actual Loops': 1 });
}

describe('a page of packages', () => {
  it('costs what it has, wherever it begins in however large a list', async () => {
    const name = await repository();
    await publish(name, [{ name: 'first', version: '1' }]);
    await query(database(), `insert into repository_packages (repository, key, sha256, size, path, name, version, architecture, component, added_at, origin, published_by, object)
      select $1, 'p' || i, md5(i::text), 1, 'p' || i, 'p' || i, '1', 'noarch', '', now(), '{}', 'ann', 'placed' from generate_series(1, ${many}) i`, [name]);
    await query(database(), `insert into repository_listings (repository, key, from_state) select $1, 'p' || i, 1 from generate_series(1, ${many}) i`, [name]);
    await publishing(name, [{ name: 'second', version: '1' }]);
    const planned = await plan(name);
    // As PostgreSQL does by itself, some time after a table has grown.
    await query(database(), 'analyze');
    for (const state of [1, planned.state]) for (const after of ['', 'p5']) expect(await rowsOfPage(name, state, after)).toBeLessThanOrEqual(3 * limit);
    expect((await reads().packages(name, { state: planned.state, limit: 2, after: 'p9999' })).map(({ key }) => key)).toEqual(['second-1.rpm']);
  });
});
