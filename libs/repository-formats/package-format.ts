import type { IndexFile } from '../repository/repository-change.js';
import type { ListedPackage } from '../repository/listed-package.js';
import type { Repository, RepositoryKind, RepositorySettings } from '../repository/repository.js';
import type { SigningKeys } from '../signing/signer.js';

/** A package file that can be read in parts: an object of a store, a file, a buffer. */
export interface PackageBytes {
  readonly size: number;
  /** Exactly so many bytes. Rejects where there are fewer. */
  read(offset: number, length: number): Promise<Buffer>;
}

/** What a package says of itself. */
export interface InspectedPackage {
  /** See `ListedPackage`. */
  readonly key: string;
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** All that an index and a check need to know of it, in the format's own form; kept in the database by digest and never lost with the file. */
  readonly metadata: Buffer;
}

export interface InspectionOptions {
  readonly sha256: string;
  readonly settings: RepositorySettings;
  readonly signal?: AbortSignal;
}

/** Everything that differs between package managers. A format holds no state of its own; caches of it are by digest. */
export interface PackageFormat {
  readonly kind: RepositoryKind;
  /**
   * Reads a package's own metadata; every byte of it is hostile. Limits on size, depth, time and memory. Errors: `package-invalid` (also: not for this repository,
   * by its architecture, vendor or signature), with what is wrong in words for who built it.
   */
  inspect(bytes: PackageBytes, options: InspectionOptions): Promise<InspectedPackage>;
  /** Key of its object below the repository's place; a function of what it is, never of who uploaded it. `component` of deb. */
  pathOf(inspected: InspectedPackage, component: string): string;
  /** Where a pruned object goes: `packages/.obsolete/<file>`, `.obsolete/<path>`. */
  obsoletePathOf(path: string): string;
  /** By the package manager's own rules; negative: `one` is older. */
  compareVersions(one: string, other: string): number;
  /** All files of the index of a state. The same job gives the same bytes, whenever it is made again. Errors: `key-not-found`, `signing-unavailable`, `source-invalid`. */
  writeIndex(job: IndexJob): Promise<WrittenIndex>;
  /** What packages need and offer, for checks and for builders. */
  relations(metadata: Buffer): PackageRelations;
  /** True: what is provided meets what is required, `also` and `butNot` aside: `meets-requirement.ts` looks at those. */
  satisfies(required: Relation, provided: Relation): boolean;
}

export interface IndexJob {
  readonly repository: Repository;
  readonly state: number;
  /** RFC 3339: the time that stands in the index. */
  readonly at: string;
  /** All packages of the state, in the order of their keys. */
  packages(): AsyncIterable<ListedPackage>;
  /** Metadata by digest; asked only for what is not in a cache of the format. Many at once. */
  metadata(digests: readonly string[]): Promise<ReadonlyMap<string, Buffer>>;
  readonly keys: SigningKeys;
  /** A folder for this job alone, for files that are too large for memory; whoever asked removes it. */
  readonly workDirectory: string;
  /** For caches by digest; may be emptied at any time. */
  readonly cacheDirectory: string;
  readonly signal?: AbortSignal;
}

/**
 * `immutable` files have names of their own content (or of their state) and are written first, in any order; `switched` files are written after all of them, in this order,
 * and the last one is what makes clients see the state. A client that reads at any moment between finds a whole repository.
 */
export interface WrittenIndex {
  readonly immutable: readonly IndexContent[];
  readonly switched: readonly IndexContent[];
}

export interface IndexContent extends IndexFile {
  readonly content: Buffer | { readonly file: string };
  readonly contentType: string;
}

/** `foo >= 1.2`; `version` in the words of the package manager, undefined: any. */
export interface Relation {
  readonly name: string;
  readonly operator?: '<' | '<=' | '==' | '!=' | '>=' | '>';
  readonly version?: string;
  /** Of haiku's provides: the oldest version that it can stand in for. */
  readonly compatible?: string;
  /** Of rpm's requirements (`a with b`, `a without b`): what the same package has to provide besides, and what it must not. */
  readonly also?: readonly Relation[];
  readonly butNot?: readonly Relation[];
}

export interface PackageRelations {
  readonly provides: readonly Relation[];
  /** Each of the outer ones has to be met, by any of its alternatives. */
  readonly requires: readonly (readonly Relation[])[];
  readonly conflicts: readonly Relation[];
}
