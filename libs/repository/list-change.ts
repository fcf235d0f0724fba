import type { ListedPackage } from './listed-package.js';
import type { ChangeProblem, PlannedPackage } from './repository-change.js';
import type { RepositorySettings } from './repository.js';

/** What one change does to the list. */
export interface ListChange {
  readonly added: readonly PlannedPackage[];
  /** Keys that were listed already, with the same bytes. */
  readonly same: readonly string[];
  readonly removed: readonly ListedPackage[];
  /** Older versions that make room. */
  readonly obsoleted: readonly ListedPackage[];
}

export type ChangeDecision = (ListChange & { readonly problem?: undefined }) | { readonly problem: ChangeProblem };

export interface OfferedPackage extends Omit<ListedPackage, 'addedAt'> {
  /** Where its bytes are; undefined: it was published before. */
  readonly upload?: string;
}

export interface DecisionContext {
  readonly settings: RepositorySettings;
  /** Of the package manager; negative: `one` is older. */
  readonly compareVersions: (one: string, other: string) => number;
  /** RFC 3339: when what is new was first listed. */
  readonly at: string;
}

/** Without what only decisions and plans know. */
export function toListed({ key, sha256, size, path, name, version, architecture, component, addedAt }: ListedPackage): ListedPackage {
  return { key, sha256, size, path, name, version, architecture, component, addedAt };
}
