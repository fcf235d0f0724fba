import { randomUUID } from 'node:crypto';
import type { Sql } from '../database/sql.js';
import { isoUtc } from '../database/iso-utc.js';
import { advanceStreams, insertEvents, planAppend } from '../event-store/append-to-streams.js';
import { firstPreviousDigest } from '../event-store/event-chain.js';
import { MillraceError } from '../errors/millrace-error.js';
import { composeNameStreamId, eventsOfLife, evolveName, unnamed, type ComposeNameEvent, type ComposeNameLife } from './compose-name-life.js';
import type { ComposeName } from './compose-names.js';

export interface LoadedName {
  readonly name: string;
  readonly life: ComposeNameLife;
  /** Position of its last event; 0: there is none. */
  readonly version: number;
}

/** Makes the stream where it is missing; of two that do the second waits for the first. */
export async function makeNameStream(sql: Sql, name: string): Promise<void> {
  await sql('insert into streams (id, last_digest) values ($1, $2) on conflict do nothing', [composeNameStreamId(name), firstPreviousDigest]);
}

/** Locks the name until the transaction ends. Names are locked before composes, by everybody. */
export async function lockName(sql: Sql, name: string): Promise<LoadedName> {
  await sql('select 1 from streams where id = $1 for no key update', [composeNameStreamId(name)]);
  return loadName(sql, name);
}

export async function loadName(sql: Sql, name: string): Promise<LoadedName> {
  const rows = await sql<{ position: string; type: string; data: string }>('select position, type, data from events where stream_id = $1 order by position desc limit $2', [composeNameStreamId(name), eventsOfLife]);
  const events = rows.toReversed().map(({ type, data }) => ({ type, data: JSON.parse(data) as unknown }) as ComposeNameEvent);
  return { name, life: events.reduce(evolveName, unnamed), version: Number(rows[0]?.position ?? 0) };
}

/** Appends to the locked name, with its projection and what has to be written where names are found. */
export async function recordName(sql: Sql, { name, life, version }: LoadedName, event: ComposeNameEvent): Promise<LoadedName> {
  const append = { streamId: composeNameStreamId(name), expected: version, events: [{ eventId: randomUUID(), type: event.type, data: event.data }] };
  const { results, rows, heads } = await planAppend(sql, [append], { lookForRepetitions: false });
  for (const result of results) if (result instanceof MillraceError) throw result;
  await sql(`with events_written as (${insertEvents('$1')}) ${advanceStreams('$2')}`, [JSON.stringify(rows), JSON.stringify(heads)]);
  const after = { name, life: evolveName(life, event), version: version + 1 };
  await projectName(sql, after);
  await wantName(sql, after, { anew: false });
  return after;
}

/** Has it written where names are found without the gateway; `anew`: although it may be there already. */
export async function wantName(sql: Sql, { name, version }: Pick<LoadedName, 'name' | 'version'>, { anew }: { readonly anew: boolean }): Promise<void> {
  await sql(`insert into compose_name_places (name, wanted) values ($1, $2) on conflict (name) do update set wanted = excluded.wanted ${anew ? ', published = 0' : ''}`, [name, version]);
}

/** Recording and rebuilding are the same. */
export async function projectName(sql: Sql, { name, life: { current }, version }: LoadedName): Promise<void> {
  if (current === null) {
    await sql('delete from compose_names where name = $1', [name]);
    return;
  }
  await sql(
    `insert into compose_names (name, compose_id, since, set_by, position) values ($1, $2, $3, $4, $5)
     on conflict (name) do update set compose_id = excluded.compose_id, since = excluded.since, set_by = excluded.set_by, position = excluded.position`,
    [name, current.composeId, current.since, current.by, version],
  );
}

export const nameColumns = `name, compose_id, ${isoUtc('since')} as since, set_by`;

export interface SelectedName {
  readonly name: string;
  readonly compose_id: string;
  readonly since: string;
  readonly set_by: string;
}

export function toComposeName({ name, compose_id, since, set_by }: SelectedName): ComposeName {
  return { name, composeId: Number(compose_id), since, by: set_by };
}
