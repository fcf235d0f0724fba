import { digestText, type CacheDigest } from '../cache/cache-digest.js';
import { entryKinds, type EntryKind } from '../cache/cache-entry.js';
import { checkEntryName, checkPusher } from '../cache/check-entry.js';
import { isoUtc } from '../database/iso-utc.js';
import { query, type Sql } from '../database/sql.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { CacheRecord, ListedEntry } from './cache-record.js';
import { briefEntryColumns, keyStart, keyStartCharacters, nameKey, toEntry, toQualifiers, type SelectedEntry } from './entry-rows.js';
import { closureOf } from './find-entry.js';
import { useTimes, type RecordContext } from './record-context.js';

/** Of a name that is pushed all day, the newest. */
const eventsShown = 1000;
const cursorPattern = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)\/([0-9]{1,18})$/;

export function createEntryLists(context: RecordContext): Pick<CacheRecord, 'listEntries' | 'history' | 'recordTaking' | 'takings'> {
  const sql: Sql = (text, parameters) => query(context.database, text, parameters);
  return {
    listEntries: async (instance, options) => {
      const { now } = useTimes(context, instance);
      const rows = await sql<ListedRow>(...listing(instance, options, now));
      const entries = rows.slice(0, options.limit);
      const last = entries.at(-1);
      return { entries: entries.map(toListed), next: rows.length > options.limit && last !== undefined ? `${last.used_at}/${last.id}` : undefined };
    },

    async history(name) {
      checkEntryName(name);
      const rows = await sql<{ type: string; at: string; data: string }>(`select type, ${isoUtc('recorded_at')} as at, data from events where stream_id = $1 order by position desc limit ${eventsShown}`, [nameKey(name).stream]);
      return rows.reverse().map(({ type, at, data }) => ({ type, at, data: JSON.parse(data) as unknown }));
    },

    ...createTakings(context, sql),
  };
}

interface ListedRow extends SelectedEntry {
  readonly value_bytes: number;
  readonly used_at: string;
  readonly complete: boolean;
}

/** Complete when that was last looked at (a loss makes it null), or never asked for, and nothing that it needs is known to be absent. */
const nothingKnownMissing = `verified_until is not null or not exists (
  ${closureOf('select blob_id, shape from cache_entry_blobs where entry_id = cache_entries.id')} select from closure c join cache_blobs b on b.id = c.blob_id where not b.present)`;

/** Use is written in milliseconds, as a cursor has it; what else was used in the same one comes by its id. */
function listing(instance: string, { kind, prefix = '', after, limit }: Parameters<CacheRecord['listEntries']>[1], now: string): [string, unknown[]] {
  if (kind !== undefined && !entryKinds.includes(kind)) throw new MillraceError('invalid-request', `no entry of the cache is of the kind ${JSON.stringify(kind)}`);
  const cursor = after === undefined ? undefined : cursorPattern.exec(after);
  if (cursor === null) throw new MillraceError('invalid-request', `${JSON.stringify(after)} is no place in the list of ${instance}`);
  if (prefix.includes('\0') || !prefix.isWellFormed()) throw new MillraceError('invalid-request', 'the start of a key has NUL or lone surrogates in it');
  const start = keyStart(prefix).replace(/[\\%_]/g, '\\$&');
  return [
    `select ${briefEntryColumns}, value_bytes, ${isoUtc('used_at')} as used_at, (${nothingKnownMissing}) as complete from cache_entries
     where instance = $1 and kind = any($3::text[]) and key_start like $4 and starts_with(key, $5) and (expires_at is null or expires_at > $2)
       ${cursor === undefined ? '' : 'and (used_at, id) < ($7::timestamptz, $8::bigint)'}
     order by used_at desc, id desc limit $6`,
    [instance, now, kind === undefined ? entryKinds : [kind], `${start}${prefix.length > keyStartCharacters ? '' : '%'}`, prefix, limit + 1, ...(cursor === undefined ? [] : [cursor[1], cursor[2]])],
  ];
}

function toListed(row: ListedRow): ListedEntry {
  const { instance, kind, key, qualifiers, target, pushedAt, pushedBy, origin } = toEntry(row);
  return { instance, kind, key, qualifiers, target: target?.digest, valueBytes: row.value_bytes, pushedAt, pushedBy, usedAt: row.used_at, complete: row.complete, session: origin.session, build: origin.build };
}

const digestPattern = /^(sha256|blake3):([0-9a-f]{64})\/([0-9]+)$/;

function toTarget(text: string | null): CacheDigest | undefined {
  const [, named, hash, size] = digestPattern.exec(text ?? '') ?? [];
  return named === undefined || hash === undefined ? undefined : { function: named as CacheDigest['function'], hash, size: Number(size) };
}

function createTakings(context: RecordContext, sql: Sql): Pick<CacheRecord, 'recordTaking' | 'takings'> {
  return {
    async recordTaking(session, name, how) {
      checkPusher(session, 'the id of a session');
      checkEntryName(name);
      const { now } = useTimes(context, name.instance);
      const { kind, nameDigest, qualifiers } = nameKey(name);
      const [row] = await sql<SelectedEntry>(`select ${briefEntryColumns} from cache_entries where instance = $1 and kind = $2 and name_digest = $3`, [name.instance, kind, nameDigest]);
      const target = row === undefined ? undefined : toEntry(row).target?.digest;
      await sql(
        `insert into cache_takings as t (session, instance, kind, name_digest, key, qualifiers, how, at, target) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (session, instance, kind, name_digest) do update set how = excluded.how, at = excluded.at, target = excluded.target where t.how <> excluded.how and excluded.how = 'pushed'`,
        [session, name.instance, kind, nameDigest, name.key, qualifiers, how, now, target === undefined ? null : digestText(target)],
      );
    },

    async takings(session) {
      checkPusher(session, 'the id of a session');
      const rows = await sql<{ instance: string; kind: EntryKind; key: string; qualifiers: string; how: 'pulled' | 'pushed'; at: string; target: string | null }>(
        `select instance, kind, key, qualifiers, how, ${isoUtc('at')} as at, target from cache_takings t where session = $1 order by t.at, instance, kind, name_digest`,
        [session],
      );
      return rows.map(({ instance, kind, key, qualifiers, how, at, target }) => ({ name: { instance, kind, key, qualifiers: toQualifiers(qualifiers) }, how, at, target: toTarget(target) }));
    },
  };
}
