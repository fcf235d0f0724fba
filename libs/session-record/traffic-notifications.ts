import { query } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import type { RecordedTotals } from './read-sessions.js';

export interface DueTraffic {
  readonly sessionId: string;
  readonly totals: RecordedTotals;
  /** Signals sent so far. */
  readonly notifications: number;
  /** Ended or expired: its workflow completes without more of them. */
  readonly closed: boolean;
}

/** How far the workflows know the traffic of their sessions. Errors: `database-unavailable`. */
export interface TrafficNotifications {
  /** Sessions with traffic that their workflow does not know, and whose turn it is; nobody else gets them for ten seconds. */
  claim(limit: number): Promise<readonly DueTraffic[]>;
  /** The workflow knows everything up to `position`; not again before `seconds` have passed. */
  notified(sessionId: string, position: number, seconds: number): Promise<void>;
}

type Row = Readonly<Record<keyof RecordedTotals | 'session_id' | 'notifications', string>> & { readonly closed: boolean };

/** A revocation is the end of the traffic, so it does not wait for its turn. */
const claimStatement = `
  with due as (
    select n.session_id from traffic_notifications n join sessions s on s.id = n.session_id
    where s.position > n.notified_position and (n.due_at <= now() or s.revoked_at > now() - interval '20 seconds')
    order by n.due_at limit $1 for update of n skip locked)
  update traffic_notifications n set due_at = now() + interval '10 seconds'
  from due, sessions s where n.session_id = due.session_id and s.id = due.session_id
  returning n.session_id, n.notifications, s.position, s.downloads, s.refused, s.failed, s.bytes, s.violations, s.state in ('ended', 'expired') as closed`;

export function createTrafficNotifications(database: Database): TrafficNotifications {
  return {
    async claim(limit) {
      const rows = await query<Row>(database, claimStatement, [limit]);
      return rows.map((row) => ({
        sessionId: row.session_id,
        notifications: Number(row.notifications),
        closed: row.closed,
        totals: {
          position: Number(row.position),
          downloads: Number(row.downloads),
          refused: Number(row.refused),
          failed: Number(row.failed),
          bytes: Number(row.bytes),
          violations: Number(row.violations),
        },
      }));
    },
    async notified(sessionId, position, seconds) {
      await query(
        database,
        `update traffic_notifications set notified_position = greatest(notified_position, $2), notifications = notifications + 1, due_at = now() + make_interval(secs => $3) where session_id = $1`,
        [sessionId, position, seconds],
      );
    },
  };
}
