import { ApplicationFailure } from '@temporalio/common';
import { errorTable } from '../../libs/errors/error-table.js';
import { isMillraceError } from '../../libs/errors/millrace-error.js';
import type { ErrorCode } from '../../libs/errors/millrace-error.js';

/**
 * What an activity throws is written into the workflow's history, so only what Millrace itself says goes there: code and
 * message of a `MillraceError`, and of any other error nothing but its name. An error that is not ours is retried: it is more often
 * the machine (a disk, a socket) than the command, and giving up would leave a session that never expires. Codes in `final` are not
 * retried whatever the table says.
 */
export function asActivityFailure(error: unknown, final: readonly ErrorCode[] = []): ApplicationFailure {
  if (isMillraceError(error)) {
    return ApplicationFailure.create({ message: error.message, type: error.code, nonRetryable: final.includes(error.code) || !errorTable[error.code].retryable });
  }
  return ApplicationFailure.create({ message: `unexpected ${error instanceof Error ? error.name : typeof error}; the worker's log has it`, type: 'internal', nonRetryable: false });
}
