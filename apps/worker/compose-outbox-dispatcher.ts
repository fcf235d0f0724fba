import { isMillraceError } from '../../libs/errors/millrace-error.js';
import type { Logger } from 'pino';
import type { ComposeOutboxDeliveries, ComposeOutboxMessage } from '../../libs/compose-record/compose-outbox-deliveries.js';
import type { ComposeWorkflowClient } from '../../temporal/compose-workflow-client.js';

export interface ComposeOutboxOptions {
  readonly outbox: ComposeOutboxDeliveries;
  readonly workflows: Pick<ComposeWorkflowClient, 'start' | 'changed'>;
  readonly log: Logger;
}

/** Messages of one round. */
const batch = 50;
/** Milliseconds for one message. */
const deadline = 5000;

/**
 * One round: tells workflows what others recorded about their composes. A message is claimed, delivered, then deleted, so a worker that dies in between has it
 * delivered again by another; the workflow takes repetitions. What cannot be delivered now is due again some seconds later. Rejects when the database is away.
 */
export async function dispatchComposeOutbox({ outbox, workflows, log }: ComposeOutboxOptions): Promise<number> {
  const messages = await outbox.claim(batch);
  const told = await Promise.all(
    messages.map(async (message) => {
      if (await deliver(message, { workflows, log })) {
        await outbox.remove(message.id);
        return 1;
      }
      await outbox.release(message.id);
      return 0;
    }),
  );
  return told.reduce((sum: number, one) => sum + one, 0);
}

async function deliver({ composeId, kind, attempts }: ComposeOutboxMessage, { workflows, log }: Pick<ComposeOutboxOptions, 'workflows' | 'log'>): Promise<boolean> {
  try {
    if (kind === 'start') await workflows.start(composeId, { deadline });
    else await tell(workflows, composeId);
    return true;
  } catch (error) {
    log.warn({ task: 'compose outbox', composeId, kind, attempts, code: isMillraceError(error) ? error.code : 'internal' }, 'not delivered yet');
    return false;
  }
}

/** A workflow that is not there (terminated, completed, or lost with Temporal's data) does what the record says when it is started. */
export async function tell(workflows: ComposeOutboxOptions['workflows'], composeId: number): Promise<void> {
  try {
    await workflows.changed(composeId, { deadline });
  } catch (error) {
    if (!isMillraceError(error) || error.code !== 'compose-not-found') throw error;
    await workflows.start(composeId, { deadline });
  }
}
