import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import type { Database } from '../database/open-database.js';
import { inTransaction } from '../database/sql.js';
import { advanceStreams, insertEvents, planAppend, type AppendRequest, type AppendResult } from '../event-store/append-to-streams.js';
import { sessionStreamId, type TrafficEvent } from '../session/session-events.js';
import { projectTraffic, type PositionedTrafficEvent } from './projection-rows.js';
import { addToSessions, writeArtefacts, writeDownloads } from './write-projections.js';

export interface BatchItem {
  readonly sessionId: string;
  readonly event: TrafficEvent;
}

/** Everything that a batch writes, in one round trip. */
const writeBatch = `with events_written as (${insertEvents('$1')}), streams_advanced as (${advanceStreams('$2')}),
  downloads_written as (${writeDownloads('$3')}), artefacts_written as (${writeArtefacts('$4')})
  ${addToSessions('$5')}`;

/**
 * Records traffic events of any sessions in one transaction, each chained into its stream in the order of `items`. For each
 * item: undefined when it is durable, or why it was refused (`record-sealed`), which leaves the others alone.
 */
export async function recordBatch(database: Database, items: readonly BatchItem[], options: { readonly lookForRepetitions: boolean }): Promise<readonly (MillraceError | undefined)[]> {
  const bySession = groupBySession(items);
  const requests = [...bySession].map(([sessionId, events]): AppendRequest => ({
    streamId: sessionStreamId(sessionId),
    expected: 'exists',
    events: [...events.values()].map((event) => ({ eventId: event.data.request.exchangeId, type: event.type, data: event.data })),
  }));
  const results = await inTransaction(database, async ({ sql }) => {
    const plan = await planAppend(sql, requests, options);
    const fresh = [...bySession].flatMap(([sessionId, events], index) => freshEvents(sessionId, events, plan.results[index]));
    if (fresh.length === 0) return plan.results;
    const projected = projectTraffic(fresh);
    await sql(writeBatch, [plan.rows, plan.heads, projected.downloads, projected.artefacts, projected.sessions].map((rows) => JSON.stringify(rows)));
    return plan.results;
  });
  const refusals = new Map([...bySession.keys()].map((sessionId, index) => [sessionId, refusalOf(sessionId, results[index])]));
  return items.map((item) => refusals.get(item.sessionId));
}

/** By exchange, so that the same event handed in twice is one. */
function groupBySession(items: readonly BatchItem[]): Map<string, Map<string, TrafficEvent>> {
  const groups = new Map<string, Map<string, TrafficEvent>>();
  for (const { sessionId, event } of items) {
    let group = groups.get(sessionId);
    if (group === undefined) groups.set(sessionId, (group = new Map<string, TrafficEvent>()));
    if (!group.has(event.data.request.exchangeId)) group.set(event.data.request.exchangeId, event);
  }
  return groups;
}

function freshEvents(sessionId: string, events: ReadonlyMap<string, TrafficEvent>, result: AppendResult | MillraceError | undefined): PositionedTrafficEvent[] {
  if (result === undefined || isMillraceError(result)) return [];
  return result.events.flatMap((appended) => {
    const event = events.get(appended.eventId);
    return appended.repeated || event === undefined ? [] : [{ sessionId, position: appended.position, event }];
  });
}

/** A session that is not there any more was closed and deleted: for the exchange it is the same. */
function refusalOf(sessionId: string, result: AppendResult | MillraceError | undefined): MillraceError | undefined {
  if (!isMillraceError(result)) return undefined;
  if (result.code === 'internal') return result;
  return new MillraceError('record-sealed', `session ${sessionId} is closed`, { cause: result });
}
