import { query } from '../database/sql.js';
import type { Database } from '../database/open-database.js';

/** Ids of all streams, sorted. */
export async function listStreamIds(database: Database): Promise<readonly string[]> {
  const rows = await query<{ id: string }>(database, 'select id from streams order by id', []);
  return rows.map((row) => row.id);
}
