import { isoUtc } from '../database/iso-utc.js';
import type { Sql } from '../database/sql.js';
import type { PackageOrigin } from '../repository/listed-package.js';
import type { PlannedPackage, PlannedState } from '../repository/repository-change.js';
import type { RepositorySettings } from '../repository/repository.js';
import { packageColumns, toOrigin, toPackage, type SelectedPackage } from './repository-rows.js';

/** Rows of one statement. */
const batch = 2000;

export interface NewPlan extends PlannedState {
  /** Of the whole list. */
  readonly bytes: number;
  /** Keys of packages that a state has listed before. */
  readonly known: ReadonlySet<string>;
  /** Of packages that are new, by their keys. */
  readonly provenance: ReadonlyMap<string, { readonly origin: PackageOrigin; readonly by: string }>;
}

export async function writePlan(sql: Sql, plan: NewPlan): Promise<void> {
  const { repository, state, before, at, settings, bytes } = plan;
  await sql('insert into repository_plans (repository, state, before_state, at, settings, bytes) values ($1, $2, $3, $4, $5, $6)', [repository, state, before, at, JSON.stringify(settings), bytes]);
  const rows = [...plan.added.map((one) => plannedRow(plan, one, true)), ...plan.removed.map((one) => plannedRow(plan, one, false))];
  for (let from = 0; from < rows.length; from += batch) {
    await sql(
      `insert into repository_planned_packages (repository, key, sha256, size, path, name, version, architecture, component, added_at, origin, published_by, listed, known, upload_id)
       select $1, p.* from json_to_recordset($2::json) as p(key text, sha256 text, size bigint, path text, name text, version text, architecture text, component text, added_at timestamptz, origin text, published_by text, listed boolean, known boolean, upload_id uuid)`,
      [repository, JSON.stringify(rows.slice(from, from + batch))],
    );
  }
}

function plannedRow({ known, provenance }: NewPlan, { addedAt, upload, ...one }: PlannedPackage, listed: boolean): object {
  const from = provenance.get(one.key);
  return { ...one, added_at: addedAt, origin: JSON.stringify(from?.origin ?? {}), published_by: from?.by ?? '', listed, known: known.has(one.key), upload_id: upload ?? null };
}

interface SelectedPlan {
  readonly state: string;
  readonly before_state: string;
  readonly at: string;
  readonly settings: string;
  readonly bytes: string;
  readonly switching: boolean;
}

export interface PlanHead extends Pick<PlannedState, 'state' | 'before' | 'at' | 'settings'> {
  readonly bytes: number;
  readonly switching: boolean;
}

export async function readPlanHead(sql: Sql, repository: string): Promise<PlanHead | undefined> {
  const [row] = await sql<SelectedPlan>(`select state, before_state, ${isoUtc('at')} as at, settings, bytes, switching from repository_plans where repository = $1`, [repository]);
  if (row === undefined) return undefined;
  return { state: Number(row.state), before: Number(row.before_state), at: row.at, settings: JSON.parse(row.settings) as RepositorySettings, bytes: Number(row.bytes), switching: row.switching };
}

export interface RecordedPlanned extends PlannedPackage {
  readonly listed: boolean;
  readonly known: boolean;
  readonly origin: PackageOrigin;
  readonly by: string;
}

interface SelectedPlanned extends SelectedPackage {
  readonly origin: string;
  readonly published_by: string;
  readonly listed: boolean;
  readonly known: boolean;
  readonly upload_id: string | null;
}

/** In the order of keys. */
export async function readPlannedPackages(sql: Sql, repository: string): Promise<readonly RecordedPlanned[]> {
  const rows = await sql<SelectedPlanned>(`select ${packageColumns('d')}, origin, published_by, listed, known, upload_id from repository_planned_packages d where repository = $1 order by key`, [repository]);
  return rows.map((row) => ({
    ...toPackage(row),
    ...(row.upload_id === null ? {} : { upload: row.upload_id }),
    listed: row.listed,
    known: row.known,
    origin: toOrigin(row.origin),
    by: row.published_by,
  }));
}

export async function readPlan(sql: Sql, repository: string): Promise<PlannedState | undefined> {
  const head = await readPlanHead(sql, repository);
  if (head === undefined) return undefined;
  const { state, before, at, settings } = head;
  const packages = await readPlannedPackages(sql, repository);
  const changes = await sql<{ id: string }>(`select id from repository_changes where repository = $1 and phase = 'planned' order by number`, [repository]);
  return { repository, state, before, at, settings, changes: changes.map(({ id }) => id), added: packages.filter(({ listed }) => listed).map(toPlanned), removed: packages.filter(({ listed }) => !listed).map(toPlanned) };
}

function toPlanned({ listed: _listed, known: _known, origin: _origin, by: _by, ...planned }: RecordedPlanned): PlannedPackage {
  return planned;
}

export async function dropPlan(sql: Sql, repository: string): Promise<void> {
  await sql('delete from repository_planned_packages where repository = $1', [repository]);
  await sql('delete from repository_plans where repository = $1', [repository]);
}
