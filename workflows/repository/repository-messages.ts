import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { ChangeOutcome, ContentReference } from '../../libs/repository/repository-change.js';
import type { PackageOrigin } from '../../libs/repository/listed-package.js';

/**
 * The published contract of the repository workflow: build managers may publish and remove with these messages alone. Workflow type `repository`, task queue
 * `repositories`, workflow id `repository:<name>`. It serialises every change of its repository, and never completes while there is one.
 */
export const repositoryWorkflowType = 'repository';
export const repositoryTaskQueue = 'repositories';
export const repositoryWorkflowId = (name: string): string => `repository:${name}`;

/** Checks and synchronisations by the clock, in a workflow of their own that stands in no publication's way; `repositoryChanged` tells it of other settings. */
export const repositoryUpkeepWorkflowType = 'repositoryUpkeep';
export const repositoryUpkeepWorkflowId = (name: string): string => `repository-upkeep:${name}`;

export interface RepositoryInput {
  readonly name: string;
}

/** `changeId`: a UUID; the same one again answers what the first came to. */
export interface PublishInput {
  readonly changeId: string;
  readonly by: string;
  /** Ids of uploads, at most 1000. */
  readonly uploads?: readonly string[];
  readonly contents?: readonly ContentReference[];
  readonly origin?: PackageOrigin;
  readonly component?: string;
  readonly force?: boolean;
}

export interface RemoveInput {
  readonly changeId: string;
  readonly by: string;
  /** At most 1000. */
  readonly keys: readonly string[];
  readonly force?: boolean;
}

export interface RepositoryStatus {
  readonly name: string;
  /** What clients see. */
  readonly state: number;
  readonly step: 'idle' | 'inspecting' | 'planning' | 'placing' | 'indexing' | 'switching' | 'recording' | 'pruning';
  /** Changes that wait for their outcome here. */
  readonly waiting: number;
  /** Of the last failure that is being retried; null: all is well. */
  readonly trouble: string | null;
}

/** Of what is done by the clock; null: nothing of it was done yet, or the settings ask for none. */
export interface RepositoryUpkeepStatus {
  readonly check: UpkeepTurn | null;
  readonly synchronisation: UpkeepTurn | null;
}

/** The last time. */
export interface UpkeepTurn {
  /** RFC 3339: when it ended. */
  readonly at: string;
  /** What it failed with; null: it worked. */
  readonly trouble: string | null;
}

/** Names in an answer, of each list; the record has them all. */
export const shownNames = 100;

/** The lists of its answer are cut at `shownNames`. Rejected with the code of the error as type where the change fails: `package-invalid`, `package-conflict`, `change-guarded`, `package-not-found` …; with `record-conflict` in the moments in which a long history is handed over: ask again, with the same id. */
export const publishPackagesUpdate = defineUpdate<ChangeOutcome, [PublishInput]>('publishPackages');
export const removePackagesUpdate = defineUpdate<ChangeOutcome, [RemoveInput]>('removePackages');
/** A change that is in the record already (REST): answers when it has ended. */
export const applyChangeUpdate = defineUpdate<ChangeOutcome, [{ readonly changeId: string }]>('applyChange');
export const repositoryStatusQuery = defineQuery<RepositoryStatus>('repositoryStatus');
/** The record has changes that wait, or other settings: look again. */
export const repositoryChangedSignal = defineSignal('repositoryChanged');
/** Of the workflow of its upkeep. */
export const repositoryUpkeepStatusQuery = defineQuery<RepositoryUpkeepStatus>('repositoryUpkeepStatus');
