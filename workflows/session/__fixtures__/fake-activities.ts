import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { SessionActivities } from '../session-activities.js';

export interface FakeActivities extends SessionActivities {
  /** `name` or `name by`, in the order in which they began. */
  readonly calls: string[];
  /** Most activities that ever ran at once. */
  readonly mostAtOnce: () => number;
}

/** Activities without a record; times come from the server's clock, which jumps. */
export function fakeActivities(environment: TestWorkflowEnvironment, before: (call: string) => Promise<void> = () => Promise.resolve()): FakeActivities {
  const calls: string[] = [];
  let running = 0;
  let most = 0;
  const openings = new Map<string, string>();
  async function performed<T>(call: string, answer: (now: number) => T): Promise<T> {
    calls.push(call);
    running += 1;
    most = Math.max(most, running);
    try {
      await before(call);
      return answer(await environment.currentTimeMs());
    } finally {
      running -= 1;
    }
  }
  const at = (milliseconds: number): string => new Date(milliseconds).toISOString();
  return {
    calls,
    mostAtOnce: () => most,
    openSession: (input) =>
      performed('open', (now) => {
        openings.set(input.sessionId, at(now));
        return { openedAt: at(now), expiresAt: at(now + (input.timeoutSeconds ?? 0) * 1000) };
      }),
    revokeToken: (sessionId, by) => performed(`revoke ${by}`, (now) => ({ sessionId, openedAt: openings.get(sessionId) ?? '', revokedAt: at(now) })),
    endSession: (sessionId, by) => performed(`end ${by}`, (now) => ({ sessionId, endedAt: at(now), retained: false })),
    expireSession: (sessionId) => performed('expire', (now) => ({ sessionId, endedAt: at(now), retained: false })),
  };
}
