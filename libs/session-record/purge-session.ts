import { deleteSessionTakings } from '../cache-record/session-takings.js';
import type { Sql } from '../database/sql.js';
import { sessionStreamId } from '../session/session-events.js';
import { closedSessionDigest } from './load-session.js';

/** Tables with a `session_id`; a spec checks over all tables that a purge leaves nothing. */
const tablesOfSession = ['downloads', 'artefacts', 'session_secrets', 'session_knowledge', 'revocations', 'revocation_acks', 'outbox', 'traffic_notifications'] as const;

/** Deletes every row of a session and leaves the digest of its id. The caller has locked the stream and removed the blobs. */
export async function purgeRows(sql: Sql, sessionId: string, closedAt: string): Promise<void> {
  await sql('insert into closed_sessions (id_digest, closed_at) values ($1, $2) on conflict do nothing', [closedSessionDigest(sessionId), closedAt]);
  await sql(`delete from closed_sessions where closed_at < now() - interval '30 days'`);
  for (const table of tablesOfSession) await sql(`delete from ${table} where session_id = $1`, [sessionId]);
  await deleteSessionTakings(sql, sessionId);
  await sql('delete from events where stream_id = $1', [sessionStreamId(sessionId)]);
  await sql('delete from sessions where id = $1', [sessionId]);
  await sql('delete from streams where id = $1', [sessionStreamId(sessionId)]);
}

/** What a session that is kept does not need any more. */
export async function deleteWorkingRows(sql: Sql, sessionId: string): Promise<void> {
  for (const table of ['session_secrets', 'session_knowledge'] as const) await sql(`delete from ${table} where session_id = $1`, [sessionId]);
}
