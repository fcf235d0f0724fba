import { MillraceError } from '../errors/millrace-error.js';
import type { Sql } from '../database/sql.js';
import { chainDigest, firstPreviousDigest } from './event-chain.js';

/** `none`: the stream must not exist; `exists`: it must; a number: position of its last event. */
export type ExpectedPosition = number | 'any' | 'none' | 'exists';

export interface NewEvent {
  /** UUID, lower case; the same id in the same stream is appended once. */
  readonly eventId: string;
  readonly type: string;
  readonly data: unknown;
}

export interface AppendRequest {
  readonly streamId: string;
  readonly expected: ExpectedPosition;
  readonly events: readonly NewEvent[];
  /** Append although the stream is sealed: only what closes a session may. */
  readonly evenIfSealed?: boolean;
}

export interface AppendedEvent {
  readonly eventId: string;
  readonly position: number;
  readonly digest: string;
  /** True when the event was in the stream before this call. */
  readonly repeated: boolean;
}

export interface AppendResult {
  readonly streamId: string;
  /** Position of the last event. */
  readonly version: number;
  readonly lastDigest: string;
  readonly events: readonly AppendedEvent[];
}

/** PostgreSQL gives back lower case, and the digest covers the text. */
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

interface StreamHead {
  version: number;
  lastDigest: string;
  sealed: boolean;
}

export interface EventRow {
  readonly stream_id: string;
  readonly position: number;
  readonly event_id: string;
  readonly type: string;
  readonly data: string;
  readonly previous_digest: string;
  readonly digest: string;
}

/**
 * Appends to one stream or to several in the caller's transaction; streams are locked in the order of their ids, so two batches
 * never wait for each other. Nothing is appended when one of the requests fails. Results are in the order of the requests.
 * Errors: `record-conflict` (expected position), `record-sealed`.
 */
export async function appendToStreams(sql: Sql, requests: readonly AppendRequest[]): Promise<readonly AppendResult[]> {
  if (requests.length === 0) return [];
  const { results, rows, heads } = await planAppend(sql, requests, { lookForRepetitions: true });
  const refused = results.find((result) => result instanceof MillraceError);
  if (refused !== undefined) throw refused;
  if (rows.length > 0) await sql(`with events_written as (${insertEvents('$1')}) ${advanceStreams('$2')}`, [JSON.stringify(rows), JSON.stringify(heads)]);
  return results.filter((result): result is AppendResult => !(result instanceof MillraceError));
}

export async function appendToStream(sql: Sql, request: AppendRequest): Promise<AppendResult> {
  const [result] = await appendToStreams(sql, [request]);
  if (result === undefined) throw new MillraceError('internal', 'an append answered nothing');
  return result;
}

export interface AppendPlan {
  /** For each request, in their order: what its append gives, or why it is refused (the others are not). */
  readonly results: readonly (AppendResult | MillraceError)[];
  /** Parameters of `insertEvents` and `advanceStreams`. */
  readonly rows: readonly EventRow[];
  readonly heads: readonly { readonly id: string; readonly version: number; readonly last_digest: string }[];
}

export interface PlanOptions {
  /** False saves a look-up; then an event that is there already is a unique violation when the rows are inserted. */
  readonly lookForRepetitions: boolean;
}

/** The first half of an append, for a caller that writes events and projections in one statement: locks, checks and chains. */
export async function planAppend(sql: Sql, requests: readonly AppendRequest[], options: PlanOptions): Promise<AppendPlan> {
  const ids = [...new Set(requests.map((request) => request.streamId))].sort();
  if (ids.length !== requests.length) throw new MillraceError('internal', 'a batch names each stream once');
  const streams = await lockHeads(sql, requests, ids);
  const known = options.lookForRepetitions ? await findKnown(sql, requests) : new Map<string, never>();
  const rows: EventRow[] = [];
  const results = requests.map((request) => chainEvents({ request, head: streams.get(request.streamId), known, rows }));
  const heads = results.flatMap((result) => (result instanceof MillraceError ? [] : [{ id: result.streamId, version: result.version, last_digest: result.lastDigest }]));
  return { results, rows, heads };
}

