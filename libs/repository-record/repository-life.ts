import { isDeepStrictEqual } from 'node:util';
import { inTransaction, type Sql } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { MillraceError } from '../errors/millrace-error.js';
import { firstPreviousDigest } from '../event-store/event-chain.js';
import { checkPlace, checkRepositoryName, placesOverlap } from '../repository/repository-place.js';
import { parseRepositorySettings } from '../repository/repository-settings.js';
import { repositoryStreamId, type Repository, type RepositorySettings } from '../repository/repository.js';
import { checkRequester } from './check-texts.js';
import { endFailed } from './end-changes.js';
import { dropPlan } from './planned-states.js';
import { plain } from './publish-state.js';
import type { RecordOptions } from './record-options.js';
import { tellOutside } from './repository-messages.js';
import { requireRoom } from './require-room.js';
import type { NewRepository, RepositoryCommands } from './repository-record.js';
import { lockRepository, readRepository, recordEvents, type LoadedRepository } from './repository-stream.js';

/** Whoever makes a repository looks at the places of all others first. Any number that nothing else uses as an advisory lock. */
const placesLock = 5_207_311_904;

export function createLifeCommands(database: Database, options: RecordOptions): Pick<RepositoryCommands, 'create' | 'configure' | 'remove'> {
  return {
    async create(wanted, by) {
      checkRepositoryName(wanted.name);
      checkPlace(wanted.place);
      checkRequester(by);
      const settings = parseRepositorySettings(wanted.kind, wanted.settings);
      return inTransaction(database, async ({ sql }) => {
        await sql('select pg_advisory_xact_lock($1)', [placesLock]);
        return (await repeated(sql, { ...wanted, settings })) ?? (await create(sql, { ...wanted, settings }, { by, options }));
      });
    },

    async configure(name, given, by) {
      checkRequester(by);
      return inTransaction(database, async ({ sql }) => {
        const repository = await lockRepository(sql, name);
        const settings = parseRepositorySettings(repository.kind, given);
        return isDeepStrictEqual(settings, repository.settings) ? plain(repository) : configure(sql, repository, { settings, by, options });
      });
    },

    async remove(name, { by, force }) {
      checkRequester(by);
      await inTransaction(database, async ({ sql }) => {
        const repository = await lockRepository(sql, name);
        // Waits for changes that are being asked for; later ones find no repository.
        await sql('select 1 from repositories where name = $1 for update', [name]);
        if (!force) await requireEmpty(sql, repository);
        await remove(sql, repository, { by, options });
      });
    },
  };
}

interface Doing {
  readonly by: string;
  readonly options: RecordOptions;
}

/** Of a repository that is there as it is wanted. Errors: `repository-exists`. */
async function repeated(sql: Sql, { name, kind, place, settings }: NewRepository): Promise<Repository | undefined> {
  const [there] = await sql('select 1 from repositories where name = $1', [name]);
  if (there === undefined) return undefined;
  const repository = plain(await readRepository(sql, name));
  if (isDeepStrictEqual([repository.kind, repository.place, repository.settings], [kind, place, settings])) return repository;
  throw new MillraceError('repository-exists', `there is a repository ${name} already, and not as this one would be`, { suggestion: `millrace repo show ${name} shows how it is; use another name, or change its settings.` });
}

async function create(sql: Sql, { name, kind, place, settings }: NewRepository, { by, options }: Doing): Promise<Repository> {
  const places = await sql<{ name: string; store: string; folder: string }>('select name, store, folder from repositories where store = $1', [place.store]);
  const other = places.find((there) => placesOverlap(place, there));
  if (other !== undefined) {
    throw new MillraceError('repository-exists', `the repository ${other.name} lies in the folder ${JSON.stringify(other.folder)} of the store ${other.store}: one of the two would be inside of the other`, {
      suggestion: other.folder === '' || place.folder === '' ? 'A repository with no folder has its store for itself: name another store, in the file of MILLRACE_REPOSITORY_STORES.' : 'Use a folder beside it.',
    });
  }
  await sql('insert into streams (id, last_digest) values ($1, $2) on conflict do nothing', [repositoryStreamId(name), firstPreviousDigest]);
  const [removed] = await sql<{ last: string }>(`select data::json->>'lastState' as last from events where stream_id = $1 and type = 'RepositoryRemoved' order by position desc limit 1`, [repositoryStreamId(name)]);
  const createdAt = options.now();
  await recordEvents(sql, name, [{ type: 'RepositoryCreated', data: { kind, place, settings, lastState: Number(removed?.last ?? 0), createdAt, by } }]);
  await tellOutside(sql, options, name, { kind: 'created', state: 0, by, at: createdAt });
  return plain(await readRepository(sql, name));
}

async function configure(sql: Sql, { name, state, settings: before }: LoadedRepository, { settings, by, options }: Doing & { readonly settings: RepositorySettings }): Promise<Repository> {
  await requireRoom(sql, name, settings);
  const configuredAt = options.now();
  // Whether a package may be here follows from the settings. What a synchronisation has looked at is its own to look at again: it knows the component.
  if (before.upstream === null && settings.upstream === null && !isDeepStrictEqual(ofPackages(before), ofPackages(settings))) await sql('update repository_uploads set key = null where repository = $1 and key is not null', [name]);
  await recordEvents(sql, name, [{ type: 'RepositoryConfigured', data: { settings, configuredAt, by } }]);
  await tellOutside(sql, options, name, { kind: 'configured', state, by, at: configuredAt });
  return plain(await readRepository(sql, name));
}

function ofPackages({ haiku, rpm, deb }: RepositorySettings): readonly unknown[] {
  return [haiku, rpm, deb];
}

async function requireEmpty(sql: Sql, { name, packages }: LoadedRepository): Promise<void> {
  const unsettled = await sql('select 1 from repository_changes where repository = $1 and ended_at is null limit 1', [name]);
  if (packages === 0 && unsettled.length === 0) return;
  throw new MillraceError('change-guarded', packages > 0 ? `the repository ${name} lists ${packages} packages` : `the repository ${name} has changes that are under way`, {
    suggestion: 'To have it forgotten anyhow, ask again by force; its objects stay where they are.',
  });
}

async function remove(sql: Sql, { name, packages, lastState, state }: LoadedRepository, { by, options }: Doing): Promise<void> {
  const at = options.now();
  const unsettled = await sql<{ id: string }>('select id from repository_changes where repository = $1 and ended_at is null', [name]);
  await endFailed(sql, unsettled.map(({ id }) => id), { code: 'repository-not-found', message: `the repository ${name} was removed by ${by}`, details: [] }, at);
  const [planned] = await sql<{ state: string }>('select state from repository_plans where repository = $1', [name]);
  await dropPlan(sql, name);
  await sql('delete from repository_uploads where repository = $1', [name]);
  await tellOutside(sql, options, name, { kind: 'removed', state, by, at });
  await recordEvents(sql, name, [{ type: 'RepositoryRemoved', data: { lastState: Math.max(lastState, Number(planned?.state ?? 0)), packages, removedAt: at, by } }]);
}
