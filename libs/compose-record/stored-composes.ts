import { query } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { composeStates } from '../compose/compose-vocabulary.js';
import type { TreeName } from '../compose-engine/compose-engine.js';

/** What of the storage belongs to composes; for sweeps. Errors: `database-unavailable`. */
export interface StoredComposes {
  /** Those of the given trees that no compose has, waits for, or may be about to make. */
  unknownTrees(trees: readonly TreeName[]): Promise<readonly TreeName[]>;
  /** Digests of the plans of composes that are there, or were removed in the last so many days. */
  plans(days: number): Promise<readonly string[]>;
}

export function createStoredComposes(database: Database): StoredComposes {
  const { wait, generating, removed } = composeStates;
  return {
    async unknownTrees(trees) {
      if (trees.length === 0) return [];
      const rows = await query<{ id: string }>(
        database,
        `select t.id from unnest($1::bigint[]) as t(id)
         where not exists (select 1 from compose_trees k where k.id = t.id)
           and not exists (select 1 from composes c where c.promises = t.id)
           and not exists (select 1 from composes o where o.id = t.id and o.state in (${wait}, ${generating}))`,
        [trees.map(({ id }) => id)],
      );
      const unknown = new Set(rows.map((row) => Number(row.id)));
      return trees.filter(({ id }) => unknown.has(id));
    },
    async plans(days) {
      const rows = await query<{ plan: string }>(
        database,
        `select distinct plan from composes where plan is not null and (state <> ${removed} or removed_at > now() - make_interval(days => $1))`,
        [days],
      );
      return rows.map((row) => row.plan);
    },
  };
}
