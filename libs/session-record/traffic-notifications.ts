import { query } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import type { RecordedTotals } from './read-sessions.js';

export interface TrafficNotification {
  readonly sessionId: string;
  readonly totals: RecordedTotals;
}

export interface ClaimOptions {
  readonly limit?: number;
  /** Seconds until the same session may be claimed again: `first` for its first ten notifications, `later` after that. 2 and 30. */
  readonly first?: number;
  readonly later?: number;
}

/**
 * Sessions whose record has grown since their workflow was told; the claim counts as telling it, and totals are cumulative, so
 * a signal that is lost is made good by the next. Call `unclaimTraffic` when a signal failed. Several workers share the work.
 */
export async function claimTraffic(database: Database, options: ClaimOptions = {}): Promise<readonly TrafficNotification[]> {
  const rows = await query<Record<'id' | 'position' | 'downloads' | 'refused' | 'failed' | 'bytes' | 'violations', string>>(
    database,
    `with due as (
       select n.session_id, s.position, s.downloads, s.refused, s.failed, s.bytes, s.violations
       from traffic_notifications n join sessions s on s.id = n.session_id
       where n.due_at <= now() and s.position > n.notified_position and s.state in ('open', 'revoked')
       order by n.due_at limit $1 for update of n skip locked)
     update traffic_notifications n set notified_position = due.position, notifications = n.notifications + 1,
       due_at = now() + make_interval(secs => case when n.notifications < 10 then $2::float8 else $3::float8 end)
     from due where n.session_id = due.session_id
     returning n.session_id as id, due.position, due.downloads, due.refused, due.failed, due.bytes, due.violations`,
    [options.limit ?? 100, options.first ?? 2, options.later ?? 30],
  );
  return rows.map(({ id, ...totals }) => ({
    sessionId: id,
    totals: {
      position: Number(totals.position),
      downloads: Number(totals.downloads),
      refused: Number(totals.refused),
      failed: Number(totals.failed),
      bytes: Number(totals.bytes),
      violations: Number(totals.violations),
    },
  }));
}

/** The signal did not get through: the session becomes due again as soon as its interval allows. */
export async function unclaimTraffic(database: Database, sessionId: string): Promise<void> {
  await query(database, 'update traffic_notifications set notified_position = 0 where session_id = $1', [sessionId]);
}
