import type { PinnedInputs } from './compose-plan.js';
import type { ComposeRequest } from './compose-request.js';

/** Stream id = workflow id = `compose:<id>`. All times RFC 3339 in UTC with milliseconds. */
export interface ComposeRequested {
  readonly type: 'ComposeRequested';
  readonly data: { readonly composeId: number; readonly owner: string; readonly request: ComposeRequest; readonly submittedAt: string; readonly expiresAt: string };
}

export interface GenerationStarted {
  readonly type: 'GenerationStarted';
  readonly data: { readonly startedAt: string };
}

export interface SourcesPinned {
  readonly type: 'SourcesPinned';
  readonly data: { readonly inputs: PinnedInputs };
}

/** The sources are not what was pinned any more; a claim that rested on it is given up. */
export interface SourcesUnpinned {
  readonly type: 'SourcesUnpinned';
  readonly data: { readonly reason: string };
}

/** This compose makes the files, in the directory that has its own id. */
export interface TreeClaimed {
  readonly type: 'TreeClaimed';
  /** Lower-case hex SHA-256; see `libs/compose-record/inputs-digest.ts`. */
  readonly data: { readonly inputsDigest: string };
}

/** Another compose makes the same files just now. */
export interface ComposeFollowing {
  readonly type: 'ComposeFollowing';
  readonly data: { readonly leader: number };
}

/** The files of another compose are there, and are this one's, too. */
export interface ComposeReused {
  readonly type: 'ComposeReused';
  readonly data: { readonly reusedId: number; readonly doneAt: string; readonly expiresAt: string; readonly pungiComposeId: string; readonly plan: string };
}

export interface ComposeDone {
  readonly type: 'ComposeDone';
  readonly data: {
    readonly doneAt: string;
    readonly expiresAt: string;
    readonly pungiComposeId: string;
    readonly plan: string;
    /** Distinct package files. */
    readonly packages: number;
    readonly bytes: number;
  };
}

export interface ComposeFailed {
  readonly type: 'ComposeFailed';
  readonly data: {
    readonly failedAt: string;
    readonly expiresAt: string;
    readonly reason: string;
    /** Whoever waits for these files fails with it. */
    readonly final: boolean;
    /** The compose whose failure this one shares, with its logs; null: its own. */
    readonly leader: number | null;
  };
}

export interface ComposeCancelled {
  readonly type: 'ComposeCancelled';
  readonly data: { readonly cancelledAt: string; readonly expiresAt: string; readonly by: string };
}

/** A later expiry. It takes a removal back that has been asked for and not been carried out. */
export interface ComposeRenewed {
  readonly type: 'ComposeRenewed';
  /** `renewedId`: the compose that was renewed, where this one shares its files. */
  readonly data: { readonly renewedAt: string; readonly expiresAt: string; readonly by: string; readonly renewedId: number };
}

/** A stable name points at it: as long as it does, the compose does not expire. */
export interface ComposeNamed {
  readonly type: 'ComposeNamed';
  readonly data: { readonly name: string; readonly namedAt: string };
}

/** The name has moved on, or is gone. */
export interface ComposeUnnamed {
  readonly type: 'ComposeUnnamed';
  readonly data: { readonly name: string; readonly unnamedAt: string };
}

export interface RemovalRequested {
  readonly type: 'RemovalRequested';
  readonly data: { readonly requestedAt: string; readonly by: string };
}

export interface ComposeRemoved {
  readonly type: 'ComposeRemoved';
  readonly data: { readonly removedAt: string };
}

/** Nothing promises the files of this compose's directory any more: they are being deleted, and nobody may rely on them. */
export interface TreeReleased {
  readonly type: 'TreeReleased';
  readonly data: { readonly releasedAt: string };
}

/** They are deleted. */
export interface TreeForgotten {
  readonly type: 'TreeForgotten';
  readonly data: { readonly forgottenAt: string };
}

export type ComposeEvent =
  | ComposeRequested
  | GenerationStarted
  | SourcesPinned
  | SourcesUnpinned
  | TreeClaimed
  | ComposeFollowing
  | ComposeReused
  | ComposeDone
  | ComposeFailed
  | ComposeCancelled
  | ComposeRenewed
  | ComposeNamed
  | ComposeUnnamed
  | RemovalRequested
  | ComposeRemoved
  | TreeReleased
  | TreeForgotten;
