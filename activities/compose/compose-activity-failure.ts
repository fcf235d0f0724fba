import { ApplicationFailure } from '@temporalio/common';
import { longestReason } from '../../workflows/compose/compose-activities.js';
import { asActivityFailure } from '../session/activity-failure.js';

/** As `asActivityFailure`, with a message that may stand in a history: not too long, and without anybody's password in a URL. */
export function asComposeFailure(error: unknown): ApplicationFailure {
  const { message, type, nonRetryable } = asActivityFailure(error);
  return ApplicationFailure.create({ message: asReason(message), type: type ?? 'internal', nonRetryable: nonRetryable === true });
}

export function asReason(text: string): string {
  const clean = withoutUserInfo(text);
  return clean.length <= longestReason ? clean : `${clean.slice(0, longestReason - 1)}…`;
}

export function withoutUserInfo(text: string): string {
  return text.replace(/(?<=\b[a-z][a-z0-9+.-]{0,15}:\/\/)[^\s/@]{1,255}@/gi, '');
}
