import { randomUUID } from 'node:crypto';
import type { ArtifactCacheEvent, CacheEntryEvent, CacheEntryPushed, CacheEntryRemoved } from '../cache/cache-events.js';
import { cacheStreamId } from '../cache/entry-stream.js';
import type { Sql } from '../database/sql.js';
import { appendToStream } from '../event-store/append-to-streams.js';
import { MillraceError } from '../errors/millrace-error.js';
import { advanceStreams, insertEvents, planAppend } from '../event-store/append-to-streams.js';
import { keyStart } from './entry-rows.js';

/** An event of one entry, with what names it in tables. */
export interface NamedEvent {
  readonly instance: string;
  readonly kind: string;
  readonly nameDigest: Buffer;
  readonly stream: string;
  readonly event: CacheEntryEvent;
}

/** Appends, at most one event an entry, and brings the projection up to date. */
export async function recordEntryEvents(sql: Sql, events: readonly NamedEvent[]): Promise<void> {
  if (events.length === 0) return;
  const requests = events.map(({ stream, event }) => ({ streamId: stream, expected: 'any' as const, events: [{ eventId: randomUUID(), type: event.type, data: event.data }] }));
  const { results, rows, heads } = await planAppend(sql, requests, { lookForRepetitions: false });
  for (const result of results) if (result instanceof MillraceError) throw result;
  await sql(`with events_written as (${insertEvents('$1')}) ${advanceStreams('$2')}`, [JSON.stringify(rows), JSON.stringify(heads)]);
  await projectEntryEvents(sql, events);
}

export async function recordCacheEvent(sql: Sql, instance: string, { type, data }: ArtifactCacheEvent): Promise<void> {
  await appendToStream(sql, { streamId: cacheStreamId(instance), expected: 'any', events: [{ eventId: randomUUID(), type, data }] });
}

interface ProjectedEvent extends Omit<NamedEvent, 'stream'> {
  /** When it was recorded; undefined: in this transaction. */
  readonly at?: string;
}

/** What `cache_entry_names` is by some more events, at most one an entry: recording and rebuilding are the same. */
export async function projectEntryEvents(sql: Sql, events: readonly ProjectedEvent[]): Promise<void> {
  const pushed = events.flatMap((one) => (one.event.type === 'CacheEntryPushed' ? [pushedRow(one, one.event.data)] : []));
  const removed = events.flatMap((one) => (one.event.type === 'CacheEntryRemoved' ? [removedRow(one, one.event.data)] : []));
  if (pushed.length > 0) {
    await sql(
      `insert into cache_entry_names as n (instance, kind, name_digest, key, key_start, qualifiers, pushes, pushed_at, pushed_by, session, build)
       select instance, kind, decode(name, 'hex'), key, key_start, qualifiers, 1, coalesce(at, now()), by, session, build
       from json_to_recordset($1::json) as p(instance text, kind text, name text, key text, key_start text, qualifiers text, at timestamptz, by text, session text, build text)
       on conflict (instance, kind, name_digest) do update set pushes = n.pushes + 1, pushed_at = excluded.pushed_at, pushed_by = excluded.pushed_by, session = excluded.session, build = excluded.build,
         removed_at = null, removed_by = null, reason = null`,
      [JSON.stringify(pushed)],
    );
  }
  if (removed.length > 0) {
    await sql(
      `update cache_entry_names n set removed_at = coalesce(r.at, now()), removed_by = r.by, reason = r.reason
       from json_to_recordset($1::json) as r(instance text, kind text, name text, at timestamptz, by text, reason text)
       where n.instance = r.instance and n.kind = r.kind and n.name_digest = decode(r.name, 'hex')`,
      [JSON.stringify(removed)],
    );
  }
}

const named = ({ instance, kind, nameDigest, at }: ProjectedEvent): object => ({ instance, kind, name: nameDigest.toString('hex'), at: at ?? null });

function pushedRow(one: ProjectedEvent, { key, qualifiers, by, origin }: CacheEntryPushed): object {
  return { ...named(one), key, key_start: keyStart(key), qualifiers: JSON.stringify(qualifiers), by, session: origin.session ?? null, build: origin.build ?? null };
}

function removedRow(one: ProjectedEvent, { reason, by }: CacheEntryRemoved): object {
  return { ...named(one), by, reason };
}
