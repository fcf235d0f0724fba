import type { Inspector, SessionKnowledge } from '../inspection/inspector.js';
import type { InspectResponse } from '../inspection/response-inspection.js';
import type { SessionSecret } from '../session/session-secrets.js';
import type { TrafficEvent } from '../session/session-events.js';
import type { CompiledPolicy } from '../policy/compile-policy.js';
import type { InspectorsConfiguration, SessionPolicy } from '../policy/session-policy.js';

/**
 * What the byte path needs from the rest; `libs/session-record` implements these on PostgreSQL, specs of the proxy in memory.
 */

/** A session as one proxy process sees it. `admits()` is asked synchronously before every single upstream request. */
export interface LiveSession {
  readonly id: string;
  readonly policy: SessionPolicy;
  readonly configuration: InspectorsConfiguration;
  /** The policy documents in force; undefined: none. */
  readonly rules?: CompiledPolicy;
  /** First match wins; decrypted with the session's own token. */
  readonly secrets: readonly SessionSecret[];
  readonly knowledge: SessionKnowledge;
  /** True while the token is neither revoked nor expired and this process still holds its lease on the record. */
  admits(): boolean;
  /** Why `admits()` is false, for the answer to the build. */
  refusal(): 'revoked' | 'expired' | 'record-unavailable' | undefined;
  /**
   * Registers work under way; the returned function ends it. When the session closes, every `abort` registered is called once,
   * and the close is acknowledged only when all work has ended (so that nothing is appended afterwards).
   */
  enter(abort: (reason: 'revoked' | 'expired') => void): () => void;
}

export interface SessionDirectory {
  /** Undefined for an unknown id, a wrong token, a revoked or an expired session: all the same to the caller. Rejects when the record cannot be read. */
  authenticate(sessionId: string, token: string): Promise<LiveSession | undefined>;
}

export interface TrafficRecorder {
  /**
   * Resolves when the event is durable; the last byte of a response is delivered only then. Group commit: calls of the same
   * tick and of the time that a commit takes share one transaction. Rejects with `record-sealed` when the session is closed.
   */
  record(sessionId: string, event: TrafficEvent): Promise<void>;
}

/** Where whole bodies are kept. Implemented by `libs/blobs`. */
export interface BodyStore {
  /** Directory on the same file system as the store, for spool files; `adopt` renames from here. */
  readonly spoolDirectory: string;
  /** Takes over a complete spool file as `<sessionId>/<sha256>`; a no-op (the file is removed) when it is there already. */
  adopt(sessionId: string, sha256: string, spoolFile: string): Promise<void>;
  /** The same for a small body in memory. */
  put(sessionId: string, sha256: string, bytes: Buffer): Promise<void>;
}

export interface ProxyPorts {
  readonly directory: SessionDirectory;
  readonly recorder: TrafficRecorder;
  readonly bodies: BodyStore;
  readonly inspectors: readonly Inspector[];
  /** Where responses are inspected; absent: on the event loop. */
  readonly inspect?: InspectResponse;
}
