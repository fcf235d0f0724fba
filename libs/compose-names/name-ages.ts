import { query } from '../database/sql.js';
import type { Database } from '../database/open-database.js';

/** How old what names point at has become: a name whose composes fail for weeks looks as good as any other. */
export interface NameAge {
  readonly name: string;
  /** Seconds since the compose was made. */
  readonly seconds: number;
}

/** So that a scrape stays small, whatever templates of rules make. */
const most = 500;

/** By name. Errors: `database-unavailable`. */
export async function readNameAges(database: Database): Promise<readonly NameAge[]> {
  const rows = await query<{ name: string; seconds: string }>(
    database,
    'select n.name, extract(epoch from now() - c.done_at) as seconds from compose_names n join composes c on c.id = n.compose_id order by n.name limit $1',
    [most],
  );
  return rows.map(({ name, seconds }) => ({ name, seconds: Math.max(0, Number(seconds)) }));
}
