import { isMillraceError } from '../../libs/errors/millrace-error.js';
import type { Logger } from 'pino';
import type { OverdueSessions } from '../../libs/session-record/overdue-sessions.js';
import type { SessionCommands } from '../../libs/session-record/session-commands.js';

export interface OverdueSweepOptions {
  readonly overdue: OverdueSessions;
  readonly commands: Pick<SessionCommands, 'expire'>;
  readonly log: Logger;
}

/** Sessions of one round; what is left waits for the next. */
const batch = 100;

/**
 * One round: expires, by the record alone, the sessions that their workflow should have expired and did not, because it was
 * terminated, lost with Temporal's data, or Temporal is away. The command is idempotent, so several workers may sweep at once and
 * a workflow that comes back finds its work done. One session that fails holds up no other. Rejects when the database is away.
 */
export async function sweepOverdueSessions({ overdue, commands, log }: OverdueSweepOptions): Promise<number> {
  let expired = 0;
  for (const sessionId of await overdue.find(batch)) {
    try {
      await commands.expire(sessionId);
      expired += 1;
      log.info({ task: 'sweep', sessionId }, 'expired a session that its workflow had left');
    } catch (error) {
      const code = isMillraceError(error) ? error.code : 'internal';
      if (code === 'database-unavailable') throw error;
      // `session-not-found`: another worker was faster.
      if (code !== 'session-not-found') log.warn({ task: 'sweep', sessionId, code, err: error }, 'not expired yet');
    }
  }
  return expired;
}
