import type { SessionKnowledge } from '../inspection/inspector.js';
import type { CompiledPolicy } from '../policy/compile-policy.js';
import type { InspectorsConfiguration, SessionPolicy } from '../policy/session-policy.js';
import type { LiveSession } from '../proxy/ports.js';
import type { SessionSecret } from '../session/session-secrets.js';

export interface LiveSessionParts {
  readonly id: string;
  readonly policy: SessionPolicy;
  readonly configuration: InspectorsConfiguration;
  readonly rules?: CompiledPolicy;
  readonly secrets: readonly SessionSecret[];
  readonly knowledge: SessionKnowledge;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** What the directory can do besides. */
export interface ControlledSession extends LiveSession {
  readonly closed: boolean;
  readonly expiresAt: number;
  /** No request is admitted from now on; work under way is aborted. Resolves when all of it has ended. May be called again. */
  close(reason: 'revoked' | 'expired'): Promise<void>;
}

type Abort = (reason: 'revoked' | 'expired') => void;

export function createLiveSession(parts: LiveSessionParts, leaseHeld: () => boolean): ControlledSession {
  const work = new Set<{ readonly abort: Abort }>();
  let closedAs: 'revoked' | 'expired' | undefined;
  let onIdle: (() => void)[] = [];

  function refusal(): 'revoked' | 'expired' | 'record-unavailable' | undefined {
    if (closedAs !== undefined) return closedAs;
    if (Date.now() >= parts.expiresAt) return 'expired';
    return leaseHeld() ? undefined : 'record-unavailable';
  }

  return {
    ...parts,
    get closed() {
      return closedAs !== undefined;
    },
    admits: () => refusal() === undefined,
    refusal,
    enter(abort) {
      const item = { abort };
      work.add(item);
      const reason = closedAs;
      if (reason !== undefined) queueMicrotask(() => work.has(item) && abort(reason));
      return () => {
        if (!work.delete(item) || work.size > 0) return;
        const waiting = onIdle;
        onIdle = [];
        for (const resolve of waiting) resolve();
      };
    },
    async close(reason) {
      if (closedAs === undefined) {
        closedAs = reason;
        for (const { abort } of [...work]) callSafely(abort, reason);
      }
      if (work.size > 0) await new Promise<void>((resolve) => onIdle.push(resolve));
    },
  };
}

/** One exchange that fails to stop must not keep the others running. */
function callSafely(abort: Abort, reason: 'revoked' | 'expired'): void {
  try {
    abort(reason);
  } catch {
    // Its work is still counted, so the close is not acknowledged before it has ended.
  }
}
