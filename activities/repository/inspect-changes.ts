import { forEachAtOnce } from '../../libs/compose-engine/for-each-at-once.js';
import { errorTable } from '../../libs/errors/error-table.js';
import { isMillraceError, type MillraceError } from '../../libs/errors/millrace-error.js';
import { asReason } from '../compose/compose-activity-failure.js';
import type { EngineOptions } from '../../libs/repository-engine/repository-engine.js';
import type { ChangeProblem, RepositoryChange } from '../../libs/repository/repository-change.js';
import type { InspectedChanges } from '../../workflows/repository/repository-activities.js';
import type { RepositoryActivityOptions } from './repository-activity-options.js';

/** Of one round, the oldest first; the next round has the others. */
const mostChanges = 1000;
/** Changes that are inspected at once; each reads several packages. */
const atOnce = 2;
/** Milliseconds that a store may refuse before the change is refused: new credentials take a while to reach everybody. */
const refusalPatience = 600_000;

/** Each change by itself: one whose packages are no good fails, one whose content cannot be had now is left for later, and neither is in the way of the others. */
export async function inspectChanges(name: string, options: EngineOptions, { reads, commands, engine }: RepositoryActivityOptions): Promise<InspectedChanges> {
  const counts = { inspected: 0, refused: 0, postponed: 0 };
  let trouble: string | null = null;
  const waiting = (await reads.waiting(name, mostChanges)).filter(({ phase }) => phase === 'waiting');
  await forEachAtOnce(waiting, atOnce, async (change) => {
    try {
      await engine.inspect(change, options);
      counts.inspected += 1;
    } catch (error) {
      options.signal.throwIfAborted();
      if (!isMillraceError(error) || error.code === 'database-unavailable') throw error;
      if (mayPass(error, change)) {
        counts.postponed += 1;
        trouble = asReason(`change ${change.id}: ${error.message}`);
        return;
      }
      await commands.refuse(change.id, problemOf(error));
      counts.refused += 1;
    }
  });
  return { ...counts, trouble };
}

function mayPass({ code }: MillraceError, { requestedAt }: RepositoryChange): boolean {
  return errorTable[code].retryable || (code === 'storage-refused' && Date.now() - Date.parse(requestedAt) < refusalPatience);
}

/** Of a problem in the record. */
const mostDetails = 1000;

export function problemOf({ code, message, details = [] }: MillraceError): ChangeProblem {
  return { code, message: asReason(message), details: details.slice(0, mostDetails) };
}
