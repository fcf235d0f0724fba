import type { UpkeepTask } from '../../libs/repository/repository-events.js';
import type { ChangeOutcome, ChangeRequest } from '../../libs/repository/repository-change.js';

/** What the workflow needs to know of its repository; lists and settings are not in histories. */
export interface RepositoryView {
  /** What clients see. */
  readonly state: number;
  /** RFC 3339: by then the index has to be signed again; null: it never runs out. */
  readonly signBy: string | null;
  /** Seconds between checks, and between synchronisations with an upstream; null: none by themselves. */
  readonly checkSeconds: number | null;
  readonly synchroniseSeconds: number | null;
}

export interface RequestedChange {
  readonly id: string;
  readonly request: ChangeRequest;
  readonly by: string;
  readonly force: boolean;
}

/** Of a change that has ended. */
export type EndedChange = { readonly id: string; readonly outcome: ChangeOutcome } | { readonly id: string; readonly problem: StepProblem };

export interface StepProblem {
  /** A Millrace error code. */
  readonly code: string;
  readonly message: string;
  /** The first few of them. */
  readonly details: readonly object[];
}

export interface InspectedChanges {
  readonly inspected: number;
  readonly refused: number;
  /** Where what they are made of cannot be had now. */
  readonly postponed: number;
  /** Of one that is postponed. */
  readonly trouble: string | null;
}

export interface PlannedCounts {
  readonly state: number;
  readonly changes: number;
  readonly added: number;
  readonly removed: number;
}

/** All are idempotent; `createRepositoryActivities(options)` in activities/repository makes them. Those of a state do nothing where it is not the one that is being made. */
export interface RepositoryActivities {
  lookAtRepository(name: string): Promise<RepositoryView>;
  /** Makes a change durable. */
  requestChange(name: string, change: RequestedChange): Promise<void>;
  /** Those of the given that have ended. One that nobody knows has failed with `change-not-found`. */
  endedChanges(ids: readonly string[]): Promise<readonly EndedChange[]>;
  /** All that wait. */
  inspectChanges(name: string): Promise<InspectedChanges>;
  /** Of at most so many changes; null: nothing is to be done. */
  planState(name: string, most?: number): Promise<PlannedCounts | null>;
  placePackages(name: string, state: number): Promise<void>;
  writeIndex(name: string, state: number): Promise<void>;
  switchIndex(name: string, state: number): Promise<void>;
  recordState(name: string, state: number): Promise<void>;
  /**
   * False: clients may have seen some of it, so it has to be carried through. `divide`: one of its changes may be in the way of the others, and which one shows when fewer of
   * them are planned at once; none has failed yet.
   */
  abandonState(name: string, state: number, problem: StepProblem): Promise<boolean | 'divide'>;
  tidyRepository(name: string): Promise<void>;
  /** Answers how many objects went. */
  pruneRepository(name: string): Promise<number>;
  /** Tells those who listen. */
  recordUpkeepFailure(name: string, failed: { readonly task: UpkeepTask; readonly problem: StepProblem; readonly failedAt: string }): Promise<void>;
  /** Requests a change that signs the index again, once a state. */
  signAgain(name: string, state: number): Promise<void>;
}

/** Long ones, which stand in nobody's way. */
export interface RepositoryUpkeepActivities {
  checkRepository(name: string): Promise<void>;
  synchroniseRepository(name: string): Promise<void>;
}
