import type { GateSettings } from '../compose-rules/compose-rule.js';

/** Errors: `source-unavailable` (worth another question), `source-invalid` for an answer that is none. */
export interface Gates {
  decide(gate: GateSettings, signal: AbortSignal): Promise<GateDecision>;
}

export interface GateDecision {
  readonly open: boolean;
  /** In the gate's words, at most 1,000 characters. */
  readonly summary: string;
}
