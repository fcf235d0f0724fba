import { errorMessage } from '../errors/error-message.js';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';

const full = new Set(['ENOSPC', 'EDQUOT']);

export function isMissing(error: unknown): boolean {
  return errorCodeOf(error) === 'ENOENT';
}

export function errorCodeOf(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** What a release engineer is told of a failure that has no code of ours yet. */
export function asMillraceError(error: unknown, what: string): MillraceError {
  if (isMillraceError(error)) return error;
  if (full.has(errorCodeOf(error) ?? '')) {
    return new MillraceError('storage-full', `${what}: there is no space left (${errorMessage(error)})`, { cause: error, suggestion: 'Free space in the directory of composes, or let composes expire sooner.' });
  }
  return new MillraceError('internal', `${what}: ${errorMessage(error)}`, { cause: error });
}
