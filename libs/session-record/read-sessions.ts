import { MillraceError } from '../errors/millrace-error.js';
import { query } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import type { SessionPolicy } from '../policy/session-policy.js';
import { isoUtc } from '../database/iso-utc.js';
import { decodeCursor, encodeCursor } from './page-cursor.js';

export type RecordedState = 'open' | 'revoked' | 'ended' | 'expired';

/** Cumulative up to `position`; the workflow's `TrafficTotals`. */
export interface RecordedTotals {
  readonly position: number;
  readonly downloads: number;
  readonly refused: number;
  readonly failed: number;
  /** Body bytes of all downloads. */
  readonly bytes: number;
  readonly violations: number;
}

export interface RecordedSession {
  readonly id: string;
  readonly state: RecordedState;
  readonly policy: SessionPolicy;
  readonly owner: string;
  /** RFC 3339 in UTC, as all times here. */
  readonly openedAt: string;
  readonly expiresAt: string;
  readonly revokedAt: string | null;
  readonly endedAt: string | null;
  readonly timeoutSeconds: number;
  readonly retain: boolean;
  readonly totals: RecordedTotals;
}

export interface SessionFilter {
  readonly state?: RecordedState;
  readonly policy?: SessionPolicy;
  readonly owner?: string;
  /** RFC 3339; exclusive. */
  readonly openedAfter?: string;
  readonly openedBefore?: string;
  /** 1 to 1,000. */
  readonly limit: number;
  readonly cursor?: string;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Opaque; null on the last page. */
  readonly nextCursor: string | null;
}

interface Row {
  readonly id: string;
  readonly state: RecordedState;
  readonly policy: SessionPolicy;
  readonly owner: string;
  readonly opened_at: string;
  readonly expires_at: string;
  readonly revoked_at: string | null;
  readonly ended_at: string | null;
  readonly timeout_seconds: number;
  readonly retain: boolean;
  readonly position: string;
  readonly downloads: string;
  readonly refused: string;
  readonly failed: string;
  readonly bytes: string;
  readonly violations: string;
}

const columns = `id, state, policy, owner, ${['opened_at', 'expires_at', 'revoked_at', 'ended_at'].map((column) => `${isoUtc(column)} as ${column}`).join(', ')},
  timeout_seconds, retain, position, downloads, refused, failed, bytes, violations`;

export async function readSession(database: Database, sessionId: string): Promise<RecordedSession | undefined> {
  const [row] = await query<Row>(database, `select ${columns} from sessions where id = $1`, [sessionId]);
  return row === undefined ? undefined : toSession(row);
}

/** Newest first. Errors: `invalid-request` for a cursor that is none. */
export async function listSessions(database: Database, filter: SessionFilter): Promise<Page<RecordedSession>> {
  const parameters: unknown[] = [];
  const conditions: string[] = [];
  const add = (condition: (parameter: string) => string, value: unknown): void => {
    parameters.push(value);
    conditions.push(condition(`$${parameters.length}`));
  };
  if (filter.state !== undefined) add((p) => `state = ${p}`, filter.state);
  if (filter.policy !== undefined) add((p) => `policy = ${p}`, filter.policy);
  if (filter.owner !== undefined) add((p) => `owner = ${p}`, filter.owner);
  if (filter.openedAfter !== undefined) add((p) => `opened_at > ${p}::timestamptz`, instant(filter.openedAfter));
  if (filter.openedBefore !== undefined) add((p) => `opened_at < ${p}::timestamptz`, instant(filter.openedBefore));
  if (filter.cursor !== undefined) {
    const [openedAt, id] = decodeCursor(filter.cursor, 2);
    parameters.push(instant(openedAt ?? ''), id);
    conditions.push(`(opened_at, id) < ($${parameters.length - 1}::timestamptz, $${parameters.length})`);
  }
  const limit = pageLimit(filter.limit);
  parameters.push(limit + 1);
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
  const rows = await query<Row>(database, `select ${columns} from sessions ${where} order by opened_at desc, id desc limit $${parameters.length}`, parameters);
  const items = rows.slice(0, limit).map(toSession);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last !== undefined ? encodeCursor([last.openedAt, last.id]) : null };
}

/** Sessions opened ever, and those whose resources are held (open or revoked), oldest first. */
export async function readOverview(database: Database): Promise<{ readonly openedEver: number; readonly active: readonly RecordedSession[] }> {
  const [counter] = await query<{ value: string }>(database, `select value from counters where name = 'sessions-opened'`);
  const rows = await query<Row>(database, `select ${columns} from sessions where state in ('open', 'revoked') order by opened_at, id`);
  return { openedEver: Number(counter?.value ?? 0), active: rows.map(toSession) };
}

export async function countSessions(database: Database): Promise<Readonly<Partial<Record<RecordedState, number>>>> {
  const rows = await query<{ state: RecordedState; count: string }>(database, 'select state, count(*) as count from sessions group by state');
  return Object.fromEntries(rows.map((row) => [row.state, Number(row.count)]));
}

export function pageLimit(limit: number): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) throw new MillraceError('invalid-request', 'a page has 1 to 1,000 items');
  return limit;
}

function instant(text: string): string {
  if (Number.isNaN(Date.parse(text))) throw new MillraceError('invalid-request', 'not a date and time');
  return new Date(text).toISOString();
}

function toSession(row: Row): RecordedSession {
  return {
    id: row.id,
    state: row.state,
    policy: row.policy,
    owner: row.owner,
    openedAt: row.opened_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    endedAt: row.ended_at,
    timeoutSeconds: row.timeout_seconds,
    retain: row.retain,
    totals: { position: Number(row.position), downloads: Number(row.downloads), refused: Number(row.refused), failed: Number(row.failed), bytes: Number(row.bytes), violations: Number(row.violations) },
  };
}
