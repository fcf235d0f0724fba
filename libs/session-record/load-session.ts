import { createHash } from 'node:crypto';
import { isoUtc } from '../database/iso-utc.js';
import type { Sql } from '../database/sql.js';
import { initialState, type Session } from '../session/session.js';
import { sessionStreamId, type SessionOpened } from '../session/session-events.js';

export interface LoadedSession extends Session {
  readonly sealed: boolean;
}

const unknown: LoadedSession = { ...initialState, sealed: false };

interface Row {
  readonly data: string;
  readonly sealed: boolean;
  readonly state: 'open' | 'revoked' | 'ended' | 'expired';
  readonly revoked_at: string | null;
  readonly ended_at: string | null;
  readonly downloads: string;
  readonly refused: string;
  readonly failed: string;
  readonly bytes: string;
  readonly violations: string;
}

/** Locks the stream until the transaction ends; undefined when there is none. */
export async function lockStream(sql: Sql, sessionId: string): Promise<void> {
  await sql('select 1 from streams where id = $1 for no key update', [sessionStreamId(sessionId)]);
}

/**
 * The aggregate, from its first event and from the projection that every append keeps current in its own transaction:
 * a session of a hundred thousand downloads is not replayed to revoke its token.
 */
export async function loadSession(sql: Sql, sessionId: string): Promise<LoadedSession> {
  const [row] = await sql<Row>(
    `select e.data, t.sealed, s.state, ${isoUtc('s.revoked_at')} as revoked_at, ${isoUtc('s.ended_at')} as ended_at, s.downloads, s.refused, s.failed, s.bytes, s.violations
     from streams t join events e on e.stream_id = t.id and e.position = 1 join sessions s on s.id = $2 where t.id = $1`,
    [sessionStreamId(sessionId), sessionId],
  );
  if (row === undefined) return unknown;
  return {
    state: row.state,
    opened: JSON.parse(row.data) as SessionOpened['data'],
    revokedAt: row.revoked_at,
    endedAt: row.ended_at,
    downloads: Number(row.downloads),
    refused: Number(row.refused),
    failed: Number(row.failed),
    bytes: Number(row.bytes),
    violations: Number(row.violations),
    sealed: row.sealed,
  };
}

/** When a session that is deleted was closed; undefined for one that never was. */
export async function findClosed(sql: Sql, sessionId: string): Promise<string | undefined> {
  const [row] = await sql<{ closed_at: string }>(`select ${isoUtc('closed_at')} as closed_at from closed_sessions where id_digest = $1`, [closedSessionDigest(sessionId)]);
  return row?.closed_at;
}

export function closedSessionDigest(sessionId: string): string {
  return createHash('sha256').update(`millrace closed session\n${sessionId}`).digest('hex');
}
