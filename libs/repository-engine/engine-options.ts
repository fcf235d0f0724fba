import type { NamedLocks } from '../database/advisory-locks.js';
import type { ObjectStore } from '../object-storage/object-store.js';
import type { PackageFormat } from '../repository-formats/package-format.js';
import type { RepositoryCommands, RepositoryReads } from '../repository-record/repository-record.js';
import type { RepositoryStores } from '../repository-stores/repository-stores.js';
import type { Repository, RepositoryKind } from '../repository/repository.js';
import type { SigningKeys } from '../signing/signer.js';
import type { ContentSources } from './content-sources.js';
import type { PackageInspection } from './package-inspection.js';

export interface RepositoryEngineOptions {
  readonly stores: Pick<RepositoryStores, 'open'>;
  readonly commands: Pick<RepositoryCommands, 'takeRoom' | 'leaveRoom' | 'addUpload' | 'describeUpload' | 'staleUploads' | 'discardUpload' | 'forgetUploads' | 'switching' | 'pruned'>;
  readonly reads: Pick<RepositoryReads, 'get' | 'list' | 'upload' | 'package' | 'allPackages' | 'metadata' | 'planned' | 'states' | 'state' | 'prunable' | 'expired'>;
  readonly formats: Readonly<Record<RepositoryKind, PackageFormat>>;
  readonly keys: SigningKeys;
  readonly sources: ContentSources;
  readonly locks: NamedLocks;
  /** Absolute path of a folder for work files and caches; may be emptied while nothing runs. */
  readonly workRoot: string;
  /** Bytes that one package file may have. */
  readonly packageBytes: number;
  /** Where packages are read; in this thread when not given, as in specs. */
  readonly inspection?: PackageInspection;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** A repository, the objects at its place, and what its package manager wants. */
export interface EnginePlace {
  readonly repository: Repository;
  readonly store: ObjectStore;
  readonly format: PackageFormat;
}

export async function openPlace(name: string, { reads, stores, formats }: RepositoryEngineOptions): Promise<EnginePlace> {
  const repository = await reads.get(name);
  return { repository, store: stores.open(repository.place), format: formats[repository.kind] };
}

/** One at a time in a repository: what lets clients see something, and what takes something away from them. */
export const lockOf = (name: string): string => `repository:${name}`;

export const incomingKey = (uploadId: string): string => `.incoming/${uploadId}`;
export const statesFolder = '.states/';
export const stateFolder = (state: number): string => `${statesFolder}${state}/`;
