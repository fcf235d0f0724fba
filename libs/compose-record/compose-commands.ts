import type { Compose } from '../compose/compose.js';
import type { PinnedInputs } from '../compose/compose-plan.js';
import type { ComposeRequest } from '../compose/compose-request.js';
import type { RuleCause } from '../compose-rules/rule-cause.js';
import type { ComposeState } from '../compose/compose-vocabulary.js';
import type { GeneratedTree, TreeName } from '../compose-engine/compose-engine.js';
import type { OwnerQuota, OwnerUse } from './owner-quota.js';

/**
 * Every change of a compose, each one transaction: events in the stream `compose:<id>`, projections, the message for the outside and what the
 * workflow engine has to hear. All may be repeated. Errors: `compose-not-found`, `compose-closed` (its state does not allow it), `database-unavailable`.
 */
export interface ComposeCommands {
  /**
   * A request with an idempotency key that its owner used before answers the compose of then, and takes nothing of the quota; `idempotency-conflict` when the
   * requests differ, `quota-exceeded` when the owner has as much as they may. One with a cause that there was before answers the compose of then, too, whatever
   * the request is now.
   */
  request(request: ComposeRequest, requester: ComposeRequester & { readonly cause?: RuleCause }): Promise<{ readonly compose: Compose; readonly repeated: boolean }>;
  /** wait → generating; again: the same. */
  begin(id: number): Promise<Compose>;
  /** Remembers what the sources were, so that an attempt after a crash works on the same; answers what was remembered first. */
  pin(id: number, inputs: PinnedInputs): Promise<PinnedInputs>;
  /** The sources are not what was pinned any more: the next attempt pins anew. */
  unpin(id: number, reason: string): Promise<void>;
  /**
   * Single flight: who makes the files. `generate`: this compose; `follow`: another one does just now, so claim again when it has ended; `reuse`: they
   * are there, and the compose is done, if `isThere` does not say otherwise of them. `compose-closed` also when the other one failed for good: then this one has failed with it.
   */
  claimTree(id: number, isThere?: (tree: TreeName) => Promise<boolean>): Promise<{ readonly kind: 'generate' | 'follow' | 'reuse'; readonly tree: TreeName }>;
  /** generating → done. */
  complete(id: number, tree: GeneratedTree): Promise<Compose>;
  /** → failed. `final`: its followers cannot do better and fail with it; else each may try for itself. */
  fail(id: number, reason: string, options: { readonly final: boolean }): Promise<Compose>;
  /** wait or generating → failed; followers go on for themselves. */
  cancel(id: number, by: string): Promise<Compose>;
  /** done or failed: expires now; the workflow removes it. Errors also: `resources-in-use`, while a name points at it. */
  remove(id: number, by: string): Promise<Compose>;
  /** done, failed or removed: a later expiry, or a new compose with the same packages, as ODCS decides between them; `compose-not-found` for what has not ended, `quota-exceeded`. */
  renew(id: number, change: ComposeRenewal, requester: ComposeRequester): Promise<Compose>;
  /** done or failed, and due → removed. `dueAt` (RFC 3339) where it is not due yet; what a name points at is renewed instead. */
  expire(id: number): Promise<{ readonly removed: boolean; readonly dueAt: string }>;
  /** Composes that wait for the files of this one; the workflow tells them when it has ended. */
  followers(id: number): Promise<readonly number[]>;
  /** Trees that nothing promises any more; to be deleted, then forgotten. */
  releasableTrees(limit: number): Promise<readonly TreeName[]>;
  forgetTree(tree: TreeName): Promise<void>;
}

export interface ComposeRequester {
  readonly owner: string;
  readonly idempotencyKey?: string;
  /** Absent: the owner may have as much as they like. */
  readonly quota?: OwnerQuota;
}

export interface ComposeRenewal {
  readonly label?: string;
  /** Seconds from now; the service's default when absent. */
  readonly secondsToLive?: number;
  readonly sigkeys?: readonly string[];
  readonly builds?: readonly string[];
  readonly modules?: readonly string[];
}

export interface ComposeReads {
  get(id: number): Promise<Compose | undefined>;
  list(query: ComposeQuery): Promise<{ readonly composes: readonly Compose[]; readonly total: number }>;
  /** What of their quota an owner has taken. */
  use(owner: string): Promise<OwnerUse>;
  /** For metrics. */
  totals(): Promise<readonly { readonly sourceType: string; readonly state: ComposeState; readonly count: number }[]>;
  /**
   * Resolves when the compose has another version than the given one, or when the time is over (or the signal says so). One listener per process,
   * whatever the number of those who wait. Errors: `database-unavailable`, when it is away at the beginning.
   */
  changed(id: number, options: { readonly version: number; readonly milliseconds: number; readonly signal?: AbortSignal }): Promise<void>;
}

export interface ComposeQuery {
  /** Equality, all of them. */
  readonly filters: Readonly<Partial<Record<ComposeFilter, string | number>>>;
  readonly orderBy: ComposeOrder;
  readonly descending: boolean;
  /** From 0. */
  readonly offset: number;
  readonly limit: number;
  /** Only those with a smaller id: pages of a list that grows at its head. */
  readonly beforeId?: number;
}

export type ComposeFilter = 'owner' | 'source_type' | 'source' | 'state' | 'koji_task_id' | 'pungi_compose_id' | 'compose_type' | 'label';
export type ComposeOrder = 'id' | 'owner' | 'source_type' | 'koji_event' | 'state' | 'time_to_expire' | 'time_submitted' | 'time_done' | 'time_removed';
