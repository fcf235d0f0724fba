import { ActivityFailure, ApplicationFailure, isCancellation, TimeoutFailure } from '@temporalio/workflow';
import type { StepProblem } from './repository-activities.js';

export interface StepFailure {
  readonly problem: StepProblem;
  /** Whether the same step may succeed later without a change. */
  readonly again: boolean;
}

/** What an activity has failed with. Throws what is none of its own failures: a cancellation. */
export function failureOf(error: unknown): StepFailure {
  if (isCancellation(error)) throw error;
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof TimeoutFailure) return { problem: { code: 'internal', message: 'the worker that did it was lost, or it took too long', details: [] }, again: true };
  if (!(cause instanceof ApplicationFailure)) throw error;
  const [details] = cause.details ?? [];
  return { problem: { code: cause.type ?? 'internal', message: cause.message, details: Array.isArray(details) ? (details as object[]) : [] }, again: cause.nonRetryable !== true };
}

/** To a caller, who reads its `type`; the activity's wrapping says nothing to them. */
export function asCallersFailure({ code, message, details }: StepProblem): ApplicationFailure {
  return ApplicationFailure.create({ type: code, message, nonRetryable: true, details: [details] });
}
