import { allHandlersFinished, CancellationScope, condition, continueAsNew, isCancellation, proxyActivities, setHandler, workflowInfo } from '@temporalio/workflow';
import { endSessionUpdate, revokeTokenUpdate, sessionStatusQuery, trafficRecordedSignal } from './session-messages.js';
import { validateRequester, validSessionInput } from './session-input.js';
import { SessionEntity } from './session-entity.js';
import type { CarriedSession } from './session-entity.js';
import type { SessionActivities } from './session-activities.js';
import type { SessionInput, SessionResult } from './session-messages.js';

/** Activities say themselves which of their failures are final; the others are repeated until they succeed. */
const retry = { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '15s' } as const;
const brief = proxyActivities<SessionActivities>({ startToCloseTimeout: '30s', heartbeatTimeout: '10s', retry });
/** Ending deletes every body that was kept. */
const lengthy = proxyActivities<SessionActivities>({ startToCloseTimeout: '30 minutes', heartbeatTimeout: '10s', retry });
const activities: SessionActivities = { openSession: brief.openSession, revokeToken: brief.revokeToken, endSession: lengthy.endSession, expireSession: lengthy.expireSession };

/** Events; a worker that has to replay this many still answers an update at once. The server suggests a new run much later. */
const longHistory = 1000;

/**
 * One fetch session: opens it, answers its messages (`session-messages.ts`), expires it, and completes with its last status.
 * Fails with the code of the error as type: `invalid-request` for bad input, or what opening the session failed with.
 */
export async function session(input: SessionInput, carried?: CarriedSession): Promise<SessionResult> {
  const { workflowId, continuedFromExecutionRunId } = workflowInfo();
  const continued = continuedFromExecutionRunId === undefined ? undefined : carried;
  const entity = new SessionEntity(validSessionInput(input, workflowId), activities, continued);
  entity.attributes.publish();
  // Queued before the handlers are set: updates that came with the start are handed out by setHandler and queue behind it.
  const opened = continued === undefined ? entity.open() : Promise.resolve();
  bindHandlers(entity);
  try {
    await opened;
    await untilClosed(entity, input);
  } catch (error) {
    // An operator cancelled the workflow: that ends the session like anybody else's request, and only then the workflow.
    if (isCancellation(error)) await entity.end('cancellation of the workflow');
    throw error;
  } finally {
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  }
  const result = entity.result;
  if (result === undefined) throw new Error('the session workflow left its loop with the session open');
  return result;
}

function bindHandlers(entity: SessionEntity): void {
  setHandler(sessionStatusQuery, () => entity.status());
  setHandler(trafficRecordedSignal, (totals) => entity.recordTraffic(totals));
  setHandler(revokeTokenUpdate, ({ by }) => entity.revoke(by), { validator: validateRequester });
  setHandler(endSessionUpdate, ({ by }) => entity.end(by), { validator: validateRequester });
}

async function untilClosed(entity: SessionEntity, input: SessionInput): Promise<void> {
  while (!entity.closed) {
    if (historyIsLong()) {
      await condition(allHandlersFinished);
      // The last handler may have ended the session.
      if (!entity.closed) await continueAsNew<typeof session>(input, entity.carry());
      return;
    }
    if (Date.now() >= entity.deadline) {
      await entity.expire();
      return;
    }
    await untilSomethingIsDue(entity);
  }
}

async function untilSomethingIsDue(entity: SessionEntity): Promise<void> {
  entity.attributes.publishWhenDue();
  const { dueAt } = entity.attributes;
  const wait = Math.max(1, Math.min(entity.deadline, dueAt) - Date.now());
  await condition(() => entity.closed || entity.attributes.dueAt !== dueAt || historyIsLong(), wait);
}

function historyIsLong(): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return continueAsNewSuggested || historyLength >= longHistory;
}
