import { inTransaction, type Sql } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { readStream } from '../event-store/read-stream.js';
import type { SessionEvent } from '../session/session-events.js';
import { projectTraffic, type PositionedTrafficEvent } from './projection-rows.js';
import { isTrafficEvent, writeLifecycleProjection, writeTrafficProjections } from './write-projections.js';

export interface RebuildResult {
  readonly sessions: number;
  readonly events: number;
}

const prefix = 'session:';
const batchSize = 500;

/** Empties the projections and fills them again from the events, in one transaction: readers see the old rows or the new ones. */
export async function rebuildProjections(database: Database): Promise<RebuildResult> {
  return inTransaction(database, async ({ sql }) => {
    // Appends wait; reads go on. In the order of appends: streams first.
    await sql('lock table streams, sessions, artefacts, downloads in share row exclusive mode');
    for (const table of ['downloads', 'artefacts', 'sessions'] as const) await sql(`delete from ${table}`);
    const streams = await sql<{ id: string }>(`select id from streams where id like '${prefix}%' order by id`);
    let events = 0;
    for (const { id } of streams) events += await rebuildStream(sql, id);
    return { sessions: streams.length, events };
  });
}

async function rebuildStream(sql: Sql, streamId: string): Promise<number> {
  const sessionId = streamId.slice(prefix.length);
  let traffic: PositionedTrafficEvent[] = [];
  let events = 0;
  const flush = async (): Promise<void> => {
    if (traffic.length > 0) await writeTrafficProjections(sql, projectTraffic(traffic));
    traffic = [];
  };
  for await (const stored of readStream(sql, streamId)) {
    const event = { type: stored.type, data: JSON.parse(stored.data) as unknown } as SessionEvent;
    events += 1;
    if (isTrafficEvent(event)) {
      traffic.push({ sessionId, position: stored.position, event });
      if (traffic.length >= batchSize) await flush();
    } else {
      await flush();
      await writeLifecycleProjection(sql, { sessionId, position: stored.position }, event);
    }
  }
  await flush();
  return events;
}
