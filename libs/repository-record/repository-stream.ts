import { randomUUID } from 'node:crypto';
import type { Sql } from '../database/sql.js';
import { MillraceError } from '../errors/millrace-error.js';
import { advanceStreams, insertEvents, planAppend } from '../event-store/append-to-streams.js';
import type { RepositoryEvent } from '../repository/repository-events.js';
import { repositoryStreamId, type Repository } from '../repository/repository.js';
import { projectEvent, projectPosition } from './project-event.js';
import { repositoryNotFound } from './record-problems.js';
import { repositoryColumns, toRepository, type SelectedRepository } from './repository-rows.js';

/** Events of one statement: a state that lists everything anew has hundreds of half a megabyte. */
const batch = 10;

export interface LoadedRepository extends Repository {
  /** The highest number that a state ever had. */
  readonly lastState: number;
}

/**
 * Seconds. What decides on a list of 100,000 packages is longer between two statements than what is said of sessions; a process that is stopped here holds up
 * the changes of one repository.
 */
const patience = 60;

/** Holds the repository until the transaction ends; every command that appends does so first. Errors: `repository-not-found`. */
export async function lockRepository(sql: Sql, name: string): Promise<LoadedRepository> {
  await sql(`select set_config('idle_in_transaction_session_timeout', '${patience}s', true) from streams where id = $1 for no key update`, [repositoryStreamId(name)]);
  return readRepository(sql, name);
}

/** Keeps it from being removed until the transaction ends, and holds up nothing else. Errors: `repository-not-found`. */
export async function keepRepository(sql: Sql, name: string): Promise<LoadedRepository> {
  return readRepository(sql, name, 'for key share');
}

export async function readRepository(sql: Sql, name: string, lock = ''): Promise<LoadedRepository> {
  const [row] = name.includes('\0') ? [] : await sql<SelectedRepository>(`select ${repositoryColumns} from repositories where name = $1 ${lock}`, [name]);
  if (row === undefined) throw repositoryNotFound(name);
  return { ...toRepository(row), lastState: Number(row.last_state) };
}

/** Appends to the held stream, and brings the projections up to date. */
export async function recordEvents(sql: Sql, name: string, events: readonly RepositoryEvent[]): Promise<void> {
  for (let from = 0; from < events.length; from += batch) {
    const some = events.slice(from, from + batch);
    const append = { streamId: repositoryStreamId(name), expected: 'any' as const, events: some.map(({ type, data }) => ({ eventId: randomUUID(), type, data })) };
    const { results, rows, heads } = await planAppend(sql, [append], { lookForRepetitions: false });
    for (const result of results) if (result instanceof MillraceError) throw result;
    await sql(`with events_written as (${insertEvents('$1')}) ${advanceStreams('$2')}`, [JSON.stringify(rows), JSON.stringify(heads)]);
    for (const event of some) await projectEvent(sql, name, event);
    await projectPosition(sql, name, heads[0]?.version ?? 0);
  }
}
