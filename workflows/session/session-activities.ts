import type { SessionInput } from './session-messages.js';

/** Activities that the session workflow calls; `createSessionActivities(deps)` in activities/session makes them. Idempotent, all of them. */
export interface SessionActivities {
  openSession(input: SessionInput): Promise<{ openedAt: string; expiresAt: string }>;
  revokeToken(sessionId: string, by: string): Promise<{ sessionId: string; openedAt: string; revokedAt: string }>;
  endSession(sessionId: string, by: string): Promise<{ sessionId: string; endedAt: string; retained: boolean }>;
  expireSession(sessionId: string): Promise<{ sessionId: string; endedAt: string; retained: boolean }>;
}
