import { ActivityFailure, ApplicationFailure, CancellationScope } from '@temporalio/workflow';
import { OneAtATime } from './one-at-a-time.js';
import { SearchAttributePublisher } from './session-search-attributes.js';
import { isNewerTraffic, noTraffic } from './traffic-totals.js';
import type { SessionActivities } from './session-activities.js';
import type { ValidSessionInput } from './session-input.js';
import type { EndedSession, RevokedSession, SessionResult, SessionState, SessionStatus, TrafficTotals } from './session-messages.js';

/** What one run of the workflow hands to the next; times are RFC 3339. */
export interface CarriedSession {
  readonly openedAt: string;
  readonly expiresAt: string;
  readonly revokedAt: string | null;
  readonly traffic: TrafficTotals;
}

/**
 * The state of one session and the operations on it. Operations run one at a time and in order of arrival, and repeating one
 * gives the first answer; opening is the first of them, so an update that arrives early waits for it. They are not
 * cancellable: a session that was half revoked because somebody cancelled the workflow would be neither open nor closed.
 */
export class SessionEntity {
  readonly attributes = new SearchAttributePublisher(() => this.status());
  readonly #operations = new OneAtATime();
  #state: SessionState = 'opening';
  #openedAt: string | null = null;
  #expiresAt: string | null = null;
  #revokedAt: string | null = null;
  #ended: EndedSession | null = null;
  #traffic: TrafficTotals = noTraffic;
  #openFailure: ApplicationFailure | null = null;

  constructor(
    private readonly input: ValidSessionInput,
    private readonly activities: SessionActivities,
    carried: CarriedSession | undefined,
  ) {
    if (carried === undefined) return;
    this.#openedAt = carried.openedAt;
    this.#expiresAt = carried.expiresAt;
    this.#revokedAt = carried.revokedAt;
    this.#traffic = carried.traffic;
    this.#state = carried.revokedAt === null ? 'open' : 'revoked';
  }

  /** Rejects with the failure that every later operation then answers, too. */
  open(): Promise<void> {
    return this.#run(async () => {
      try {
        const opened = await this.activities.openSession(this.input);
        this.#openedAt = opened.openedAt;
        this.#expiresAt = opened.expiresAt;
      } catch (error) {
        this.#openFailure = asApplicationFailure(error);
        throw this.#openFailure;
      }
      this.#become('open');
    });
  }

  revoke(by: string): Promise<RevokedSession> {
    return this.#run(async () => {
      const { sessionId } = this.input;
      if (this.#openedAt !== null && this.#revokedAt !== null) return { sessionId, openedAt: this.#openedAt, revokedAt: this.#revokedAt };
      if (this.#ended !== null) throw ApplicationFailure.nonRetryable(`session ${sessionId} is ${this.#state}`, 'session-closed');
      const revoked = await this.activities.revokeToken(sessionId, by);
      this.#revokedAt = revoked.revokedAt;
      this.#become('revoked');
      return revoked;
    });
  }

  end(by: string): Promise<EndedSession> {
    return this.#close('ended', () => this.activities.endSession(this.input.sessionId, by));
  }

  expire(): Promise<EndedSession> {
    return this.#close('expired', () => this.activities.expireSession(this.input.sessionId));
  }

  /** Totals are cumulative: late and repeated signals change nothing. Malformed ones neither: throwing would fail the workflow. */
  recordTraffic(totals: TrafficTotals): void {
    if (!isNewerTraffic(totals, this.#traffic)) return;
    const { position, downloads, refused, failed, bytes, violations } = totals;
    this.#traffic = { position, downloads, refused, failed, bytes, violations };
    if (this.#state !== 'opening') this.attributes.noteTraffic();
  }

  status(): SessionStatus {
    const { sessionId, policy, owner } = this.input;
    return { sessionId, state: this.#state, policy, owner, openedAt: this.#openedAt, expiresAt: this.#expiresAt, revokedAt: this.#revokedAt, endedAt: this.#ended?.endedAt ?? null, ...this.#traffic };
  }

  /** Undefined while the session is not closed. */
  get result(): SessionResult | undefined {
    return this.#ended === null ? undefined : { ...this.status(), retained: this.#ended.retained };
  }

  get closed(): boolean {
    return this.#ended !== null;
  }

  /** Milliseconds since 1970: the timeout counts from the opening, whatever happened since. */
  get deadline(): number {
    return Date.parse(this.#openedAt ?? '') + this.input.timeoutSeconds * 1000;
  }

  carry(): CarriedSession {
    if (this.#openedAt === null || this.#expiresAt === null) throw new Error('a session that was not opened is not continued');
    return { openedAt: this.#openedAt, expiresAt: this.#expiresAt, revokedAt: this.#revokedAt, traffic: this.#traffic };
  }

  #close(state: 'ended' | 'expired', activity: () => Promise<EndedSession>): Promise<EndedSession> {
    return this.#run(async () => {
      if (this.#ended !== null) return this.#ended;
      this.#ended = await activity();
      this.#become(state);
      return this.#ended;
    });
  }

  #run<T>(operation: () => Promise<T>): Promise<T> {
    return this.#operations.run(() =>
      CancellationScope.nonCancellable(async () => {
        if (this.#openFailure !== null) throw this.#openFailure;
        try {
          return await operation();
        } catch (error) {
          throw asApplicationFailure(error);
        }
      }),
    );
  }

  #become(state: SessionState): void {
    this.#state = state;
    this.attributes.publish();
  }
}

/** Callers read `type`, a Millrace error code; the activity's wrapping says nothing to them. */
function asApplicationFailure(error: unknown): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error;
  if (error instanceof ActivityFailure && error.cause instanceof ApplicationFailure) {
    return ApplicationFailure.nonRetryable(error.cause.message, error.cause.type ?? 'internal');
  }
  return ApplicationFailure.nonRetryable(error instanceof Error ? error.message : 'unknown failure', 'internal');
}
