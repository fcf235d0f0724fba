import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/workflow';
import { faultsOfInputs, handedOver, tooLong } from './compose-activities.js';

/** What one run of the workflow hands to the next; all counted since the compose was asked for. */
export interface Attempts {
  /** Generations begun. */
  readonly begun: number;
  /** Those that failed of something that might have passed. */
  readonly failed: number;
  /** Those whose worker was never heard of again. */
  readonly lost: number;
}

export const noAttempts: Attempts = { begun: 0, failed: 0, lost: 0 };

/** How often each kind of trouble may befall a compose. */
const most = 5;
/** Milliseconds until the next attempt after the first failure, and at most. */
const firstPause = 2000;
const longestPause = 60_000;

export type NextStep = { readonly kind: 'again'; readonly pause: number; readonly attempts: Attempts } | { readonly kind: 'give-up'; readonly reason: string; readonly final: boolean };

/**
 * What follows a generation that did not come to its end. A worker that stopped in order gave it back: that is nobody's failure. One that was lost may have been
 * killed by this very compose, so that is counted. What its activity calls final it has written into the record itself.
 */
export function afterFailure(error: unknown, attempts: Attempts, generationSeconds: number): NextStep {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure && cause.type === handedOver) return { kind: 'again', pause: 0, attempts };
  if (cause instanceof TimeoutFailure) return afterTimeout(cause, attempts, generationSeconds);
  const failed = attempts.failed + 1;
  const message = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof ApplicationFailure && cause.nonRetryable === true) return { kind: 'give-up', reason: message, final: faultsOfInputs.has(cause.type ?? '') };
  if (failed >= most) return { kind: 'give-up', reason: `${message} (tried ${failed} times)`, final: false };
  return { kind: 'again', pause: Math.min(longestPause, firstPause * 4 ** (failed - 1)), attempts: { ...attempts, failed } };
}

function afterTimeout(timeout: TimeoutFailure, attempts: Attempts, generationSeconds: number): NextStep {
  if (timeout.timeoutType !== 'HEARTBEAT') return { kind: 'give-up', reason: tooLong(generationSeconds), final: false };
  const lost = attempts.lost + 1;
  if (lost >= most) return { kind: 'give-up', reason: `the worker that generated it was lost ${lost} times; the logs of the workers and of their machines say why (memory?)`, final: false };
  return { kind: 'again', pause: 0, attempts: { ...attempts, lost } };
}
