import { inTransaction, type Sql } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { projectComposes, writeComposes, writeTrees } from './compose-rows.js';
import { fold } from './load-composes.js';

export interface ComposeRebuildResult {
  readonly composes: number;
  readonly events: number;
}

const prefix = 'compose:';
const batchSize = 200;

/** Empties the projections of composes and fills them again from the events, in one transaction: readers see the old rows or the new ones. */
export async function rebuildComposes(database: Database): Promise<ComposeRebuildResult> {
  return inTransaction(database, async ({ sql }) => {
    // Commands wait; reads go on. In the order of commands: streams first.
    await sql('lock table streams, composes, compose_trees in share row exclusive mode');
    for (const table of ['composes', 'compose_trees', 'compose_packages'] as const) await sql(`delete from ${table}`);
    let result: ComposeRebuildResult = { composes: 0, events: 0 };
    for (let after = ''; ; ) {
      const streams = await sql<{ id: string }>(`select id from streams where id like '${prefix}%' and version > 0 and id > $1 order by id limit ${batchSize}`, [after]);
      const last = streams.at(-1);
      if (last === undefined) return result;
      after = last.id;
      const events = await rebuildBatch(sql, streams.map(({ id }) => id));
      result = { composes: result.composes + streams.length, events: result.events + events };
    }
  });
}

async function rebuildBatch(sql: Sql, streamIds: readonly string[]): Promise<number> {
  const rows = await sql<{ stream_id: string; type: string; data: string }>('select stream_id, type, data from events where stream_id = any($1::text[]) order by stream_id, position', [streamIds]);
  const streams = Map.groupBy(rows, (row) => row.stream_id);
  const { composes, trees } = projectComposes(streamIds.map((id) => fold(Number(id.slice(prefix.length)), streams.get(id) ?? [])));
  await sql(`with composes_written as (${writeComposes('$1')}) ${writeTrees('$2')}`, [composes, trees]);
  return rows.length;
}
