import type { RepositoryKind } from '../repository/repository.js';

/** What may be wrong with a repository, the worst first. Those of storage are seen by clients at once; those of dependencies by whoever installs the package. */
export const findingKinds = [
  'missing-index-file',
  'wrong-index-file',
  'missing-object',
  'wrong-size',
  'wrong-digest',
  'missing-metadata',
  'missing-dependency',
  'version-conflict',
  'conflict',
  'foreign-object',
] as const;
export type FindingKind = (typeof findingKinds)[number];

export interface Finding {
  readonly kind: FindingKind;
  /** Of the object, below the repository's place; undefined for dependencies. */
  readonly path?: string;
  /** Package that it is about; see `ListedPackage`. */
  readonly package?: { readonly key: string; readonly name: string; readonly version: string; readonly architecture: string };
  /** What should be there: a digest, a number of bytes, a requirement as the package manager writes it (`haiku >= r1~beta5`). */
  readonly expected?: string;
  /** What is there in its place: a digest, a number of bytes, versions that do not do, the package that conflicts. */
  readonly found?: string;
  /** A sentence for a release engineer. */
  readonly message: string;
}

export interface CheckReport {
  readonly repository: string;
  readonly kind: RepositoryKind;
  /** The state that was checked. */
  readonly state: number;
  /** `deep`: every byte of every package was read; `quick`: sizes only, and the bytes of the index. */
  readonly depth: 'quick' | 'deep';
  /** RFC 3339. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly packages: number;
  readonly objects: number;
  /** Read to be hashed. */
  readonly bytesRead: number;
  /** How many of each kind there are, all of them. */
  readonly counts: Readonly<Record<FindingKind, number>>;
  /** In the order of `findingKinds`; at most so many of each kind as `shownFindings`. */
  readonly findings: readonly Finding[];
}

/** Of each kind, in a report. */
export const shownFindings = 1000;