/** Statements whose rows come from a JSON parameter; parts of a larger statement where that saves round trips. */
export const insertEvents = (parameter: string): string => `insert into events (stream_id, position, event_id, type, data, previous_digest, digest)
  select stream_id, position, event_id, type, data, previous_digest, digest
  from json_to_recordset(${parameter}::json) as e(stream_id text, position bigint, event_id uuid, type text, data text, previous_digest text, digest text)`;
export const advanceStreams = (parameter: string): string => `update streams s set version = a.version, last_digest = a.last_digest
  from json_to_recordset(${parameter}::json) as a(id text, version bigint, last_digest text) where s.id = a.id`;

async function lockHeads(sql: Sql, requests: readonly AppendRequest[], ids: readonly string[]): Promise<Map<string, StreamHead>> {
  const creatable = requests.filter((request) => request.expected !== 'exists' && (typeof request.expected !== 'number' || request.expected === 0)).map((request) => request.streamId).sort();
  if (creatable.length > 0) {
    // Locks nothing that exists; a concurrent creation of the same stream is waited for here.
    await sql('insert into streams (id, last_digest) select id, $2 from unnest($1::text[]) as id order by id on conflict do nothing', [creatable, firstPreviousDigest]);
  }
  const rows = await sql<{ id: string; version: string; last_digest: string; sealed: boolean }>(
    'select id, version, last_digest, sealed from streams where id = any($1::text[]) order by id for no key update',
    [ids],
  );
  return new Map(rows.map((row) => [row.id, { version: Number(row.version), lastDigest: row.last_digest, sealed: row.sealed }]));
}

/** Events of the batch that are in their streams already: `streamId eventId` → position and digest. */
async function findKnown(sql: Sql, requests: readonly AppendRequest[]): Promise<Map<string, { position: number; digest: string }>> {
  const pairs = requests.flatMap((request) => request.events.map((event) => ({ stream_id: request.streamId, event_id: event.eventId })));
  const rows = await sql<{ stream_id: string; event_id: string; position: string; digest: string }>(
    `select e.stream_id, e.event_id, e.position, e.digest from events e
     join json_to_recordset($1::json) as p(stream_id text, event_id uuid) on p.stream_id = e.stream_id and p.event_id = e.event_id`,
    [JSON.stringify(pairs)],
  );
  return new Map(rows.map((row) => [`${row.stream_id} ${row.event_id}`, { position: Number(row.position), digest: row.digest }]));
}

function chainEvents(work: { request: AppendRequest; head: StreamHead | undefined; known: ReadonlyMap<string, { position: number; digest: string }>; rows: EventRow[] }): AppendResult | MillraceError {
  const { request, head, known, rows } = work;
  const before = head?.version ?? 0;
  const wrong = request.events.find((event) => !uuid.test(event.eventId));
  if (wrong !== undefined) return new MillraceError('internal', `not a lower-case UUID: ${wrong.eventId}`);
  const fresh = request.events.filter((event) => !known.has(`${request.streamId} ${event.eventId}`));
  // A repetition whose every event is there is answered whatever has happened since.
  if (fresh.length > 0) {
    const refusal = refuse(request, before, head?.sealed === true);
    if (refusal !== undefined) return refusal;
  }
  let version = before;
  let lastDigest = head?.lastDigest ?? firstPreviousDigest;
  const events = request.events.map((event): AppendedEvent => {
    const there = known.get(`${request.streamId} ${event.eventId}`);
    if (there !== undefined) return { eventId: event.eventId, ...there, repeated: true };
    const data = JSON.stringify(event.data);
    const previous = lastDigest;
    version += 1;
    lastDigest = chainDigest(previous, { streamId: request.streamId, position: version, eventId: event.eventId, type: event.type, data });
    rows.push({ stream_id: request.streamId, position: version, event_id: event.eventId, type: event.type, data, previous_digest: previous, digest: lastDigest });
    return { eventId: event.eventId, position: version, digest: lastDigest, repeated: false };
  });
  return { streamId: request.streamId, version, lastDigest, events };
}

function refuse(request: AppendRequest, version: number, sealed: boolean): MillraceError | undefined {
  const { expected, streamId } = request;
  const met = expected === 'any' || (expected === 'none' ? version === 0 : expected === 'exists' ? version > 0 : version === expected);
  if (!met) return new MillraceError('record-conflict', `${streamId} is at position ${version}, not at ${expected}`);
  return sealed && request.evenIfSealed !== true ? new MillraceError('record-sealed', `${streamId} is closed`) : undefined;
}
