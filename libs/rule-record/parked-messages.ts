import { createHash } from 'node:crypto';
import { inTransaction, query, type Sql } from '../database/sql.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { Database } from '../database/open-database.js';
import type { NewParkedMessage, ParkedMessage, UnreadMessage } from '../event-bus/incoming-messages.js';

interface ParkedRow {
  readonly id: string;
  readonly bus: string;
  readonly topic: string;
  readonly position: string | null;
  readonly rule: string | null;
  readonly reason: string;
  readonly excerpt: string;
  readonly parked_at: string;
}

const columns = 'id, bus, topic, position, rule, reason, excerpt, parked_at';
/** Characters. Those of whom a bus lets in what they like, a list has to show. */
const longestTopic = 1024;
const longestReason = 2000;
const longestExcerpt = 2000;

/** Parks it once, however often; the newest reason stays. */
export async function parkMessage(database: Database, parked: NewParkedMessage, unread?: UnreadMessage): Promise<void> {
  await inTransaction(database, async ({ sql }) => {
    const fresh = await sql<{ fresh: boolean }>(
      `insert into parked_messages (bus, topic, position, rule, reason, excerpt, fingerprint, unread, unread_details) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
       on conflict (fingerprint) do update set reason = excluded.reason, excerpt = excluded.excerpt returning xmax = 0 as fresh`,
      [
        storable(parked.bus),
        storable(parked.topic).slice(0, longestTopic),
        parked.position,
        parked.rule,
        storable(parked.reason).slice(0, longestReason),
        storable(parked.excerpt).slice(0, longestExcerpt),
        fingerprintOf(parked, unread),
        unread?.bytes ?? null,
        unread === undefined ? null : JSON.stringify(unread.details),
      ],
    );
    if (fresh[0]?.fresh === true) await sql('insert into buses as b (name, parked) values ($1, 1) on conflict (name) do update set parked = b.parked + 1', [storable(parked.bus)]);
  });
}

/** Newest first. */
export async function listParked(database: Database, { limit, beforeId }: { readonly limit: number; readonly beforeId?: number }): Promise<readonly ParkedMessage[]> {
  const rows = await query<ParkedRow>(database, `select ${columns} from parked_messages where $2::bigint is null or id < $2 order by id desc limit $1`, [limit, beforeId ?? null]);
  return rows.map(parkedOf);
}

export async function getParked(database: Database, id: number): Promise<ParkedMessage & { readonly unread: UnreadMessage | null }> {
  const [row] = await query<ParkedRow & { unread: Buffer | null; unread_details: string | null }>(database, `select ${columns}, unread, unread_details from parked_messages where id = $1`, [id]);
  if (row === undefined) throw notParked(id);
  const { unread: bytes, unread_details: details } = row;
  return { ...parkedOf(row), unread: bytes === null || details === null ? null : { bytes, details: JSON.parse(details) as UnreadMessage['details'] } };
}

export async function unparkMessage(database: Database, id: number): Promise<ParkedMessage> {
  const [row] = await query<ParkedRow>(database, `delete from parked_messages where id = $1 returning ${columns}`, [id]);
  if (row === undefined) throw notParked(id);
  return parkedOf(row);
}

/** Those that rules had, and those that none could read, from this time back. Answers how many. */
export async function removeParkedBefore(sql: Sql, time: string): Promise<number> {
  return (await sql('delete from parked_messages where parked_at < $1 returning 1', [time])).length;
}

function parkedOf(row: ParkedRow): ParkedMessage {
  return {
    id: Number(row.id),
    bus: row.bus,
    topic: row.topic,
    position: row.position === null ? null : Number(row.position),
    rule: row.rule,
    reason: row.reason,
    excerpt: row.excerpt,
    parkedAt: new Date(row.parked_at).toISOString(),
  };
}

function notParked(id: number): MillraceError {
  return new MillraceError('message-not-found', `no message ${id} is parked`, { suggestion: 'millrace rule parked lists those that are.' });
}

/** Of a message: where it is and whose; of what never became one: all that came. */
function fingerprintOf({ bus, topic, position, rule, excerpt }: NewParkedMessage, unread: UnreadMessage | undefined): string {
  const hash = createHash('sha256').update(JSON.stringify([bus, position, rule]));
  if (position === null) hash.update(JSON.stringify([topic, excerpt, unread?.details ?? null]));
  return hash.digest('hex');
}

/** PostgreSQL has no NUL in texts, and no half of a surrogate pair; a terminal obeys other characters that nobody sees. */
function storable(text: string): string {
  return text.replace(/[\0-\x08\x0b-\x1f\x7f-\x9f]/g, '\ufffd').toWellFormed();
}
