import type { Sql } from '../database/sql.js';
import { composeStreamId } from '../compose/compose.js';
import type { ComposeEvent } from '../compose/compose-events.js';
import { evolve, unborn, type ComposeLife } from '../compose/compose-life.js';

export interface LoadedCompose {
  readonly id: number;
  readonly life: ComposeLife;
  /** Position of its last event; 0: there is none. */
  readonly version: number;
}

/** Locks the streams until the transaction ends, in the one order that everybody keeps, and reads them. Composes that are not there are `unborn`. */
export async function lockComposes(sql: Sql, ids: readonly number[]): Promise<ReadonlyMap<number, LoadedCompose>> {
  const streamIds = ids.map(composeStreamId);
  await sql('select 1 from streams where id = any($1::text[]) order by id for no key update', [streamIds]);
  const rows = await sql<{ stream_id: string; type: string; data: string }>('select stream_id, type, data from events where stream_id = any($1::text[]) order by stream_id, position', [streamIds]);
  const events = Map.groupBy(rows, (row) => row.stream_id);
  return new Map(ids.map((id) => [id, fold(id, events.get(composeStreamId(id)) ?? [])]));
}

export async function lockCompose(sql: Sql, id: number): Promise<LoadedCompose> {
  return (await lockComposes(sql, [id])).get(id) ?? { id, life: unborn, version: 0 };
}

export function fold(id: number, events: readonly { readonly type: string; readonly data: string }[]): LoadedCompose {
  const life = events.reduce((before, { type, data }) => evolve(before, { type, data: JSON.parse(data) as unknown } as ComposeEvent), unborn);
  return { id, life, version: events.length };
}
