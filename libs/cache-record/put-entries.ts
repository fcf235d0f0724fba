import type { CacheDigest } from '../cache/cache-digest.js';
import type { BlobReference, CacheEntry, EntryDraft } from '../cache/cache-entry.js';
import { checkEntryDraft, checkPusher } from '../cache/check-entry.js';
import { inTransaction, type Sql } from '../database/sql.js';
import { digestColumns, digestKey, shapeNumbers, toDigest, type SelectedDigest } from './blob-keys.js';
import type { CacheRecord } from './cache-record.js';
import { countBlobs, distinctReferences, type CountChange } from './count-blobs.js';
import { countUsage } from './count-usage.js';
import { recordEntryEvents, type NamedEvent } from './entry-events.js';
import { contentDigest, entryColumns, keyStart, nameKey, toDetails, toEntry, valueDigest, type NameKey, type SelectedEntry } from './entry-rows.js';
import { groupByInstance } from './group-by-instance.js';
import { useTimes, type RecordContext, type UseTimes } from './record-context.js';

/** Pushes that share a transaction, when their values are no longer than this. */
const largestBatch = 200;
const largestShared = 64 * 1024;

interface Push {
  readonly draft: EntryDraft;
  readonly by: string;
  readonly name: NameKey;
  readonly content: Buffer;
  readonly references: readonly BlobReference[];
}

export function createEntryWrites(context: RecordContext): Pick<CacheRecord, 'putEntry'> {
  const put = groupByInstance(context, { commit: (instance, pushes: readonly Push[]) => putEntries(context, instance, pushes), largestBatch });
  return {
    async putEntry(draft, by) {
      checkEntryDraft(draft);
      checkPusher(by);
      const references = distinctReferences(draft.target === undefined ? draft.references : [draft.target, ...draft.references]);
      const push = { draft, by, name: nameKey(draft), content: contentDigest(draft), references };
      if ((draft.value?.length ?? 0) <= largestShared) return put(draft.instance, push);
      const [entry] = await putEntries(context, draft.instance, [push]);
      return entry as CacheEntry;
    },
  };
}

/** Those of different names are written together. Those of one name follow each other in transactions of their own, because each holds what it holds in one order. */
async function putEntries(context: RecordContext, instance: string, pushes: readonly Push[]): Promise<readonly CacheEntry[]> {
  const times = useTimes(context, instance);
  const results = new Map<Push, CacheEntry>();
  for (let waiting = pushes; waiting.length > 0; ) {
    const first = new Map([...waiting].reverse().map((push) => [push.name.stream, push]));
    const distinct = [...first.values()].sort((one, other) => (one.name.stream < other.name.stream ? -1 : 1));
    const entries = await inTransaction(context.database, ({ sql }) => putDistinct(sql, instance, distinct, times));
    distinct.forEach((push, index) => results.set(push, entries[index] as CacheEntry));
    waiting = waiting.filter((push) => !results.has(push));
  }
  return pushes.map((push) => results.get(push) as CacheEntry);
}

interface HeldEntry extends SelectedEntry {
  readonly place: number;
  readonly content: string;
  readonly serial: number;
  readonly value_bytes: number;
}

/** One that is there, with the row that is there; `changed`: other than what is pushed. */
interface Held {
  readonly id: string;
  readonly push: Push;
  readonly before: HeldEntry | undefined;
  readonly changed: boolean;
}

/** In the order of their names, in which all hold entries. */
async function putDistinct(sql: Sql, instance: string, pushes: readonly Push[], times: UseTimes): Promise<readonly CacheEntry[]> {
  const held = await holdEntries(sql, instance, pushes, times.now);
  const replaced = held.filter(({ before, changed }) => before !== undefined && changed);
  const written = held.filter(({ before, changed }) => before === undefined || changed);
  await replaceEntries(sql, replaced, times.now);
  const dropped = await dropReferences(sql, replaced.map(({ id }) => id));
  await addReferences(sql, instance, { written, dropped, now: times.now });
  await recordEntryEvents(sql, written.map(({ push }) => pushedEvent(push)));
  const bytes = written.reduce((sum, { push, before }) => sum + (push.draft.value?.length ?? 0) - (before?.value_bytes ?? 0), 0);
  await countUsage(sql, instance, { entries: held.filter(({ before }) => before === undefined).length, bytes });
  return held.map(({ push, before, changed }) => (before === undefined || changed ? { ...push.draft, pushedAt: times.now, pushedBy: push.by } : toEntry(before)));
}

/** Rows of what is pushed: `$1` is JSON, `$2` all values one after the other. */
const pushedRows = `(select p.*, case when p.value_at is null then null else substring($2::bytea from p.value_at for p.value_bytes) end as value
  from json_to_recordset($1::json) as p(place int, id bigint, kind text, name text, key text, key_start text, qualifiers text, content text, details text, value_at int, value_bytes int, expires_at timestamptz, by text))`;

