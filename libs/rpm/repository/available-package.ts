import type { Dependency, DependencyKind } from '../dependency.js';
import type { Checksum } from '../metadata/checksum.js';
import type { PackageIdentity } from '../package/package-details.js';

/** A package that a repository offers, as its metadata says: what selection and dependency resolution work on. */
export interface AvailablePackage extends PackageIdentity {
  /** Index of the repository among those of the compose, from 0: earlier ones are preferred. */
  readonly repository: number;
  /** Of the package file. */
  readonly checksum: Checksum;
  /** URL or absolute path of the package file. */
  readonly location: string;
  /** Bytes; 0 when the metadata does not say. */
  readonly size: number;
  /** Seconds since 1970; 0 when the metadata does not say. */
  readonly fileTime: number;
  /** File name of the source package; empty for source packages. */
  readonly sourceRpm: string;
  readonly dependencies: Readonly<Record<DependencyKind, readonly Dependency[]>>;
  /** Paths that the primary metadata lists: only those others are likely to depend on. */
  readonly files: readonly string[];
}

/** Looks in the full file lists for paths that the primary metadata does not have. Answers packages of the list that was searched. */
export type FindFileOwners = (paths: ReadonlySet<string>) => Promise<ReadonlyMap<string, readonly AvailablePackage[]>>;
