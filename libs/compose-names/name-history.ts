import { query } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { composeNameStreamId, nameNotFound, type ComposeNameEvent } from './compose-name-life.js';
import type { NamedCompose } from './compose-names.js';

/** Newest first; also of a name that was removed. Errors: `compose-name-not-found` where there was never one. */
export async function readNameHistory(database: Database, name: string, limit: number): Promise<readonly NamedCompose[]> {
  const rows = await query<{ type: string; data: string }>(
    database,
    `select type, data from events where stream_id = $1 and type in ('NamePromoted', 'NameRolledBack') order by position desc limit $2`,
    [composeNameStreamId(name), limit],
  );
  if (rows.length === 0) throw nameNotFound(name);
  return rows.map((row) => {
    const { type, data } = { type: row.type, data: JSON.parse(row.data) as unknown } as Exclude<ComposeNameEvent, { type: 'NameRemoved' }>;
    return { composeId: data.composeId, since: data.since, by: data.by, kind: type === 'NamePromoted' ? 'promoted' : 'rolled-back' };
  });
}
