import { inTransaction, type Sql } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { entryStreamPrefix } from '../cache/entry-stream.js';
import type { CacheEntryEvent } from '../cache/cache-events.js';
import { projectEntryEvents } from './entry-events.js';

/** Events of one round trip. */
const page = 2000;

export interface RebuiltCacheEntries {
  /** Names, also of entries that went. */
  readonly entries: number;
  readonly events: number;
}

/** Empties `cache_entry_names` and fills it again from the events, in one transaction. Which blobs and entries there are is what the store has, and stays. */
export async function rebuildCacheEntries(database: Database): Promise<RebuiltCacheEntries> {
  return inTransaction(database, async ({ sql }) => {
    // Pushes wait; reads go on. In the order of pushes: streams first.
    await sql('lock table streams, cache_entry_names in share row exclusive mode');
    await sql('delete from cache_entry_names');
    let [entries, events] = [0, 0];
    for (let after: EventPlace = { stream_id: '', position: '0' }; ; ) {
      const rows = await readEvents(sql, after);
      for (const group of groupByPosition(rows)) await projectEntryEvents(sql, group.map(toProjected));
      events += rows.length;
      entries += rows.filter(({ position }) => position === '1').length;
      const last = rows.at(-1);
      if (last === undefined || rows.length < page) return { entries, events };
      after = last;
    }
  });
}

interface EventPlace {
  readonly stream_id: string;
  readonly position: string;
}

interface EventRow extends EventPlace {
  readonly type: string;
  readonly data: string;
  readonly at: string;
}

function readEvents(sql: Sql, { stream_id, position }: EventPlace): Promise<EventRow[]> {
  return sql(
    `select stream_id, position, type, data, recorded_at::text as at from events
     where stream_id >= '${entryStreamPrefix}' and stream_id like '${entryStreamPrefix}%' and (stream_id, position) > ($1, $2) order by stream_id, position limit ${page}`,
    [stream_id, position],
  );
}

/** Each has at most one event a stream, in their order. */
function groupByPosition(rows: readonly EventRow[]): EventRow[][] {
  const groups: EventRow[][] = [];
  let [stream, depth] = ['', 0];
  for (const row of rows) {
    depth = row.stream_id === stream ? depth + 1 : 0;
    stream = row.stream_id;
    (groups[depth] ??= []).push(row);
  }
  return groups;
}

function toProjected({ stream_id, type, data, at }: EventRow): Parameters<typeof projectEntryEvents>[1][number] {
  const [kind = '', name = ''] = stream_id.split('/').slice(-2);
  const instance = stream_id.slice(entryStreamPrefix.length, -(kind.length + name.length + 2));
  return { instance, kind, nameDigest: Buffer.from(name, 'hex'), at, event: { type, data: JSON.parse(data) as unknown } as CacheEntryEvent };
}
