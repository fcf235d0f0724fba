import type { Sql } from '../database/sql.js';
import type { ListedPackage } from '../repository/listed-package.js';
import { liesOver } from './list-difference.js';
import { packageNotFound, repositoryNotFound, stateNotFound } from './record-problems.js';
import type { KnownPackage, RepositoryReads } from './repository-record.js';
import { packageColumns, toOrigin, toPackage, type SelectedPackage } from './repository-rows.js';
import { readRepository } from './repository-stream.js';

interface PageQuery {
  readonly state: number;
  readonly limit: number;
  readonly after: string;
  readonly search?: string | undefined;
}

/**
 * A page of a published state, or of the planned one: the state before, without what goes and with what comes. One statement, so that a state which is published
 * meanwhile is read as the one or as the other. The keys of the page are found first, and then each package by its key: no page looks at more than itself.
 */
const pageStatement = (filter: (key: string) => string): string => `with plan as (select before_state from repository_plans where repository = $1 and state = $2)
  select * from (
    (select ${packageColumns('p')} from (
        select l.key from repository_listings l where l.repository = $1 and l.key > $3 and ${liesOver('l', 'coalesce((select before_state from plan), $2)')}
          and not (exists (select 1 from plan) and exists (select 1 from repository_planned_packages d where d.repository = $1 and d.key = l.key and not d.listed)) ${filter('l.key')}
        order by l.key limit $4) k cross join lateral (select * from repository_packages where repository = $1 and key = k.key limit 1) p)
    union all
    (select ${packageColumns('p')} from repository_planned_packages p where p.repository = $1 and p.key > $3 and p.listed and exists (select 1 from plan) ${filter('p.key')} order by p.key limit $4)
  ) page order by key limit $4`;

/** Parameters: name, state, key to begin after, limit. */
export const pageOfPackages = pageStatement(() => '');
const matching = pageStatement((key) => `and position(lower($5) in lower(${key})) > 0`);

type PackageReads = Pick<RepositoryReads, 'packages' | 'allPackages' | 'package' | 'prunable' | 'expired'>;

export function createPackageReads(sql: Sql, pageSize: number): PackageReads {
  async function page(name: string, { state, limit, after, search }: PageQuery): Promise<readonly ListedPackage[]> {
    const rows = await (search === undefined ? sql<SelectedPackage>(pageOfPackages, [name, state, after, limit]) : sql<SelectedPackage>(matching, [name, state, after, limit, search]));
    // Looked at afterwards: a state that is there then was there before, because no number is used twice.
    await requireState(name, state);
    return rows.map(toPackage);
  }

  async function requireState(name: string, state: number): Promise<void> {
    if (name.includes('\0')) throw repositoryNotFound(name);
    const [found] = await sql<{ known: boolean }>(
      `select $2 = 0 or exists (select 1 from repository_states where repository = $1 and state = $2) or exists (select 1 from repository_plans where repository = $1 and state = $2) as known from repositories where name = $1`,
      [name, state],
    );
    if (found === undefined) throw repositoryNotFound(name);
    if (!found.known) throw stateNotFound(name, state);
  }

  return {
    async packages(name, { state, limit, after = '', search }) {
      const seen = state ?? (await readRepository(sql, name)).state;
      if (after.includes('\0') || search?.includes('\0') === true) return [];
      return page(name, { state: seen, limit, after, search });
    },

    async *allPackages(name, state) {
      await requireState(name, state);
      for (let after = ''; ; ) {
        const packages = await page(name, { state, limit: pageSize, after });
        yield* packages;
        const last = packages.at(-1);
        if (last === undefined || packages.length < pageSize) return;
        after = last.key;
      }
    },

    package: (name, key) => readKnown(sql, name, key),

    async prunable(name, before) {
      await readRepository(sql, name);
      // What the next state lists again stays where it is.
      const rows = await sql<SelectedPackage>(
        `select ${packageColumns('p')} from repository_packages p where p.repository = $1 and p.object = 'placed' and p.unlisted_at is not null and p.unlisted_at <= $2
           and not exists (select 1 from repository_planned_packages d where d.repository = $1 and d.key = p.key) order by p.key`,
        [name, before],
      );
      return rows.map(toPackage);
    },

    async expired(name, before) {
      await readRepository(sql, name);
      const rows = await sql<SelectedPackage>(
        `select ${packageColumns('p')} from repository_packages p where p.repository = $1 and p.object = 'obsolete' and p.moved_at <= $2
           and not exists (select 1 from repository_planned_packages d where d.repository = $1 and d.key = p.key) order by p.key`,
        [name, before],
      );
      return rows.map(toPackage);
    },
  };
}

interface SelectedKnown extends SelectedPackage {
  readonly origin: string;
  readonly published_by: string;
}

async function readKnown(sql: Sql, name: string, key: string): Promise<KnownPackage> {
  await readRepository(sql, name);
  const [row] = key.includes('\0') ? [] : await sql<SelectedKnown>(`select ${packageColumns('p')}, p.origin, p.published_by from repository_packages p where p.repository = $1 and p.key = $2`, [name, key]);
  if (row === undefined) throw packageNotFound(name, [key]);
  const listed = await sql<{ from: string; until: string | null }>('select from_state as from, until_state as until from repository_listings where repository = $1 and key = $2 order by from_state', [name, key]);
  return {
    ...toPackage(row),
    listed: listed.map(({ from, until }) => ({ from: Number(from), until: until === null ? null : Number(until) })),
    origin: toOrigin(row.origin),
    publishedBy: row.published_by,
  };
}
