import { MillraceError } from '../errors/millrace-error.js';

/** `what` says what is wrong, where. Code `source-invalid`. */
export function invalidFile(what: string, cause?: unknown): MillraceError {
  return new MillraceError('source-invalid', `not a valid Haiku package or repository file: ${what}`, { cause });
}
