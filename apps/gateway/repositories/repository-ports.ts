import type { Registry } from 'prom-client';
import type { PrunedObjects, RepositoryCommands, RepositoryReads } from '../../../libs/repository-record/repository-record.js';
import type { PruneOptions, RepositoryEngine } from '../../../libs/repository-engine/repository-engine.js';
import type { RepositoryMaintenance as Maintenance } from '../../../libs/repository-checks/repository-maintenance.js';
import type { RepositoryStores } from '../../../libs/repository-stores/repository-stores.js';
import type { PackageFormat } from '../../../libs/repository-formats/package-format.js';
import type { RepositoryKind } from '../../../libs/repository/repository.js';
import type { SigningKeys } from '../../../libs/signing/signer.js';
import type { RepositoryStatus, RepositoryUpkeepStatus } from '../../../workflows/repository/repository-messages.js';
import type { BuilderResolver } from '../../../libs/repository-formats/builder-request.js';

/** What the gateway needs for package repositories. `repository-dependencies.ts` makes these from the libraries; specs may replace one. */
export interface RepositoryDependencies {
  readonly commands: Pick<RepositoryCommands, 'create' | 'configure' | 'remove' | 'requestChange' | 'preview'>;
  readonly reads: Omit<RepositoryReads, 'prunable' | 'expired' | 'unsettled' | 'waiting' | 'planned' | 'changesOf'>;
  readonly stores: Pick<RepositoryStores, 'names' | 'open' | 'publicUrl'>;
  /** Metrics of what is asked of the stores. */
  readonly storage?: Registry;
  readonly engine: Pick<RepositoryEngine, 'receive' | 'discard' | 'inspect'>;
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
  upkeep(name: string, options: CallDeadline): Promise<RepositoryUpkeepStatus>;
}

export interface CallDeadline {
  /** Milliseconds. */
  readonly deadline: number;
}

/** What is done to a repository besides changes of its list. Each may be given up and asked for again. */
export interface RepositoryMaintenance extends Pick<Maintenance, 'check' | 'repair' | 'synchronise' | 'takeOver' | 'report' | 'reportText'> {
  prune(name: string, options: PruneOptions): Promise<PrunedObjects>;
}
