import type { Sql } from '../database/sql.js';
import type { PreparedChange } from '../repository/decide-change.js';
import type { OfferedPackage } from '../repository/list-change.js';
import { draftList, type ListDraft, type ObjectPlace, type RecordedPackage } from '../repository/list-draft.js';
import type { ChangeRequest } from '../repository/repository-change.js';
import { readDifference } from './list-difference.js';
import { packageColumns, toPackage, type SelectedPackage } from './repository-rows.js';
import type { LoadedRepository } from './repository-stream.js';
import { removedKeys } from './waiting-changes.js';

export interface UndecidedChange {
  readonly id: string;
  readonly request: ChangeRequest;
  readonly force: boolean;
}

export interface PreparedBatch<Change> {
  readonly draft: ListDraft;
  readonly changes: readonly { readonly change: Change; readonly prepared: PreparedChange }[];
}

/** Reads what deciding needs, which is as much as the changes name, however large the repository is. */
export async function prepareChanges<Change extends UndecidedChange>(
  sql: Sql,
  repository: LoadedRepository,
  { changes, offers }: { readonly changes: readonly Change[]; readonly offers: ReadonlyMap<string, readonly OfferedPackage[]> },
): Promise<PreparedBatch<Change>> {
  const prepared: { change: Change; prepared: PreparedChange }[] = [];
  for (const change of changes) prepared.push({ change, prepared: await prepare(sql, repository, change, offers.get(change.id) ?? []) });
  const keys = prepared.flatMap(({ prepared: { offered, remove, relist } }) => [...offered.map(({ key }) => key), ...remove, ...relist]);
  const recorded = await readRecorded(sql, repository.name, [...new Set(keys)]);
  const versions = repository.settings.keepVersions === null ? [] : await readVersions(sql, repository.name, prepared.flatMap(({ prepared: { offered } }) => offered));
  const distinct = new Map([...versions, ...recorded].map((one) => [one.key, one]));
  return { draft: draftList({ packages: repository.packages, recorded: [...distinct.values()] }), changes: prepared };
}

async function prepare(sql: Sql, repository: LoadedRepository, { request, force }: UndecidedChange, offered: readonly OfferedPackage[]): Promise<PreparedChange> {
  const { kind } = request;
  if (request.kind !== 'roll-back') return { kind, force, offered, remove: removedKeys(request), relist: [] };
  const { added, removed } = await readDifference(sql, repository.name, repository.state, request.to);
  return { kind, force, offered, remove: removed, relist: added };
}

interface SelectedRecorded extends SelectedPackage {
  readonly listed: boolean;
  readonly object: ObjectPlace;
}

const recordedColumns = `${packageColumns('p')}, p.unlisted_at is null as listed, p.object`;
const toRecorded = (row: SelectedRecorded): RecordedPackage => ({ ...toPackage(row), listed: row.listed, object: row.object });

async function readRecorded(sql: Sql, repository: string, keys: readonly string[]): Promise<RecordedPackage[]> {
  if (keys.length === 0) return [];
  const rows = await sql<SelectedRecorded>(`select ${recordedColumns} from repository_packages p where p.repository = $1 and p.key = any($2::text[])`, [repository, keys]);
  return rows.map(toRecorded);
}

/** That are listed, of the packages that are offered. */
async function readVersions(sql: Sql, repository: string, offered: readonly OfferedPackage[]): Promise<RecordedPackage[]> {
  const names = offered.map(({ name }) => name);
  if (names.length === 0) return [];
  const rows = await sql<SelectedRecorded>(
    `select ${recordedColumns} from (select distinct name, architecture from unnest($2::text[], $3::text[]) as o(name, architecture)) o
     join repository_packages p on p.repository = $1 and p.name = o.name and p.architecture = o.architecture and p.unlisted_at is null`,
    [repository, names, offered.map(({ architecture }) => architecture)],
  );
  return rows.map(toRecorded);
}
