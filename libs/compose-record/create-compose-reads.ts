import { query, type Sql } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { composeStates, sourceTypes, type ComposeState } from '../compose/compose-vocabulary.js';
import type { ComposeReads } from './compose-commands.js';
import { createComposeChanges } from './compose-changes.js';
import { conditionsOf, listComposes, readCompose } from './read-composes.js';
import { readOwnerUse } from './owner-quota.js';
import { shareQueries } from './share-queries.js';

/** Closing gives up the connection on which changes are heard, and wakes whoever waits. */
export interface ClosableComposeReads extends ComposeReads {
  close(): Promise<void>;
}

/** Errors: `database-unavailable`. */
export function createComposeReads(database: Database): ClosableComposeReads {
  const sql: Sql = (text, parameters) => query(database, text, parameters);
  const changes = createComposeChanges(database);
  const count = shareQueries(async (statement, parameters) => {
    const [row] = await sql<{ total: string }>(statement, parameters);
    return Number(row?.total ?? 0);
  });

  return {
    get: (id) => readCompose(sql, id),

    async list(wanted) {
      const filter = conditionsOf(wanted.filters);
      if (filter === undefined) return { composes: [], total: 0 };
      const [composes, total] = await Promise.all([listComposes(sql, wanted), count(`select count(*) as total from composes ${filter.where}`, filter.parameters)]);
      return { composes, total };
    },

    use: (owner) => readOwnerUse(sql, owner),

    async totals() {
      const rows = await sql<{ source_type: number; state: number; count: string }>('select source_type, state, count(*) as count from composes group by source_type, state order by source_type, state');
      return rows.flatMap((row) => {
        const sourceType = nameOf(sourceTypes, row.source_type);
        const state = nameOf(composeStates, row.state) as ComposeState | undefined;
        return sourceType === undefined || state === undefined ? [] : [{ sourceType, state, count: Number(row.count) }];
      });
    },

    changed: (id, options) => changes.wait(id, options),
    close: () => changes.close(),
  };
}

function nameOf(vocabulary: Readonly<Record<string, number>>, number: number): string | undefined {
  return Object.keys(vocabulary).find((name) => vocabulary[name] === number);
}
