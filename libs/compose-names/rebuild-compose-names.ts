import { inTransaction, type Sql } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { composeNameStreamId } from './compose-name-life.js';
import { loadName, projectName, wantName } from './compose-name-rows.js';

const prefix = composeNameStreamId('');
const batchSize = 200;

/** Empties the projection of names and fills it again from the events, in one transaction. Answers how many names there were events of. */
export async function rebuildComposeNames(database: Database): Promise<number> {
  return inTransaction(database, async ({ sql }) => {
    // Commands wait; reads go on. In the order of commands: streams first.
    await sql('lock table streams, compose_names in share row exclusive mode');
    await sql('delete from compose_names');
    let names = 0;
    for (let after = ''; ; ) {
      const streams = await sql<{ id: string }>(`select id from streams where id like '${prefix}%' and version > 0 and id > $1 order by id limit ${batchSize}`, [after]);
      const last = streams.at(-1);
      if (last === undefined) return names;
      after = last.id;
      for (const { id } of streams) await rebuild(sql, id.slice(prefix.length));
      names += streams.length;
    }
  });
}

/** Where names are found without the gateway, they are written again. */
async function rebuild(sql: Sql, name: string): Promise<void> {
  const loaded = await loadName(sql, name);
  await projectName(sql, loaded);
  await wantName(sql, loaded, { anew: true });
}
