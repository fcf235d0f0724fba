import type { ListedPackage, PackageOrigin } from './listed-package.js';
import type { ChangeKind, ChangeProblem, IndexFile } from './repository-change.js';
import type { Repository, RepositoryKind, RepositorySettings } from './repository.js';

/** Stream `repository:<name>`. All times RFC 3339 in UTC with milliseconds. */
export type RepositoryEvent = RepositoryCreated | RepositoryConfigured | PackagesListed | StatePublished | StateAbandoned | ChangeFailed | UpkeepFailed | ObjectsPruned | RepositoryRemoved;

/** Most packages, or paths, of one event. */
export const eventEntries = 500;

export interface RepositoryCreated {
  readonly type: 'RepositoryCreated';
  readonly data: {
    readonly kind: RepositoryKind;
    readonly place: Repository['place'];
    readonly settings: RepositorySettings;
    /** The highest number that a state ever had under this name: one that was removed and made again counts on. */
    readonly lastState: number;
    readonly createdAt: string;
    readonly by: string;
  };
}

export interface RepositoryConfigured {
  readonly type: 'RepositoryConfigured';
  readonly data: { readonly settings: RepositorySettings; readonly configuredAt: string; readonly by: string };
}

/** Part of the state whose `StatePublished` follows in the same transaction. */
export interface PackagesListed {
  readonly type: 'PackagesListed';
  readonly data: {
    readonly state: number;
    /** For the first time. */
    readonly added: readonly PublishedPackage[];
    /** Keys of packages that a state before the last has listed. */
    readonly relisted: readonly string[];
    readonly removed: readonly string[];
    readonly at: string;
  };
}

export interface PublishedPackage extends ListedPackage {
  readonly origin: PackageOrigin;
  readonly by: string;
}

export interface StatePublished {
  readonly type: 'StatePublished';
  readonly data: {
    readonly state: number;
    /** What clients saw until then. */
    readonly before: number;
    /** What stands in its index. */
    readonly at: string;
    readonly publishedAt: string;
    readonly changes: readonly { readonly id: string; readonly kind: ChangeKind; readonly by: string; readonly force: boolean }[];
    /** Of the whole list. */
    readonly packages: number;
    readonly bytes: number;
    readonly added: number;
    readonly removed: number;
    readonly index: readonly IndexFile[];
  };
}

export interface StateAbandoned {
  readonly type: 'StateAbandoned';
  readonly data: { readonly state: number; readonly changes: readonly string[]; readonly problem: ChangeProblem; readonly abandonedAt: string };
}

export interface ChangeFailed {
  readonly type: 'ChangeFailed';
  readonly data: { readonly changeId: string; readonly kind: ChangeKind; readonly by: string; readonly problem: ChangeProblem; readonly failedAt: string };
}

/** What is done by the clock. */
export type UpkeepTask = 'check' | 'synchronisation';

/** Told once, until it fails for another reason or has worked in between. */
export interface UpkeepFailed {
  readonly type: 'UpkeepFailed';
  readonly data: { readonly task: UpkeepTask; readonly problem: ChangeProblem; readonly failedAt: string };
}

/** `moved` and `deleted` are keys of packages, `strangers` paths of objects that nothing knew. */
export interface ObjectsPruned {
  readonly type: 'ObjectsPruned';
  readonly data: { readonly moved: readonly string[]; readonly deleted: readonly string[]; readonly strangers: readonly string[]; readonly prunedAt: string; readonly by: string };
}

export interface RepositoryRemoved {
  readonly type: 'RepositoryRemoved';
  readonly data: { readonly lastState: number; readonly packages: number; readonly removedAt: string; readonly by: string };
}
