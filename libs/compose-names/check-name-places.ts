import { query } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { readNameLink } from './name-places.js';

/** Has names written again whose link in the directory of composes is not what the record says: a worker that was held up, a backup that was restored. Answers how many. */
export async function checkNamePlaces(database: Database, composes: string): Promise<number> {
  const rows = await query<{ name: string; tree: string | null }>(
    database,
    `select p.name, coalesce(c.reused_id, c.id) as tree from compose_name_places p
     left join compose_names n on n.name = p.name left join composes c on c.id = n.compose_id where p.published >= p.wanted`,
  );
  const wrong: string[] = [];
  for (const { name, tree } of rows) {
    const expected = tree === null ? undefined : `../odcs-${tree}`;
    if ((await readNameLink(composes, name)) !== expected) wrong.push(name);
  }
  if (wrong.length > 0) await query(database, 'update compose_name_places set published = 0, due_at = now() where name = any($1::text[])', [wrong]);
  return wrong.length;
}
