import { isoUtc } from '../database/iso-utc.js';
import type { ListedPackage, PackageOrigin } from '../repository/listed-package.js';
import type { ChangeKind, ChangeOutcome, ChangePhase, ChangeProblem, ChangeRequest, IndexFile, RepositoryChange, RepositoryState } from '../repository/repository-change.js';
import type { Repository, RepositoryKind, RepositorySettings } from '../repository/repository.js';
import type { Upload } from './repository-record.js';

/** What to select, and what comes of it; bigint comes as text. */
export const repositoryColumns = `name, kind, store, folder, settings, state, last_state, packages, bytes, ${isoUtc('created_at')} as created_at, created_by, ${isoUtc('changed_at')} as changed_at`;

export interface SelectedRepository {
  readonly name: string;
  readonly kind: RepositoryKind;
  readonly store: string;
  readonly folder: string;
  readonly settings: string;
  readonly state: string;
  readonly last_state: string;
  readonly packages: string;
  readonly bytes: string;
  readonly created_at: string;
  readonly created_by: string;
  readonly changed_at: string;
}

export function toRepository(row: SelectedRepository): Repository {
  return {
    name: row.name,
    kind: row.kind,
    place: { store: row.store, folder: row.folder },
    settings: JSON.parse(row.settings) as RepositorySettings,
    state: Number(row.state),
    packages: Number(row.packages),
    bytes: Number(row.bytes),
    createdAt: row.created_at,
    createdBy: row.created_by,
    changedAt: row.changed_at,
  };
}

/** Of `repository_packages`, `repository_planned_packages` or what is made of them. */
export const packageColumns = (table: string): string =>
  `${['key', 'sha256', 'size', 'path', 'name', 'version', 'architecture', 'component'].map((column) => `${table}.${column}`).join(', ')}, ${isoUtc(`${table}.added_at`)} as added_at`;

export interface SelectedPackage {
  readonly key: string;
  readonly sha256: string;
  readonly size: string;
  readonly path: string;
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly component: string;
  readonly added_at: string;
}

export function toPackage(row: SelectedPackage): ListedPackage {
  const { key, sha256, path, name, version, architecture, component } = row;
  return { key, sha256, size: Number(row.size), path, name, version, architecture, component, addedAt: row.added_at };
}

export const uploadColumns = `id, repository, file_name, sha256, size, uploaded_by, ${isoUtc('uploaded_at')} as uploaded_at, key, component`;

export interface SelectedUpload {
  readonly id: string;
  readonly repository: string;
  readonly file_name: string;
  readonly sha256: string;
  readonly size: string;
  readonly uploaded_by: string;
  readonly uploaded_at: string;
  readonly key: string | null;
  readonly component: string | null;
}

export function toUpload({ id, repository, file_name, sha256, size, uploaded_by, uploaded_at, key, component }: SelectedUpload): Upload {
  return { id, repository, fileName: file_name, sha256, size: Number(size), by: uploaded_by, uploadedAt: uploaded_at, key, ...(key === null || component === null ? {} : { component }) };
}

/** Every package of a change is described, or published already; of the row `c`. */
const isInspected = `not exists (select 1 from repository_change_sources s where s.change_id = c.id and not case
  when s.upload_id is not null then exists (select 1 from repository_uploads u where u.id = s.upload_id and u.key is not null)
  else exists (select 1 from repository_uploads u where u.repository = c.repository and u.sha256 = s.sha256 and u.key is not null and not u.leaving)
    or exists (select 1 from repository_packages p where p.repository = c.repository and p.sha256 = s.sha256 and p.object <> 'deleted') end)`;

export const changeColumns = `c.id, c.repository, c.request, c.forced, c.requested_by, ${isoUtc('c.requested_at')} as requested_at, ${isoUtc('c.ended_at')} as ended_at, c.outcome, c.problem,
  case when c.phase = 'waiting' and ${isInspected} then 'inspected' else c.phase end as phase`;

export interface SelectedChange {
  readonly id: string;
  readonly repository: string;
  readonly request: string;
  readonly forced: boolean;
  readonly requested_by: string;
  readonly requested_at: string;
  readonly ended_at: string | null;
  readonly outcome: string | null;
  readonly problem: string | null;
  readonly phase: ChangePhase;
}

export function toChange(row: SelectedChange): RepositoryChange {
  return {
    id: row.id,
    repository: row.repository,
    request: JSON.parse(row.request) as ChangeRequest,
    by: row.requested_by,
    force: row.forced,
    phase: row.phase,
    // What a plan will come to is nobody's before it is published.
    outcome: row.outcome === null || row.phase !== 'done' ? null : (JSON.parse(row.outcome) as ChangeOutcome),
    problem: row.problem === null ? null : (JSON.parse(row.problem) as ChangeProblem),
    requestedAt: row.requested_at,
    endedAt: row.ended_at,
  };
}

export const stateColumns = `state, ${isoUtc('at')} as at, kinds, changed_by, packages, bytes, added, removed, index_files`;

export interface SelectedState {
  readonly state: string;
  readonly at: string;
  readonly kinds: string;
  readonly changed_by: string;
  readonly packages: string;
  readonly bytes: string;
  readonly added: string;
  readonly removed: string;
  readonly index_files: string;
}

export function toState(row: SelectedState): RepositoryState {
  return {
    state: Number(row.state),
    at: row.at,
    kinds: JSON.parse(row.kinds) as ChangeKind[],
    by: JSON.parse(row.changed_by) as string[],
    packages: Number(row.packages),
    bytes: Number(row.bytes),
    added: Number(row.added),
    removed: Number(row.removed),
    index: JSON.parse(row.index_files) as IndexFile[],
  };
}

export function toOrigin(text: string): PackageOrigin {
  return JSON.parse(text) as PackageOrigin;
}
