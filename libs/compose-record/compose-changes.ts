import { createChangeWaits, type ChangeWaits } from '../database/change-waits.js';
import { query } from '../database/sql.js';
import type { Database } from '../database/open-database.js';

/** Payload: id and version of the compose, with a space between. */
export const composeChangedChannel = 'millrace_compose_changed';

export function createComposeChanges(database: Database): ChangeWaits<number> {
  return createChangeWaits({
    databaseUrl: database.url,
    channel: composeChangedChannel,
    applicationName: 'millrace-compose-changes',
    isNews: (version, seen) => version !== seen,
    read: (payload) => {
      const [id, version] = payload.split(' ');
      return { key: Number(id), version: Number(version) };
    },
    look: async (ids) => {
      const rows = await query<{ id: string; position: string | null }>(database, 'select w.id, c.position from unnest($1::bigint[]) as w(id) left join composes c on c.id = w.id', [ids]);
      return rows.map(({ id, position }) => ({ key: Number(id), version: Number(position ?? 0) }));
    },
  });
}
