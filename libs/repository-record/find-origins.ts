import { functionNumbers } from '../cache-record/blob-keys.js';
import { findComposesOf } from '../compose-record/compose-packages.js';
import type { Sql } from '../database/sql.js';
import type { PackageOrigin } from '../repository/listed-package.js';
import { toOrigin } from './repository-rows.js';

/** Of each kind; what everybody downloads is in very many sessions. */
const most = 100;

/** Who has had these bytes: sessions that downloaded them, composes that are there and have them, entries of the artifact cache that name them, each newest first; and repositories, with what was said there when they were published. */
export async function findOrigins(sql: Sql, sha256: string): Promise<readonly PackageOrigin[]> {
  if (!/^[0-9a-f]{64}$/.test(sha256)) return [];
  const sessions = await findSessionsOf(sql, [sha256], most);
  const composes = await findComposesOf(sql, [sha256], most);
  const entries = await findEntriesOf(sql, [sha256], most);
  const repositories = await sql<{ repository: string; origin: string }>('select repository, origin from repository_packages where sha256 = $1 order by added_at, repository, key limit $2', [sha256, most]);
  const origins: Omit<PackageOrigin, 'found'>[] = [
    ...sessions.map(({ session }) => ({ session })),
    ...composes.map(({ compose }) => ({ compose })),
    ...entries.map(({ cache }) => ({ cache })),
    ...repositories.map(({ repository, origin }) => ({ ...toOrigin(origin), repository })),
  ];
  return origins.map((origin) => ({ ...origin, found: true }));
}

/** The newest session, compose and entry of each digest; nothing for those that nobody has had. */
export async function findNewestOrigins(sql: Sql, digests: readonly string[]): Promise<ReadonlyMap<string, PackageOrigin>> {
  if (digests.length === 0) return new Map();
  const all = [...(await findSessionsOf(sql, digests, 1)), ...(await findComposesOf(sql, digests, 1)), ...(await findEntriesOf(sql, digests, 1))];
  const found = new Map<string, PackageOrigin>();
  for (const { sha256, ...origin } of all) found.set(sha256, { ...found.get(sha256), ...origin, found: true });
  return found;
}

async function findSessionsOf(sql: Sql, digests: readonly string[], limit: number): Promise<readonly { readonly sha256: string; readonly session: string }[]> {
  return sql<{ sha256: string; session: string }>(
    `select d.sha256, a.session_id as session from unnest($1::text[]) as d(sha256) cross join lateral
       (select a.session_id from artefacts a join sessions s on s.id = a.session_id where a.sha256 = d.sha256 order by s.opened_at desc, a.session_id limit $2) a`,
    [digests, limit],
  );
}

/** Entries whose value, or whose action's outputs, name the blob; not those that have it somewhere in a directory. */
async function findEntriesOf(sql: Sql, digests: readonly string[], limit: number): Promise<readonly { readonly sha256: string; readonly cache: NonNullable<PackageOrigin['cache']> }[]> {
  const rows = await sql<{ sha256: string; instance: string; key: string }>(
    `select d.sha256, e.instance, e.key from unnest($1::text[]) as d(sha256) cross join lateral
       (select e.instance, e.key from cache_blobs b join cache_entry_blobs n on n.blob_id = b.id join cache_entries e on e.id = n.entry_id
        where b.instance in (select instance from cache_usage) and b.hash = decode(d.sha256, 'hex') and b.function = $3 and (e.expires_at is null or e.expires_at > now())
        order by e.pushed_at desc, e.instance, e.key limit $2) e`,
    [digests, limit, functionNumbers.sha256],
  );
  return rows.map(({ sha256, instance, key }) => ({ sha256, cache: { instance, key } }));
}
