import type { AvailablePackage, FindFileOwners } from '../repository/available-package.js';

/** What goes into one architecture's tree, and why. Pure: equal input gives equal output, whatever the order of `packages` in memory. */
export interface SelectionRequest {
  /** Of all repositories. */
  readonly packages: readonly AvailablePackage[];
  /** Of the lookaside repositories: they satisfy dependencies, but are never selected. */
  readonly lookaside: readonly AvailablePackage[];
  /** `x86_64`, …: its compatible architectures (`noarch`, and for multilib the others) are known here. */
  readonly arch: string;
  /** Do not even take packages of the other word size (`i686`) where there is none of the tree's own. With `multilib` there are such packages anyway, and this says nothing. */
  readonly useOnlyCompatibleArch: boolean;
  /** Names (globs allowed; also `name.arch`) of binary packages; empty: every package, in every version. */
  readonly wanted: readonly string[];
  /** Some of `packages` that go in whatever is wanted, also of the other word size: those of modules. They do not stand for wanted names where others can. */
  readonly included?: ReadonlySet<AvailablePackage>;
  /** Add what the wanted ones require, transitively. */
  readonly dependencies: boolean;
  /** Report what is not satisfied by the selection and the lookaside. */
  readonly checkDependencies: boolean;
  /** Empty: no multilib. */
  readonly multilib: readonly ('runtime' | 'devel' | 'all')[];
  /** Further demands on a package file that its index does not tell (signatures): false rules the candidate out. */
  readonly accepts?: (candidate: AvailablePackage) => boolean;
  readonly findFileOwners: FindFileOwners;
}

export interface Selection {
  readonly packages: readonly AvailablePackage[];
  readonly debuginfo: readonly AvailablePackage[];
  readonly sources: readonly AvailablePackage[];
  /** Wanted names that no package has, or none that is accepted. */
  readonly missing: readonly string[];
  /** What was not accepted and has no accepted package in its place; in a compose of whole repositories, every package that is not accepted. */
  readonly refused: readonly AvailablePackage[];
  /** Broken dependencies, where they were to be checked, and requirements that the closure could not satisfy. */
  readonly broken: readonly BrokenDependency[];
}

export interface BrokenDependency {
  /** `bash-5.2-1.x86_64` */
  readonly package: string;
  /** As rpm writes it: `libc.so.6(GLIBC_2.34)(64bit)`, `foo >= 1:2-3`, `(a if b)`. */
  readonly requirement: string;
  readonly kind: 'requires' | 'conflicts';
  /** What there is under that name, in other versions; empty when nothing. */
  readonly candidates: readonly string[];
}

export type SelectPackages = (request: SelectionRequest) => Promise<Selection>;
