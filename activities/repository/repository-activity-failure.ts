import { ApplicationFailure } from '@temporalio/common';
import { isMillraceError } from '../../libs/errors/millrace-error.js';
import { asReason } from '../compose/compose-activity-failure.js';
import { asActivityFailure } from '../session/activity-failure.js';

/** Of an error, in a history. */
const shownDetails = 20;

/** As `asActivityFailure`, with a message that may stand in a history and the first few of its details. */
export function asRepositoryFailure(error: unknown): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error;
  const { message, type, nonRetryable } = asActivityFailure(error);
  const details = isMillraceError(error) ? (error.details ?? []).slice(0, shownDetails) : [];
  return ApplicationFailure.create({ message: asReason(message), type: type ?? 'internal', nonRetryable: nonRetryable === true, details: [details] });
}
