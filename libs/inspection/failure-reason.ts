import { isMillraceError } from '../errors/millrace-error.js';
import { boundedText } from './metadata-text.js';

/** The reason of a Rejected opinion that stands for a throw: our own refusals as they are, a surprise marked as one. At most 1 KiB. */
export function failureReason(error: unknown): string {
  const message = typeof error === 'object' && error !== null && 'message' in error && typeof error.message === 'string' ? error.message : String(error);
  return boundedText(isMillraceError(error) ? message : `the inspection failed: ${message}`, 1024);
}
