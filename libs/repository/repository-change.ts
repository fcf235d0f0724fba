import type { ListedPackage, PackageOrigin } from './listed-package.js';
import type { RepositorySettings } from './repository.js';

/** What leads from one state of a repository to the next. */
export const changeKinds = ['publish', 'remove', 'roll-back', 'sign', 'configure', 'synchronise', 'repair'] as const;
export type ChangeKind = (typeof changeKinds)[number];

export type ChangeRequest =
  /** Uploads (ids), and content that Millrace has already. All or nothing. */
  | { readonly kind: 'publish'; readonly uploads: readonly string[]; readonly contents: readonly ContentReference[]; readonly origin: PackageOrigin; readonly component?: string }
  | { readonly kind: 'remove'; readonly keys: readonly string[] }
  | { readonly kind: 'roll-back'; readonly to: number }
  /** Writes the index again: new keys, new settings, a `Valid-Until` that comes near. */
  | { readonly kind: 'sign' }
  | { readonly kind: 'configure' }
  /** Uploads that a synchronisation has made, and what its upstream has no more. */
  | { readonly kind: 'synchronise'; readonly uploads: readonly string[]; readonly remove: readonly string[]; readonly origin: PackageOrigin }
  /** What a check has found lost is taken out of the list. */
  | { readonly kind: 'repair'; readonly remove: readonly string[] };

export interface ContentReference {
  readonly sha256: string;
  readonly from: { readonly session: string } | { readonly compose: number } | { readonly cache: string };
}

export interface RepositoryChange {
  /** UUID: whoever asks gives it, so that asking again changes nothing. */
  readonly id: string;
  readonly repository: string;
  readonly request: ChangeRequest;
  readonly by: string;
  /** Drop as much as it takes, whatever the guard says. */
  readonly force: boolean;
  readonly phase: ChangePhase;
  /** Null until it has ended. */
  readonly outcome: ChangeOutcome | null;
  /** Why it has failed; null otherwise. */
  readonly problem: ChangeProblem | null;
  /** RFC 3339. */
  readonly requestedAt: string;
  readonly endedAt: string | null;
}

/** waiting → inspected (all that it publishes is described) → planned (a state is being made) → done; or failed, from any. */
export type ChangePhase = 'waiting' | 'inspected' | 'planned' | 'done' | 'failed';

export interface ChangeProblem {
  readonly code: string;
  readonly message: string;
  /** Each package that is refused, with its reason. */
  readonly details: readonly object[];
}

export interface ChangeOutcome {
  /** The state in which it can be seen; the one before where it changed nothing. */
  readonly state: number;
  readonly added: readonly string[];
  /** Keys that were there already, with the same bytes. */
  readonly same: readonly string[];
  readonly removed: readonly string[];
  /** Older versions that went because of it. */
  readonly obsoleted: readonly string[];
}

/** A state that is being made: it becomes visible when its index is switched. One at a time in a repository; the number of one that is abandoned is not used again. */
export interface PlannedState {
  readonly repository: string;
  readonly state: number;
  /** The state that clients see. */
  readonly before: number;
  /** Changes that it contains. */
  readonly changes: readonly string[];
  readonly added: readonly PlannedPackage[];
  /** In this state no more. */
  readonly removed: readonly ListedPackage[];
  /** RFC 3339: stands in indexes, so that making them again gives the same bytes. Never before that of the state before. */
  readonly at: string;
  /** As they were when it was planned, whatever has been configured since. */
  readonly settings: RepositorySettings;
}

export interface PlannedPackage extends ListedPackage {
  /** Where its bytes are: an upload; undefined: at its own path, or in `.obsolete/`, from a state before. */
  readonly upload?: string;
}

/** One file of an index, as it lies in the store. */
export interface IndexFile {
  /** Below the repository's place. */
  readonly path: string;
  readonly sha256: string;
  readonly size: number;
}

/** A published state. */
export interface RepositoryState {
  readonly state: number;
  /** RFC 3339. */
  readonly at: string;
  readonly kinds: readonly ChangeKind[];
  readonly by: readonly string[];
  readonly packages: number;
  readonly bytes: number;
  readonly added: number;
  readonly removed: number;
  /** All files of its index. */
  readonly index: readonly IndexFile[];
}
