import type { Sql } from '../database/sql.js';
import type { ObjectsPruned, PackagesListed, PublishedPackage, RepositoryCreated, RepositoryEvent, StatePublished } from '../repository/repository-events.js';

/** What the projections are by one more event: recording and rebuilding are the same. */
export async function projectEvent(sql: Sql, name: string, event: RepositoryEvent): Promise<void> {
  switch (event.type) {
    case 'RepositoryCreated':
      return projectCreation(sql, name, event.data);
    case 'RepositoryConfigured':
      await sql('update repositories set settings = $2, changed_at = $3 where name = $1', [name, JSON.stringify(event.data.settings), event.data.configuredAt]);
      return;
    case 'PackagesListed':
      return projectListing(sql, name, event.data);
    case 'StatePublished':
      return projectState(sql, name, event.data);
    case 'StateAbandoned':
      await sql('update repositories set last_state = $2 where name = $1', [name, event.data.state]);
      return;
    case 'ObjectsPruned':
      return projectPruning(sql, name, event.data);
    case 'RepositoryRemoved':
      return forget(sql, name);
    case 'ChangeFailed':
    case 'UpkeepFailed':
  }
}

export async function projectPosition(sql: Sql, name: string, position: number): Promise<void> {
  await sql('update repositories set position = $2 where name = $1', [name, position]);
}

async function projectCreation(sql: Sql, name: string, { kind, place, settings, lastState, createdAt, by }: RepositoryCreated['data']): Promise<void> {
  await sql(
    `insert into repositories (name, kind, store, folder, settings, state, last_state, packages, bytes, created_at, created_by, changed_at, position)
     values ($1, $2, $3, $4, $5, 0, $6, 0, 0, $7, $8, $7, 0)`,
    [name, kind, place.store, place.folder, JSON.stringify(settings), lastState, createdAt, by],
  );
}

const packageRecord = 'key text, sha256 text, size bigint, path text, name text, version text, architecture text, component text, added_at timestamptz, origin text, published_by text';

async function projectListing(sql: Sql, name: string, { state, added, relisted, removed, at }: PackagesListed['data']): Promise<void> {
  if (added.length > 0) {
    const statement = `insert into repository_packages (repository, key, sha256, size, path, name, version, architecture, component, added_at, origin, published_by, object)
      select $1, p.*, 'placed' from json_to_recordset($2::json) as p(${packageRecord})`;
    await sql(statement, [name, JSON.stringify(added.map(packageRow))]);
  }
  const keys = [...added.map(({ key }) => key), ...relisted];
  if (keys.length > 0) await sql('insert into repository_listings (repository, key, from_state) select $1, key, $2 from unnest($3::text[]) as key', [name, state, keys]);
  if (relisted.length > 0) await sql(`update repository_packages set object = 'placed', unlisted_at = null, moved_at = null where repository = $1 and key = any($2::text[])`, [name, relisted]);
  if (removed.length === 0) return;
  await sql('update repository_listings set until_state = $2 where repository = $1 and key = any($3::text[]) and until_state is null', [name, state, removed]);
  await sql('update repository_packages set unlisted_at = $2 where repository = $1 and key = any($3::text[])', [name, at, removed]);
}

function packageRow({ addedAt, origin, by, ...listed }: PublishedPackage): object {
  return { ...listed, added_at: addedAt, origin: JSON.stringify(origin), published_by: by };
}

async function projectState(sql: Sql, name: string, { state, at, publishedAt, changes, packages, bytes, added, removed, index }: StatePublished['data']): Promise<void> {
  const kinds = [...new Set(changes.map(({ kind }) => kind))];
  const by = [...new Set(changes.map((change) => change.by))];
  await sql('insert into repository_states (repository, state, at, kinds, changed_by, packages, bytes, added, removed, index_files) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)', [
    name,
    state,
    at,
    JSON.stringify(kinds),
    JSON.stringify(by),
    packages,
    bytes,
    added,
    removed,
    JSON.stringify(index),
  ]);
  await sql('update repositories set state = $2, last_state = $2, packages = $3, bytes = $4, changed_at = $5 where name = $1', [name, state, packages, bytes, publishedAt]);
}

/** What a state has listed again meanwhile is at its path. */
async function projectPruning(sql: Sql, name: string, { moved, deleted, prunedAt }: ObjectsPruned['data']): Promise<void> {
  if (moved.length > 0) await sql(`update repository_packages set object = 'obsolete', moved_at = $3 where repository = $1 and key = any($2::text[]) and unlisted_at is not null`, [name, moved, prunedAt]);
  if (deleted.length > 0) await sql(`update repository_packages set object = 'deleted', moved_at = null where repository = $1 and key = any($2::text[]) and unlisted_at is not null`, [name, deleted]);
}

async function forget(sql: Sql, name: string): Promise<void> {
  for (const table of ['repository_listings', 'repository_packages', 'repository_states']) await sql(`delete from ${table} where repository = $1`, [name]);
  await sql('delete from repositories where name = $1', [name]);
}
