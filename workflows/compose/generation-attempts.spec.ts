import { describe, expect, it } from '@jest/globals';
import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/common';
import { handedOver } from './compose-activities.js';
import { afterFailure, noAttempts } from './generation-attempts.js';
import type { NextStep } from './generation-attempts.js';

const failed = (cause: Error): ActivityFailure => new ActivityFailure('activity failed', 'generateCompose', '1', 'MAXIMUM_ATTEMPTS_REACHED', 'worker', cause);

/** Every step until it is given up, at most 20. */
function stepsAfter(cause: Error): NextStep[] {
  const steps: NextStep[] = [];
  let attempts = noAttempts;
  while (steps.length < 20) {
    const next = afterFailure(failed(cause), attempts, 3600);
    steps.push(next);
    if (next.kind === 'give-up') break;
    attempts = next.attempts;
  }
  return steps;
}
const pausesOf = (steps: readonly NextStep[]): number[] => steps.flatMap((step) => (step.kind === 'again' ? [step.pause] : []));

describe('after a generation that failed', () => {
  it('pauses become longer, and the fifth failure is the last', () => {
    const steps = stepsAfter(ApplicationFailure.retryable('no route to the source', 'source-unavailable'));
    expect(pausesOf(steps)).toEqual([2000, 8000, 32_000, 60_000]);
    expect(steps.at(-1)).toEqual({ kind: 'give-up', reason: 'no route to the source (tried 5 times)', final: false });
  });

  it('the fifth worker that is lost is the last', () => {
    const steps = stepsAfter(new TimeoutFailure('activity timeout', undefined, 'HEARTBEAT'));
    expect(pausesOf(steps)).toEqual([0, 0, 0, 0]);
    expect(steps.at(-1)).toMatchObject({ kind: 'give-up', final: false, reason: expect.stringMatching(/worker .* was lost 5 times/) as unknown });
  });

  it('a worker that stops in order may do so as often as it likes', () => {
    expect(pausesOf(stepsAfter(ApplicationFailure.retryable('the worker stops', handedOver)))).toEqual(Array.from({ length: 20 }, () => 0));
  });

  it('one that took too long is not made again', () => {
    expect(stepsAfter(new TimeoutFailure('activity timeout', undefined, 'START_TO_CLOSE'))).toEqual([{ kind: 'give-up', final: false, reason: expect.stringMatching(/longer than the 3600 s .*MILLRACE_COMPOSE_TIMEOUT/) as unknown }]);
  });

  it('what is wrong for good is final where the request is to blame, and for the others it is not', () => {
    expect(stepsAfter(ApplicationFailure.nonRetryable('no package bash', 'unresolvable'))).toEqual([{ kind: 'give-up', reason: 'no package bash', final: true }]);
    expect(stepsAfter(ApplicationFailure.nonRetryable('no xorriso', 'tool-not-found'))).toEqual([{ kind: 'give-up', reason: 'no xorriso', final: false }]);
  });
});
