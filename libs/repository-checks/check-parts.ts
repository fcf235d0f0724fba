import type { PackageFormat } from '../repository-formats/package-format.js';
import type { RepositoryReads } from '../repository-record/repository-record.js';
import type { RepositoryStores } from '../repository-stores/repository-stores.js';
import type { RepositoryKind } from '../repository/repository.js';

export interface CheckParts {
  readonly reads: Pick<RepositoryReads, 'get' | 'state' | 'states' | 'allPackages' | 'metadata' | 'prunable' | 'planned' | 'package'>;
  readonly stores: Pick<RepositoryStores, 'open'>;
  readonly formats: Readonly<Record<RepositoryKind, PackageFormat>>;
  /** Milliseconds since 1970; the clock of this machine when not given. */
  readonly now?: () => number;
}

export interface CheckOptions {
  readonly depth: 'quick' | 'deep';
  /** Other repositories of the same kind, whose packages may meet requirements: a base system. */
  readonly with?: readonly string[];
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: { readonly step: string; readonly done: number; readonly total: number }) => void;
}
