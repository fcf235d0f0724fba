import { isDeepStrictEqual } from 'node:util';
import { inTransaction, type Sql } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { checkChangeRequest, checkUuid } from '../repository/change-request.js';
import type { ChangeRequest, RepositoryChange } from '../repository/repository-change.js';
import { checkRequester } from './check-texts.js';
import { idempotencyConflict, packageNotFound, stateNotFound, uploadNotFound } from './record-problems.js';
import type { NewChange } from './repository-record.js';
import { changeColumns, toChange, type SelectedChange } from './repository-rows.js';
import { keepRepository, readRepository } from './repository-stream.js';
import { sourcesOf } from './waiting-changes.js';

/** Durable from then on, whoever carries it out. The same id again answers what the first came to. */
export async function requestChange(database: Database, change: NewChange, now: () => string): Promise<RepositoryChange> {
  checkUuid(change.id, 'a change');
  checkRequester(change.by);
  checkChangeRequest(change.request);
  return inTransaction(database, async ({ sql }) => (await repeated(sql, change)) ?? insert(sql, change, now()));
}

export async function readChange(sql: Sql, id: string): Promise<RepositoryChange | undefined> {
  const [row] = await sql<SelectedChange>(`select ${changeColumns} from repository_changes c where c.id = $1`, [id]);
  return row === undefined ? undefined : toChange(row);
}

async function repeated(sql: Sql, { id, repository, request, force }: NewChange): Promise<RepositoryChange | undefined> {
  const there = await readChange(sql, id);
  if (there === undefined) return undefined;
  const same = there.repository === repository && there.force === force && isDeepStrictEqual(there.request, JSON.parse(JSON.stringify(request)));
  if (!same) throw idempotencyConflict('change', id);
  return there;
}

async function insert(sql: Sql, change: NewChange, at: string): Promise<RepositoryChange> {
  const { id, repository, request, by, force } = change;
  await keepRepository(sql, repository);
  const rows = await sql(
    `insert into repository_changes (id, repository, kind, request, forced, requested_by, requested_at, phase) values ($1, $2, $3, $4, $5, $6, $7, 'waiting') on conflict (id) do nothing returning 1 as inserted`,
    [id, repository, request.kind, JSON.stringify(request), force, by, at],
  );
  if (rows.length === 0) {
    // Somebody has asked for it in between.
    const there = await repeated(sql, change);
    if (there !== undefined) return there;
  }
  await checkReferences(sql, repository, request);
  if (request.kind === 'publish') await forgetOtherComponents(sql, repository, request);
  const sources = sourcesOf(request).map((source, place) => ({ place, ...source }));
  if (sources.length > 0) await sql(`insert into repository_change_sources (change_id, place, upload_id, sha256) select $1, s.* from json_to_recordset($2::json) as s(place int, upload_id uuid, sha256 text)`, [id, JSON.stringify(sources)]);
  const inserted = await readChange(sql, id);
  if (inserted === undefined) throw idempotencyConflict('change', id);
  return inserted;
}

/** What was tried, or refused, for one component is looked at again for another: where a package lies follows from it. */
async function forgetOtherComponents(sql: Sql, repository: string, { uploads, component }: { readonly uploads: readonly string[]; readonly component?: string }): Promise<void> {
  const { settings } = await readRepository(sql, repository);
  const wanted = component ?? settings.deb?.components[0] ?? '';
  await sql('update repository_uploads set key = null where repository = $1 and id = any($2::uuid[]) and key is not null and component <> $3', [repository, uploads, wanted]);
}

/** Errors: those of `requestChange`. */
export async function checkReferences(sql: Sql, repository: string, request: ChangeRequest): Promise<void> {
  if ('uploads' in request) await checkUploads(sql, repository, request.uploads);
  if (request.kind === 'remove') await checkListed(sql, repository, request.keys);
  if (request.kind === 'roll-back') {
    const rows = await sql('select 1 from repository_states where repository = $1 and state = $2', [repository, request.to]);
    if (rows.length === 0) throw stateNotFound(repository, request.to);
  }
}

/** Held, so that none of them begins to leave before the change is seen. */
async function checkUploads(sql: Sql, repository: string, ids: readonly string[]): Promise<void> {
  const rows = await sql<{ id: string }>('select id from repository_uploads where id = any($2::uuid[]) and repository = $1 and not leaving order by id for share', [repository, ids]);
  const found = new Set(rows.map(({ id }) => id));
  const missing = ids.filter((id) => !found.has(id));
  if (missing.length > 0) throw uploadNotFound(missing);
}

/** In what clients see, or will see next. */
async function checkListed(sql: Sql, repository: string, keys: readonly string[]): Promise<void> {
  const rows = await sql<{ key: string }>(
    `select key from repository_packages where repository = $1 and key = any($2::text[]) and unlisted_at is null
     union select key from repository_planned_packages where repository = $1 and key = any($2::text[]) and listed`,
    [repository, keys],
  );
  const found = new Set(rows.map(({ key }) => key));
  const missing = keys.filter((key) => !found.has(key));
  if (missing.length > 0) throw packageNotFound(repository, missing);
}
