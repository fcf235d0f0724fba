import type { Database } from '../database/open-database.js';
import { inTransaction, query, type Sql } from '../database/sql.js';
import { recordCacheEvent } from './entry-events.js';

/** What PostgreSQL knows of the one store of the cache. Errors of all: `database-unavailable`. */
export interface StoreRecord {
  /** What the store is marked with; undefined: it has never been used. */
  marker(): Promise<string | undefined>;
  /** Answers the marker that counts: the first one that was ever given. */
  takeMarker(marker: string): Promise<string>;
  /** Keys of some objects that have to be there. */
  someObjects(limit: number): Promise<readonly string[]>;
  /** Appends `CacheStoreAlarm` for every instance, if it was not away before. */
  recordAway(problem: string): Promise<void>;
  /** The same, if it was away. */
  recordBack(): Promise<void>;
}

export interface StoreRecordOptions {
  /** Names of all instances. */
  readonly instances: readonly string[];
  readonly clock?: () => Date;
}

export function createStoreRecord(database: Database, { instances, clock = () => new Date() }: StoreRecordOptions): StoreRecord {
  async function tellAll(sql: Sql, data: { readonly problem: string; readonly state: 'raised' | 'cleared' }): Promise<void> {
    // In one order, so that no two processes wait for each other.
    for (const instance of instances.toSorted()) await recordCacheEvent(sql, instance, { type: 'CacheStoreAlarm', data });
  }

  return {
    async marker() {
      const [row] = await query<{ marker: string | null }>(database, 'select marker from cache_stores where id = 1');
      return row?.marker ?? undefined;
    },

    async takeMarker(marker) {
      const [row] = await query<{ marker: string }>(database, 'insert into cache_stores as s (id, marker) values (1, $1) on conflict (id) do update set marker = coalesce(s.marker, excluded.marker) returning marker', [marker]);
      return row?.marker ?? marker;
    },

    async someObjects(limit) {
      const rows = await query<{ object: string }>(database, 'select object from cache_blobs where present and object is not null order by id desc limit $1', [limit]);
      return rows.map(({ object }) => object);
    },

    recordAway: (problem) =>
      inTransaction(database, async ({ sql }) => {
        const raised = await sql('insert into cache_stores as s (id, away_since, problem) values (1, $1, $2) on conflict (id) do update set away_since = excluded.away_since, problem = excluded.problem where s.away_since is null returning id', [clock().toISOString(), problem]);
        if (raised.length > 0) await tellAll(sql, { problem, state: 'raised' });
      }),

    recordBack: () =>
      inTransaction(database, async ({ sql }) => {
        const [away] = await sql<{ problem: string | null }>('select problem from cache_stores where id = 1 and away_since is not null for update');
        if (away === undefined) return;
        await sql('update cache_stores set away_since = null, problem = null where id = 1');
        await tellAll(sql, { problem: away.problem ?? '', state: 'cleared' });
      }),
  };
}
