import { Context } from '@temporalio/activity';
import { readCompose } from '../compose/compose-view.js';
import { asComposeFailure, asReason } from '../compose/compose-activity-failure.js';
import { whileDatabaseIsAway } from '../compose/while-database-is-away.js';
import type { ComposeReads } from '../../libs/compose-record/compose-commands.js';
import type { ComposeWaitActivities } from '../../workflows/compose-rule/compose-rule-activities.js';

/** Milliseconds between two looks when nobody says that the compose has changed; also between heartbeats. */
const interval = 8000;

/** The one long activity of a rule's workflow. It holds nothing but a place in the queue: the record tells it when the compose has changed. */
export function createComposeWaitActivity(reads: Pick<ComposeReads, 'get' | 'changed'>): ComposeWaitActivities {
  return {
    async awaitCompose(composeId) {
      const context = Context.current();
      const { cancellationSignal: signal } = context;
      try {
        for (;;) {
          context.heartbeat();
          const { state, stateReason, version } = await whileDatabaseIsAway(() => readCompose(reads, composeId), signal);
          if (state === 'done') return { done: true, reason: null };
          if (state === 'failed' || state === 'removed') return { done: false, reason: stateReason === null ? null : asReason(stateReason) };
          await whileDatabaseIsAway(() => reads.changed(composeId, { version, milliseconds: interval, signal }), signal);
          signal.throwIfAborted();
        }
      } catch (error) {
        if (signal.aborted) return await context.cancelled;
        throw asComposeFailure(error);
      }
    },
  };
}
