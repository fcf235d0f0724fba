import type { Sql } from '../database/sql.js';
import type { PackageOrigin } from '../repository/listed-package.js';
import { toOrigin } from './repository-rows.js';

/** Of each kind; what everybody downloads is in very many sessions. */
const most = 100;

/**
 * Who has had these bytes: sessions, newest first, that downloaded them, and repositories with what was said there when they were published. What packages a compose
 * has is not in the record but in its plan, which lies in the content store: composes are told where somebody has said so.
 */
export async function findOrigins(sql: Sql, sha256: string): Promise<readonly PackageOrigin[]> {
  if (!/^[0-9a-f]{64}$/.test(sha256)) return [];
  const sessions = await sql<{ session_id: string }>('select a.session_id from artefacts a join sessions s on s.id = a.session_id where a.sha256 = $1 order by s.opened_at desc, a.session_id limit $2', [sha256, most]);
  const repositories = await sql<{ repository: string; origin: string }>('select repository, origin from repository_packages where sha256 = $1 order by added_at, repository, key limit $2', [sha256, most]);
  return [
    ...sessions.map(({ session_id }) => ({ session: session_id, found: true })),
    ...repositories.map(({ repository, origin }) => ({ ...toOrigin(origin), repository, found: true })),
  ];
}
