import { inTransaction, type Sql } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { readStream } from '../event-store/read-stream.js';
import type { RepositoryEvent } from '../repository/repository-events.js';
import { repositoryStreamId } from '../repository/repository.js';
import { projectEvent, projectPosition } from './project-event.js';

const prefix = repositoryStreamId('');
const projections = ['repository_listings', 'repository_packages', 'repository_states', 'repositories'];
/** Events of one round trip: each may have hundreds of packages. */
const pageSize = 50;

export interface RebuiltRepositories {
  /** Streams, of repositories that were removed, too. */
  readonly repositories: number;
  readonly events: number;
}

/** Empties the projections of repositories and fills them again from the events, in one transaction. Uploads, changes and the planned states are no projections, and stay. */
export async function rebuildRepositories(database: Database): Promise<RebuiltRepositories> {
  return inTransaction(database, async ({ sql }) => {
    // Commands wait; reads go on. In the order of commands: streams first.
    await sql(`lock table streams, ${projections.join(', ')} in share row exclusive mode`);
    for (const table of projections) await sql(`delete from ${table}`);
    const streams = await sql<{ id: string }>(`select id from streams where id like '${prefix}%' and version > 0 order by id`);
    let events = 0;
    for (const { id } of streams) events += await rebuild(sql, id);
    return { repositories: streams.length, events };
  });
}

async function rebuild(sql: Sql, streamId: string): Promise<number> {
  const name = streamId.slice(prefix.length);
  let position = 0;
  for await (const { type, data, position: at } of readStream(sql, streamId, { pageSize })) {
    await projectEvent(sql, name, { type, data: JSON.parse(data) as unknown } as RepositoryEvent);
    position = at;
  }
  await projectPosition(sql, name, position);
  return position;
}
