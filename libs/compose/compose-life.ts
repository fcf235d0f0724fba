import type { ComposeEvent, ComposeRequested } from './compose-events.js';
import type { Compose } from './compose.js';
import type { PinnedInputs } from './compose-plan.js';
import type { ComposeRequest } from './compose-request.js';

/** The compose aggregate: pure. What of it others may see is `compose`. */
export interface ComposeLife {
  readonly compose: RecordedCompose | null;
  readonly inputs: PinnedInputs | null;
  /** Whose directory it has its files (or, failed, its logs) in, or waits for: it promises them until it is removed. */
  readonly promises: number | null;
  /** Its own directory. */
  readonly tree: OwnTree | null;
  /** Who cancelled it. */
  readonly cancelledBy: string | null;
  /** Stable names that point at it. */
  readonly names: readonly string[];
}

/** What the events say; the rest of `Compose` depends on others and on the stream. */
export type RecordedCompose = Omit<Compose, 'queuePosition' | 'version'>;

export interface OwnTree {
  readonly inputsDigest: string;
  /** `abandoned`: left in the middle, so others make it for themselves; `failed`: they cannot do better; `releasing`: being deleted. */
  readonly state: 'generating' | 'ready' | 'abandoned' | 'failed' | 'releasing';
  /** Of its package files; null until they are all there. */
  readonly bytes: number | null;
}

export const stateReasons = {
  started: 'Compose thread started',
  generating: 'Compose is generating',
  done: 'Compose is generated successfully',
  expired: 'Compose is expired.',
  removedBy: (by: string) => `Removed by ${by}.`,
  cancelledBy: (by: string) => `Canceled by ${by}`,
} as const;

export const unborn: ComposeLife = { compose: null, inputs: null, promises: null, tree: null, cancelledBy: null, names: [] };

export function evolve(life: ComposeLife, event: ComposeEvent): ComposeLife {
  if (event.type === 'ComposeRequested') return { ...unborn, compose: requested(event.data) };
  const { compose, tree } = life;
  if (compose === null) return life;
  switch (event.type) {
    case 'GenerationStarted':
      return { ...life, compose: { ...compose, state: 'generating', stateReason: stateReasons.started, startedAt: event.data.startedAt } };
    case 'SourcesPinned':
      return { ...life, inputs: event.data.inputs, compose: { ...compose, request: asPinned(compose.request, event.data.inputs), kojiEvent: event.data.inputs.kojiEvent } };
    case 'SourcesUnpinned':
      return { ...life, ...abandon(tree), inputs: null, promises: null, compose: { ...compose, kojiEvent: compose.request.kojiEvent, reusedId: null, stateReason: stateReasons.started } };
    case 'TreeClaimed':
      return { ...life, promises: compose.id, tree: { inputsDigest: event.data.inputsDigest, state: 'generating', bytes: null }, compose: { ...compose, reusedId: null, stateReason: stateReasons.generating } };
    case 'ComposeFollowing':
      return { ...life, promises: event.data.leader, compose: { ...compose, reusedId: event.data.leader, stateReason: stateReasons.started } };
    case 'ComposeReused': {
      const { reusedId, doneAt, expiresAt, pungiComposeId, plan } = event.data;
      return { ...life, promises: reusedId, compose: { ...compose, ...done, reusedId, doneAt, expiresAt, pungiComposeId, plan } };
    }
    case 'ComposeDone': {
      const { doneAt, expiresAt, pungiComposeId, plan, bytes } = event.data;
      return { ...life, tree: tree === null ? null : { ...tree, state: 'ready', bytes }, compose: { ...compose, ...done, doneAt, expiresAt, pungiComposeId, plan } };
    }
    case 'ComposeFailed': {
      const { reason, expiresAt, leader } = event.data;
      return { ...ended(life, { shares: leader, final: event.data.final }), compose: { ...compose, state: 'failed', stateReason: reason, expiresAt, reusedId: leader } };
    }
    case 'ComposeCancelled': {
      const { by, expiresAt } = event.data;
      return { ...ended(life, { shares: null, final: false }), cancelledBy: by, compose: { ...compose, state: 'failed', stateReason: stateReasons.cancelledBy(by), expiresAt, reusedId: null } };
    }
    case 'ComposeRenewed':
      return { ...life, compose: { ...compose, expiresAt: event.data.expiresAt, removedBy: null } };
    case 'ComposeNamed':
      return { ...life, names: [...life.names, event.data.name] };
    case 'ComposeUnnamed':
      return { ...life, names: life.names.filter((name) => name !== event.data.name) };
    case 'RemovalRequested':
      return { ...life, compose: { ...compose, expiresAt: event.data.requestedAt, removedBy: event.data.by } };
    case 'ComposeRemoved': {
      const why = compose.removedBy === null ? stateReasons.expired : stateReasons.removedBy(compose.removedBy);
      const stateReason = compose.stateReason === null ? why : `${compose.stateReason}\n${why}`;
      return { ...life, promises: null, compose: { ...compose, state: 'removed', stateReason, removedAt: event.data.removedAt } };
    }
    case 'TreeReleased':
      return { ...life, tree: withState(tree, 'releasing') };
    case 'TreeForgotten':
      return { ...life, tree: null };
  }
}

/** A Pungi compose says itself which packages it has, Pulp which of the content sets there are, and modules are resolved to their builds; clients are told, as in ODCS. */
function asPinned(request: ComposeRequest, { request: pinned }: PinnedInputs): ComposeRequest {
  if (request.sourceType === 'pulp') return { ...request, source: pinned.source, arches: pinned.arches, sigkeys: pinned.sigkeys };
  if (request.sourceType === 'module') return { ...request, source: pinned.source, moduleDefaults: pinned.moduleDefaults };
  if (request.sourceType !== 'pungi_compose') return { ...request, moduleDefaults: pinned.moduleDefaults };
  const { arches, packages, builds, sigkeys } = pinned;
  return { ...request, arches, packages, builds, sigkeys };
}

const done = { state: 'done', stateReason: stateReasons.done } as const;

function requested({ composeId, owner, request, submittedAt, expiresAt }: ComposeRequested['data']): RecordedCompose {
  return {
    id: composeId,
    owner,
    request,
    state: 'wait',
    stateReason: null,
    submittedAt,
    startedAt: null,
    doneAt: null,
    expiresAt,
    removedAt: null,
    removedBy: null,
    reusedId: null,
    kojiEvent: request.kojiEvent,
    pungiComposeId: null,
    plan: null,
  };
}

/** Its own directory keeps the logs of its attempts; what it waited for in another's is nothing to it, unless it shares that failure. */
function ended(life: ComposeLife, { shares, final }: { readonly shares: number | null; readonly final: boolean }): ComposeLife {
  const own = life.tree === null ? null : (life.compose?.id ?? null);
  const tree = life.tree?.state === 'generating' ? withState(life.tree, final ? 'failed' : 'abandoned') : life.tree;
  return { ...life, tree, promises: shares ?? own };
}

function abandon(tree: OwnTree | null): { readonly tree: OwnTree | null } {
  return { tree: withState(tree, 'abandoned') };
}

function withState(tree: OwnTree | null, state: OwnTree['state']): OwnTree | null {
  return tree === null ? null : { ...tree, state };
}
