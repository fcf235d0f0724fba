import { randomUUID } from 'node:crypto';
import { query, type Sql } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { readCompose } from '../compose-record/read-composes.js';
import { errorMessage } from '../errors/error-message.js';
import { nameColumns, toComposeName, type SelectedName } from './compose-name-rows.js';
import type { NamePlace } from './name-places.js';

export interface NamePublisherOptions {
  readonly database: Database;
  readonly places: readonly NamePlace[];
  /** Called with each name that could not be written; it is tried again. */
  readonly onFailure: (name: string, reason: string) => void;
}

const batch = 20;
/** Seconds after which another worker takes over what one has claimed. */
const lease = 30;

const claimStatement = `update compose_name_places set owner = $1, due_at = now() + interval '${lease} seconds'
  where name in (select name from compose_name_places where published < wanted and due_at <= now() order by due_at limit ${batch} for update skip locked) returning name`;

/**
 * One round: writes names that have changed to where they are found without the gateway. Each has one worker at a time; whatever moves meanwhile is written again.
 * Answers how many names. Rejects when the database is away.
 */
export async function publishNames({ database, places, onFailure }: NamePublisherOptions): Promise<number> {
  const owner = randomUUID();
  const sql: Sql = (text, parameters) => query(database, text, parameters);
  const claimed = await sql<{ name: string }>(claimStatement, [owner]);
  for (const { name } of claimed) {
    const position = await readPosition(sql, name);
    try {
      await write(sql, name, places);
      await sql('update compose_name_places set published = $3, owner = null, due_at = now(), attempts = 0 where name = $1 and owner = $2', [name, owner, position]);
    } catch (error) {
      onFailure(name, errorMessage(error));
      await sql(`update compose_name_places set owner = null, attempts = attempts + 1, due_at = now() + make_interval(secs => least(60, 2 ^ least(attempts, 6))) where name = $1 and owner = $2`, [name, owner]);
    }
  }
  return claimed.length;
}

/** Read before the name itself: what is written is at least as new. */
async function readPosition(sql: Sql, name: string): Promise<string> {
  const [row] = await sql<{ wanted: string }>('select wanted from compose_name_places where name = $1', [name]);
  return row?.wanted ?? '0';
}

async function write(sql: Sql, name: string, places: readonly NamePlace[]): Promise<void> {
  const [row] = await sql<SelectedName>(`select ${nameColumns} from compose_names where name = $1`, [name]);
  const compose = row === undefined ? undefined : await readCompose(sql, Number(row.compose_id));
  for (const place of places) await (row === undefined || compose === undefined ? place.withdraw(name) : place.publish(toComposeName(row), compose));
}
