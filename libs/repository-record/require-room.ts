import type { Sql } from '../database/sql.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { RepositorySettings } from '../repository/repository.js';

/** Packages that a refusal names. */
const named = 5;

/** A component or an architecture that packages are listed in cannot be taken out: no index could be written after it. Errors: `invalid-request`. */
export async function requireRoom(sql: Sql, repository: string, { haiku, deb }: RepositorySettings): Promise<void> {
  const architectures = deb === null ? ['any', 'source', haiku?.architecture] : ['all', ...deb.architectures];
  if (haiku === null && deb === null) return;
  const rows = await sql<{ key: string; component: string; architecture: string }>(
    `select p.key, p.component, p.architecture from repository_listings l join repository_packages p on p.repository = l.repository and p.key = l.key
     where l.repository = $1 and l.until_state is null and (p.architecture <> all($2::text[]) or ($3::text[] is not null and p.component <> all($3::text[]))) order by p.key limit ${named}`,
    [repository, architectures, deb?.components ?? null],
  );
  if (rows.length === 0) return;
  const what = rows.map(({ key, component, architecture }) => `${key} (${component === '' ? architecture : `${component}, ${architecture}`})`);
  throw new MillraceError('invalid-request', `the repository ${repository} lists packages that would have no place: ${what.join(', ')}${rows.length === named ? ' …' : ''}`, {
    details: rows,
    suggestion: 'Remove these packages first, or keep their component and architecture in the settings.',
  });
}
