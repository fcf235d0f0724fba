import type { Logger } from 'pino';
import { errorTable } from '../../../libs/errors/error-table.js';
import { isMillraceError } from '../../../libs/errors/millrace-error.js';

/** What is not the caller's doing goes to the log: faults of ours, and of what the cache stands on. */
export function reportFailure(log: Logger, { error, method, aborted }: { readonly error: unknown; readonly method: string; readonly aborted: boolean }): void {
  if (aborted) return;
  if (!isMillraceError(error)) {
    if (!(error instanceof Error && (error.name === 'GrpcStatusError' || error.name === 'AbortError'))) log.error({ err: error, method }, 'a call failed');
    return;
  }
  if (errorTable[error.code].http >= 500) log.warn({ code: error.code, problem: error.message, method }, 'a call failed');
}
