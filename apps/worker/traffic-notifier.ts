import { isMillraceError } from '../../libs/errors/millrace-error.js';
import type { Logger } from 'pino';
import type { DueTraffic, TrafficNotifications } from '../../libs/session-record/traffic-notifications.js';
import type { SessionWorkflowClient } from '../../temporal/session-workflow-client.js';

export interface TrafficNotifierOptions {
  readonly rows: TrafficNotifications;
  readonly sessions: SessionWorkflowClient;
  readonly log: Logger;
}

const batch = 200;
const shortestInterval = 2;
const longestInterval = 30;

/** Seconds until the next signal of a session that has been told `notifications` times: 2, 2, 3, 4 … 30, so that a long build does not fill a history. */
export function notificationInterval(notifications: number): number {
  return Math.min(longestInterval, Math.max(shortestInterval, Math.round(shortestInterval * 1.25 ** notifications)));
}

/**
 * One round: tells the workflow of every session with traffic that it does not know yet, and whose interval is over, the totals.
 * They are cumulative: a signal that is sent twice, late or not at all does no harm. Rejects when the database is away.
 */
export async function notifyTraffic({ rows, sessions, log }: TrafficNotifierOptions): Promise<number> {
  const due = await rows.claim(batch);
  const told = await Promise.all(due.map((traffic) => tell(traffic, { rows, sessions, log })));
  return told.filter(Boolean).length;
}

async function tell(traffic: DueTraffic, { rows, sessions, log }: TrafficNotifierOptions): Promise<boolean> {
  const { sessionId, totals } = traffic;
  try {
    await sessions.recordTraffic(sessionId, totals);
  } catch (error) {
    const code = isMillraceError(error) ? error.code : 'internal';
    // No workflow any more: nobody is left to be told. None yet (its start is in the outbox): it is told later.
    if (code !== 'session-not-found' || !traffic.closed) {
      log.debug({ task: 'traffic', sessionId, code }, 'not told');
      return false;
    }
  }
  await rows.notified(sessionId, totals.position, notificationInterval(traffic.notifications + 1));
  return true;
}
