import type { Sql } from '../database/sql.js';
import type { SessionEvent, SessionOpened, TrafficEvent } from '../session/session-events.js';
import type { ProjectionRows } from './projection-rows.js';

/** Parts of one statement; each reads its rows from a JSON parameter. */
export const writeDownloads = (parameter: string): string => `insert into downloads (session_id, position, event_type, exchange_id, started_at, ended_at, method, url, status, content_type, sha256, size, verdict, delivered, cause, reason)
  select session_id, position, event_type, exchange_id, started_at, ended_at, method, url, status, content_type, sha256, size, verdict, delivered, cause, reason
  from json_to_recordset(${parameter}::json) as d(session_id text, position bigint, event_type text, exchange_id uuid, started_at timestamptz, ended_at timestamptz, method text, url text, status int, content_type text, sha256 text, size bigint, verdict text, delivered boolean, cause text, reason text)`;

export const writeArtefacts = (parameter: string): string => `insert into artefacts as old (session_id, sha256, sha1, size, first_position, last_position, downloads, type, name, version, purl, verdict, kept)
  select session_id, sha256, sha1, size, first_position, last_position, downloads, type, name, version, purl, verdict, kept
  from json_to_recordset(${parameter}::json) as a(session_id text, sha256 text, sha1 text, size bigint, first_position bigint, last_position bigint, downloads bigint, type text, name text, version text, purl text, verdict text, kept boolean)
  on conflict (session_id, sha256) do update set last_position = excluded.last_position, downloads = old.downloads + excluded.downloads,
    verdict = case when excluded.verdict = 'Rejected' then 'Rejected' else old.verdict end, kept = old.kept or excluded.kept`;

export const addToSessions = (parameter: string): string => `update sessions s set position = d.position, downloads = s.downloads + d.downloads, refused = s.refused + d.refused,
    failed = s.failed + d.failed, bytes = s.bytes + d.bytes, violations = s.violations + d.violations
  from json_to_recordset(${parameter}::json) as d(session_id text, position bigint, downloads bigint, refused bigint, failed bigint, bytes bigint, violations bigint)
  where s.id = d.session_id`;

const writeTraffic = `with downloads_written as (${writeDownloads('$1')}), artefacts_written as (${writeArtefacts('$2')}) ${addToSessions('$3')}`;

/** One statement for all rows of a batch. */
export async function writeTrafficProjections(sql: Sql, rows: ProjectionRows): Promise<void> {
  await sql(writeTraffic, [JSON.stringify(rows.downloads), JSON.stringify(rows.artefacts), JSON.stringify(rows.sessions)]);
}

export type LifecycleEvent = Exclude<SessionEvent, TrafficEvent>;

export function isTrafficEvent(event: SessionEvent): event is TrafficEvent {
  return event.type === 'ArtefactDownloaded' || event.type === 'RequestRefused' || event.type === 'DownloadFailed';
}

export async function writeLifecycleProjection(sql: Sql, at: { readonly sessionId: string; readonly position: number }, event: LifecycleEvent): Promise<void> {
  const { sessionId, position } = at;
  switch (event.type) {
    case 'SessionOpened':
      await insertSession(sql, position, event.data);
      return;
    case 'TokenRevoked':
      await sql(`update sessions set state = 'revoked', revoked_at = $3, position = $2 where id = $1`, [sessionId, position, event.data.revokedAt]);
      return;
    case 'SessionEnded':
      await sql(`update sessions set state = 'ended', ended_at = $3, position = $2 where id = $1`, [sessionId, position, event.data.endedAt]);
      return;
    case 'SessionExpired':
      await sql(`update sessions set state = 'expired', revoked_at = coalesce(revoked_at, $3), ended_at = $3, position = $2 where id = $1`, [sessionId, position, event.data.expiredAt]);
      return;
  }
}

async function insertSession(sql: Sql, position: number, opened: SessionOpened['data']): Promise<void> {
  await sql(
    `insert into sessions (id, state, policy, owner, retain, opened_at, expires_at, timeout_seconds, token_digest, inspectors_configuration, position)
     values ($1, 'open', $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [opened.sessionId, opened.policy, opened.owner, opened.retain, opened.openedAt, opened.expiresAt, opened.timeoutSeconds, opened.tokenDigest, JSON.stringify(opened.inspectorsConfiguration), position],
  );
}
