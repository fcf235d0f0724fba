import type { PrunedObjects, RepositoryCommands, RepositoryReads } from '../../../libs/repository-record/repository-record.js';
import type { RepositoryEngine } from '../../../libs/repository-engine/repository-engine.js';
import type { CheckReport } from '../../../libs/repository-checks/finding.js';
import type { RepositoryStores } from '../../../libs/repository-stores/repository-stores.js';
import type { PackageFormat } from '../../../libs/repository-formats/package-format.js';
import type { RepositoryKind } from '../../../libs/repository/repository.js';
import type { SigningKeys } from '../../../libs/signing/signer.js';
import type { RepositoryStatus } from '../../../workflows/repository/repository-messages.js';
import type { BuilderResolver } from './builder-resolver.js';

/** What the gateway needs for package repositories. `repository-dependencies.ts` makes these from the libraries; specs may replace one. */
export interface RepositoryDependencies {
  readonly commands: Pick<RepositoryCommands, 'create' | 'configure' | 'remove' | 'requestChange' | 'preview'>;
  readonly reads: Omit<RepositoryReads, 'prunable' | 'expired' | 'unsettled' | 'waiting' | 'planned'>;
  readonly stores: Pick<RepositoryStores, 'names' | 'open' | 'publicUrl'>;
  readonly engine: Pick<RepositoryEngine, 'receive' | 'inspect'>;
  readonly formats: ReadonlyMap<RepositoryKind, Pick<PackageFormat, 'relations' | 'satisfies' | 'compareVersions'>>;
  /** Of kinds whose builders ask for requirements in words of their own; others resolve by the format's relations. */
  readonly resolvers: ReadonlyMap<RepositoryKind, BuilderResolver>;
  readonly keys: Pick<SigningKeys, 'list'>;
  readonly workflows: RepositoryWorkflows;
  readonly maintenance: RepositoryMaintenance;
}

/** How the workflow of a repository hears of what the gateway recorded. Rejects with `workflow-engine-unavailable`. */
export interface RepositoryWorkflows {
  /** Resolves when the change has ended; rejects with its problem. The record says what became of it either way. */
  apply(name: string, changeId: string, options: CallDeadline): Promise<unknown>;
  /** Settings or state have changed: look again. */
  changed(name: string, options: CallDeadline): Promise<void>;
  status(name: string, options: CallDeadline): Promise<RepositoryStatus>;
}

export interface CallDeadline {
  /** Milliseconds. */
  readonly deadline: number;
}

/** What is done to a repository besides changes of its list. Each may be given up and asked for again. */
export interface RepositoryMaintenance {
  prune(name: string, options: MaintenanceOptions): Promise<PrunedObjects>;
  /** Reads the repository as it lies; `deep`: every byte. */
  check(name: string, options: { readonly by: string; readonly deep: boolean; readonly signal: AbortSignal }): Promise<CheckReport>;
  /** What the last check found is mended, or would be. */
  repair(name: string, options: MaintenanceOptions): Promise<RepairReport>;
  /** Errors: `invalid-request` where there is no upstream. */
  synchronise?(name: string, options: MaintenanceOptions): Promise<SyncReport>;
  /** Of the last check; undefined: there was none yet. */
  report(name: string): Promise<CheckReport | undefined>;
  reportText(name: string): Promise<string | undefined>;
}

export interface MaintenanceOptions {
  readonly by: string;
  readonly dryRun: boolean;
  readonly force: boolean;
  readonly signal: AbortSignal;
}

/** JSON objects, as their libraries make them. */
export type RepairReport = object;
export type SyncReport = object;
