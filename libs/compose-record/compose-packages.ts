import { composeStates } from '../compose/compose-vocabulary.js';
import { inTransaction, query, type Sql } from '../database/sql.js';
import type { Database } from '../database/open-database.js';

/** Which composes have a package file. No event tells it: the plans do, which lie with the workers, and these rows are made from them. Errors: `database-unavailable`. */
export interface ComposePackages {
  /** Trees that are there and whose packages are not known yet, with the digests of their plans, by id: those after the given one. */
  unknown(after: number, limit: number): Promise<readonly { readonly tree: number; readonly plan: string }[]>;
  /** All package files of a tree (SHA-256, lower-case hex). Nothing where the tree is there no more, or another attempt makes it again. */
  remember(tree: number, digests: readonly string[]): Promise<void>;
}

/** Rows of one statement. */
const batch = 10_000;

export function createComposePackages(database: Database): ComposePackages {
  return {
    async unknown(after, limit) {
      const rows = await query<{ id: string; plan: string }>(database, `select id, plan from compose_trees where state = 'ready' and plan is not null and not packages_known and id > $1 order by id limit $2`, [after, limit]);
      return rows.map(({ id, plan }) => ({ tree: Number(id), plan }));
    },

    async remember(tree, digests) {
      await inTransaction(database, async ({ sql }) => {
        // Held until the commit: whoever forgets the tree forgets these, too.
        const there = await sql(`update compose_trees set packages_known = true where id = $1 and state in ('generating', 'ready') returning 1 as held`, [tree]);
        if (there.length === 0) return;
        await sql('delete from compose_packages where tree = $1', [tree]);
        for (let from = 0; from < digests.length; from += batch) {
          await sql('insert into compose_packages (sha256, tree) select sha256, $1 from unnest($2::text[]) as d(sha256) on conflict do nothing', [tree, digests.slice(from, from + batch)]);
        }
      });
    },
  };
}

/** Composes that are done and not removed, newest first, by the digests that they have; at most so many of each. */
export async function findComposesOf(sql: Sql, digests: readonly string[], most: number): Promise<readonly { readonly sha256: string; readonly compose: number }[]> {
  const rows = await sql<{ sha256: string; id: string }>(
    `select d.sha256, c.id from unnest($1::text[]) as d(sha256) cross join lateral
       (select c.id from compose_packages p join composes c on c.promises = p.tree where p.sha256 = d.sha256 and c.state = ${composeStates.done} order by c.id desc limit $2) c`,
    [digests, most],
  );
  return rows.map(({ sha256, id }) => ({ sha256, compose: Number(id) }));
}
