import type { MessagePort } from 'node:worker_threads';
import type { BodySource } from '../inspection/inspected-body.js';
import type { Inspection } from '../inspection/inspection.js';
import type { InspectedRequest, ResponseInspection } from '../inspection/inspector.js';
import type { PolicyOrigin } from '../policy/compile-policy.js';
import type { InspectorsConfiguration, SessionPolicy } from '../policy/session-policy.js';

/** One inspection as it crosses to a thread: plain data, and a port for what only the process can do. */
export interface ThreadTask {
  readonly inspectorId: string;
  readonly request: Omit<InspectedRequest, 'header'>;
  /** `[name, value, …]` as sent. */
  readonly requestFields: readonly string[];
  readonly status: number;
  readonly responseFields: readonly string[];
  readonly body: BodySource;
  readonly sessionId: string;
  readonly policy: SessionPolicy;
  readonly configuration: InspectorsConfiguration;
  /** What the policy documents were compiled from. */
  readonly rules: PolicyOrigin | undefined;
  /** Whether the process can consult. */
  readonly mayConsult: boolean;
  readonly port: MessagePort;
}

/** A throw comes back as the Rejected opinion that it counts as. */
export type ThreadResult = ResponseInspection | Inspection | undefined;

/** What a thread asks its process, and the answer with the same `id`. */
export type ThreadQuestion =
  | { readonly id: number; readonly ask: 'get'; readonly key: string }
  | { readonly id: number; readonly ask: 'put'; readonly key: string; readonly value: string }
  | { readonly id: number; readonly ask: 'replace'; readonly key: string; readonly before: string | undefined; readonly value: string }
  | { readonly id: number; readonly ask: 'consult'; readonly url: string; readonly accept: string | undefined };

export interface ThreadAnswer {
  readonly id: number;
  readonly value?: string | undefined;
  /** The process could not do it: the message of what was thrown. */
  readonly failure?: string;
}
