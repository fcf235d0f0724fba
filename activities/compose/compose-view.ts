import { MillraceError } from '../../libs/errors/millrace-error.js';
import { asReason } from './compose-activity-failure.js';
import type { Compose } from '../../libs/compose/compose.js';
import type { ComposeReads } from '../../libs/compose-record/compose-commands.js';
import type { ComposeView } from '../../workflows/compose/compose-activities.js';

export function viewOf({ state, stateReason, owner, expiresAt, reusedId, version }: Compose): ComposeView {
  return { state, reason: stateReason === null ? null : asReason(stateReason), owner, expiresAt, reusedId, version };
}

/** Errors: `compose-not-found`, `database-unavailable`. */
export async function readCompose(reads: Pick<ComposeReads, 'get'>, composeId: number): Promise<Compose> {
  const compose = await reads.get(composeId);
  if (compose === undefined) throw new MillraceError('compose-not-found', `the record has no compose ${composeId}`);
  return compose;
}
