import { isMillraceError } from '../../libs/errors/millrace-error.js';
import { tell } from './compose-outbox-dispatcher.js';
import type { Logger } from 'pino';
import type { ComposeCommands } from '../../libs/compose-record/compose-commands.js';
import type { OverdueComposes } from '../../libs/compose-record/overdue-composes.js';
import type { ComposeWorkflowClient } from '../../temporal/compose-workflow-client.js';

export interface ComposeSweepOptions {
  readonly overdue: OverdueComposes;
  readonly commands: Pick<ComposeCommands, 'expire'>;
  readonly workflows: Pick<ComposeWorkflowClient, 'start' | 'changed'>;
  readonly log: Logger;
}

/** Composes of one round, of either kind. */
const batch = 200;
/** Seconds that a compose may wait before anybody asks whether its workflow is there. */
const patience = 60;

/**
 * One round: composes that should have been removed, because their workflow was terminated, lost with Temporal's data, or Temporal is away, expire by the record
 * alone; those that have not ended get their workflow again. A workflow that is there notices nothing. Several workers may sweep at once. Rejects when the
 * database is away.
 */
export async function sweepComposes(options: ComposeSweepOptions): Promise<void> {
  for (const composeId of await options.overdue.find(batch)) await expire(composeId, options);
  for (const composeId of await options.overdue.findUnfinished(patience, batch)) {
    if (!(await ensureWorkflow(composeId, options))) return; // Temporal is away: so it is for the others
  }
}

async function expire(composeId: number, { commands, workflows, log }: ComposeSweepOptions): Promise<void> {
  try {
    const { removed } = await commands.expire(composeId);
    if (!removed) return;
    log.info({ task: 'compose sweep', composeId }, 'removed a compose that its workflow had left');
    // If there is one after all, it has nothing to wait for any more.
    await tell(workflows, composeId);
  } catch (error) {
    const code = isMillraceError(error) ? error.code : 'internal';
    if (code === 'database-unavailable') throw error;
    log.warn({ task: 'compose sweep', composeId, code }, 'not done yet');
  }
}

async function ensureWorkflow(composeId: number, { workflows, log }: ComposeSweepOptions): Promise<boolean> {
  try {
    await workflows.start(composeId);
    return true;
  } catch (error) {
    log.warn({ task: 'compose sweep', composeId, code: isMillraceError(error) ? error.code : 'internal' }, 'cannot see to its workflow now');
    return false;
  }
}
