import { errorMessage } from '../errors/error-message.js';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import { asStorageError } from '../errors/system-error.js';

/** What a release engineer is told of a failure that has no code of ours yet. */
export function asEngineError(error: unknown, what: string): MillraceError {
  const known = asStorageError(error, what);
  if (isMillraceError(known)) return known;
  return new MillraceError('internal', `${what}: ${errorMessage(error)}`, { cause: error });
}