function pushedParameters(pushes: readonly { readonly push: Push; readonly id?: string }[]): readonly [string, Buffer] {
  let at = 1;
  const rows = pushes.map(({ push: { draft, by, name, content }, id }, index) => {
    const { kind, key, value, expiresAt } = draft;
    const bytes = value?.length ?? 0;
    at += bytes;
    const place = { place: index + 1, id: id ?? null, kind, name: name.nameDigest.toString('hex'), key, key_start: keyStart(key), qualifiers: name.qualifiers };
    return { ...place, content: content.toString('hex'), details: toDetails(draft), value_at: value === undefined ? null : at - bytes, value_bytes: bytes, expires_at: expiresAt ?? null, by };
  });
  return [JSON.stringify(rows), Buffer.concat(pushes.flatMap(({ push: { draft } }) => draft.value ?? []))];
}

/** Makes those that are not there, and holds all; only those that are new have the serial 0. */
async function holdEntries(sql: Sql, instance: string, pushes: readonly Push[], now: string): Promise<readonly Held[]> {
  const rows = await sql<HeldEntry & { name: string }>(
    `insert into cache_entries as e (instance, kind, name_digest, key, key_start, qualifiers, content_digest, details, value, value_bytes, expires_at, pushed_at, pushed_by, used_at)
     select $3, kind, decode(name, 'hex'), key, key_start, qualifiers, decode(content, 'hex'), details, value, value_bytes, expires_at, $4, by, $4 from ${pushedRows} p order by place
     on conflict on constraint cache_entries_name do update set used_at = greatest(e.used_at, excluded.used_at), serial = e.serial + 1
     returning ${entryColumns}, serial, value_bytes, encode(content_digest, 'hex') as content, encode(name_digest, 'hex') as name`,
    [...pushedParameters(pushes.map((push) => ({ push }))), instance, now],
  );
  const byName = new Map(rows.map((row) => [`${row.kind} ${row.name}`, row]));
  return pushes.map((push) => {
    const row = byName.get(`${push.name.kind} ${push.name.nameDigest.toString('hex')}`) as HeldEntry;
    const before = row.serial === 0 ? undefined : row;
    return { id: row.id, push, before, changed: row.content !== push.content.toString('hex') };
  });
}

async function replaceEntries(sql: Sql, replaced: readonly Held[], now: string): Promise<void> {
  if (replaced.length === 0) return;
  await sql(
    `update cache_entries e set content_digest = decode(p.content, 'hex'), details = p.details, value = p.value, value_bytes = p.value_bytes, expires_at = p.expires_at, pushed_at = $3, pushed_by = p.by, verified_until = null
     from ${pushedRows} p where e.id = p.id`,
    [...pushedParameters(replaced), now],
  );
}

/** What held entries named until now. */
async function dropReferences(sql: Sql, ids: readonly string[]): Promise<readonly CacheDigest[]> {
  if (ids.length === 0) return [];
  const rows = await sql<SelectedDigest>(
    `with gone as (delete from cache_entry_blobs where entry_id = any($1::bigint[]) returning blob_id) select ${digestColumns('b')} from gone g join cache_blobs b on b.id = g.blob_id`,
    [ids],
  );
  return rows.map(toDigest);
}

interface ReferenceChange {
  readonly written: readonly Held[];
  readonly dropped: readonly CacheDigest[];
  readonly now: string;
}

async function addReferences(sql: Sql, instance: string, { written, dropped, now }: ReferenceChange): Promise<void> {
  const added = written.flatMap(({ id, push }) => push.references.map((reference) => ({ id, ...reference })));
  const changes: CountChange[] = [...added.map(({ digest }) => ({ digest, by: 1 as const })), ...dropped.map((digest) => ({ digest, by: -1 as const }))];
  const ids = await countBlobs(sql, instance, changes, now);
  if (added.length === 0) return;
  await sql('insert into cache_entry_blobs (entry_id, blob_id, shape) select * from unnest($1::bigint[], $2::bigint[], $3::smallint[])', [
    added.map(({ id }) => id),
    added.map(({ digest }) => ids.get(digestKey(digest))),
    added.map(({ shape }) => shapeNumbers[shape]),
  ]);
}

function pushedEvent({ draft, by, name }: Push): NamedEvent {
  const { instance, kind, key, qualifiers, target, value, references, origin, expiresAt } = draft;
  const data = { instance, kind, key, qualifiers, target: target ?? null, valueDigest: value === undefined ? null : valueDigest(value), references: references.length, by, origin, expiresAt: expiresAt ?? null };
  return { instance, kind, nameDigest: name.nameDigest, stream: name.stream, event: { type: 'CacheEntryPushed', data } };
}
