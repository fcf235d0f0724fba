import { openDatabase } from '../../libs/database/open-database.js';
import { query } from '../../libs/database/sql.js';

/** Copies the rows of a compose that is done: as a service has them after years. Their owners are `owner-0` to `owner-99`. */
export async function addRecordedComposes(databaseUrl: string, count: number): Promise<void> {
  const database = await openDatabase(databaseUrl);
  try {
    const columns = (await query<{ name: string }>(database, `select column_name as name from information_schema.columns where table_name = 'composes' and column_name not in ('id', 'owner')`)).map(({ name }) => `"${name}"`).join(', ');
    await query(
      database,
      `insert into composes (id, owner, ${columns})
       select nextval('compose_ids'), 'owner-' || (n % 100), ${columns} from generate_series(1, $1) n, (select * from composes where state = 2 order by id limit 1) done`,
      [count],
    );
    await query(database, 'analyze composes');
  } finally {
    await database.close();
  }
}
