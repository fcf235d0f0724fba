import type { ComposeState } from '../../libs/compose/compose-vocabulary.js';

/** What the workflow knows of a compose. Goes into histories: ids, times, and a reason that is cut to `longestReason`. */
export interface ComposeView {
  readonly state: ComposeState;
  readonly reason: string | null;
  readonly owner: string;
  /** RFC 3339 */
  readonly expiresAt: string;
  readonly reusedId: number | null;
  /** Of the record: the greater one is the newer view. */
  readonly version: number;
}

/** Characters. */
export const longestReason = 1000;

/** Short ones, each a command of the record; `createComposeActivities(options)` in activities/compose makes them. Idempotent, all of them. */
export interface ComposeActivities {
  /** `generationSeconds`: how long one generation may take. */
  lookAtCompose(composeId: number): Promise<{ readonly view: ComposeView; readonly generationSeconds: number }>;
  /** For a follower. `generate`: it is this compose's turn to make the files. */
  claimComposeTree(composeId: number): Promise<{ readonly kind: 'generate' | 'follow' | 'reuse'; readonly view: ComposeView }>;
  failCompose(composeId: number, failure: { readonly reason: string; readonly final: boolean }): Promise<ComposeView>;
  cancelCompose(composeId: number, by: string): Promise<ComposeView>;
  renewCompose(composeId: number, renewal: { readonly by: string; readonly secondsToLive?: number }): Promise<ComposeView>;
  removeCompose(composeId: number, by: string): Promise<ComposeView>;
  /** Removes it if it is due by the record's clock. */
  expireCompose(composeId: number): Promise<ComposeView>;
  /** Signals those who wait for the files of this compose; answers how many. */
  tellFollowers(composeId: number): Promise<number>;
  /** Deletes files that nothing promises any more; answers how many trees. */
  releaseTrees(): Promise<number>;
}

/** The long one, on a task queue of its own. */
export interface GenerationActivities {
  /**
   * Makes the files, or finds that another compose has them or makes them just now (`following`). Failures for good are in the record when it resolves; it rejects
   * with what another attempt may overcome, and with `handedOver` when its worker stops.
   */
  generateCompose(composeId: number): Promise<{ readonly kind: 'ended' | 'following'; readonly view: ComposeView }>;
}

/** Type of the failure with which a worker that stops gives a generation back. */
export const handedOver = 'handed-over';

/** Error codes for which the request is to blame, or what it names: the very same request cannot do better. */
export const faultsOfInputs: ReadonlySet<string> = new Set(['invalid-request', 'forbidden', 'source-invalid', 'unresolvable']);

export function tooLong(seconds: number): string {
  return `generation took longer than the ${seconds} s that it may take; ask for fewer packages or architectures, or let the operator raise MILLRACE_COMPOSE_TIMEOUT`;
}
