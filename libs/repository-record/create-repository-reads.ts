import { query, type Sql } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { uuidPattern } from '../repository/change-request.js';
import type { ListedPackage } from '../repository/listed-package.js';
import type { RepositoryKind } from '../repository/repository.js';
import { findOrigins } from './find-origins.js';
import { readDifference } from './list-difference.js';
import { readPlan, readPlanHead } from './planned-states.js';
import { plain } from './publish-state.js';
import { createPackageReads } from './read-packages.js';
import { changeNotFound, stateNotFound, uploadNotFound } from './record-problems.js';
import { readUpload } from './record-uploads.js';
import type { RepositoryReads } from './repository-record.js';
import { changeColumns, packageColumns, repositoryColumns, stateColumns, toChange, toPackage, toRepository, toState, type SelectedChange, type SelectedPackage, type SelectedRepository, type SelectedState } from './repository-rows.js';
import { readRepository } from './repository-stream.js';
import { readTotals } from './repository-totals.js';
import { readChange } from './request-change.js';

export interface RepositoryReadsOptions {
  /** Packages of one round trip where all are read; 2000 when not given. */
  readonly pageSize?: number;
}

/** See `repository-record.ts` for what they promise. */
export function createRepositoryReads(database: Database, { pageSize = 2000 }: RepositoryReadsOptions = {}): RepositoryReads {
  const sql: Sql = (text, parameters) => query(database, text, parameters);
  return { ...createPackageReads(sql, pageSize), ...createChangeReads(sql), ...createStateReads(sql), ...createRepositoryLists(sql), metadata: (kind, digests) => readMetadata(sql, kind, digests), origins: (sha256) => findOrigins(sql, sha256), totals: () => readTotals(sql) };
}

function createRepositoryLists(sql: Sql): Pick<RepositoryReads, 'get' | 'list' | 'unsettled'> {
  return {
    get: async (name) => plain(await readRepository(sql, name)),

    async list({ limit, after = '' }) {
      const rows = after.includes('\0') ? [] : await sql<SelectedRepository>(`select ${repositoryColumns} from repositories where name > $1 order by name limit $2`, [after, limit]);
      return rows.map(toRepository);
    },

    async unsettled(limit) {
      const rows = await sql<{ repository: string }>('select repository from repository_changes where ended_at is null group by repository order by min(number) limit $1', [limit]);
      return rows.map(({ repository }) => repository);
    },
  };
}

function createChangeReads(sql: Sql): Pick<RepositoryReads, 'change' | 'changesOf' | 'waiting' | 'changes' | 'upload'> {
  return {
    async change(id) {
      const change = uuidPattern.test(id) ? await readChange(sql, id) : undefined;
      if (change === undefined) throw changeNotFound(id);
      return change;
    },

    async changesOf(ids) {
      const rows = await sql<SelectedChange>(`select ${changeColumns} from repository_changes c where c.id = any($1::uuid[])`, [ids.filter((id) => uuidPattern.test(id))]);
      return rows.map(toChange);
    },

    async waiting(name, limit) {
      await readRepository(sql, name);
      const rows = await sql<SelectedChange>(`select ${changeColumns} from repository_changes c where c.repository = $1 and c.ended_at is null and c.phase = 'waiting' order by c.number limit $2`, [name, limit]);
      return rows.map(toChange);
    },

    async changes(name, { limit, before }) {
      await readRepository(sql, name);
      if (before !== undefined && !uuidPattern.test(before)) throw changeNotFound(before);
      const rows = await sql<SelectedChange>(
        `select ${changeColumns} from repository_changes c where c.repository = $1 and ($2::uuid is null or c.number < (select number from repository_changes where id = $2)) order by c.number desc limit $3`,
        [name, before ?? null, limit],
      );
      return rows.map(toChange);
    },

    async upload(id) {
      const upload = uuidPattern.test(id) ? await readUpload(sql, id) : undefined;
      if (upload === undefined) throw uploadNotFound([id]);
      return upload;
    },
  };
}

function createStateReads(sql: Sql): Pick<RepositoryReads, 'states' | 'state' | 'planned' | 'diff'> {
  return {
    async planned(name) {
      await readRepository(sql, name);
      for (;;) {
        const planned = await readPlan(sql, name);
        // In several statements: the next one may have been planned in between.
        if ((await readPlanHead(sql, name))?.state === planned?.state) return planned;
      }
    },

    async states(name, { limit, before = Number.MAX_SAFE_INTEGER }) {
      await readRepository(sql, name);
      const rows = await sql<SelectedState>(`select ${stateColumns} from repository_states where repository = $1 and state < $2 order by state desc limit $3`, [name, before, limit]);
      return rows.map(toState);
    },

    async state(name, state) {
      await readRepository(sql, name);
      const [row] = Number.isSafeInteger(state) ? await sql<SelectedState>(`select ${stateColumns} from repository_states where repository = $1 and state = $2`, [name, state]) : [];
      if (row === undefined) throw stateNotFound(name, state);
      return toState(row);
    },

    async diff(name, from, to) {
      await readRepository(sql, name);
      await requireStates(sql, name, [from, to]);
      const { added, removed } = await readDifference(sql, name, from, to);
      return { added: await readPackages(sql, name, added), removed: await readPackages(sql, name, removed) };
    },
  };
}

/** Before the first one there was an empty list. */
async function requireStates(sql: Sql, name: string, states: readonly number[]): Promise<void> {
  const possible = states.filter((state) => Number.isSafeInteger(state));
  const rows = await sql<{ state: string }>('select state from repository_states where repository = $1 and state = any($2::bigint[])', [name, possible]);
  const found = new Set([0, ...rows.map(({ state }) => Number(state))]);
  const missing = states.find((state) => !found.has(state));
  if (missing !== undefined) throw stateNotFound(name, missing);
}

async function readPackages(sql: Sql, name: string, keys: readonly string[]): Promise<ListedPackage[]> {
  const rows = await sql<SelectedPackage>(`select ${packageColumns('p')} from repository_packages p where p.repository = $1 and p.key = any($2::text[]) order by p.key`, [name, keys]);
  return rows.map(toPackage);
}

async function readMetadata(sql: Sql, kind: RepositoryKind, digests: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
  const rows = await sql<{ sha256: string; metadata: Buffer }>('select sha256, metadata from package_metadata where kind = $1 and sha256 = any($2::text[])', [kind, digests]);
  return new Map(rows.map(({ sha256, metadata }) => [sha256, metadata]));
}
