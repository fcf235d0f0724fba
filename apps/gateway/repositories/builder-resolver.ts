import type { ListedPackage } from '../../../libs/repository/listed-package.js';

/** Chooses what a build takes in, in the words of one kind of package. */
export type BuilderResolver = (request: BuilderRequest) => Promise<BuilderChoice>;

/** A package of a repository with what is known of it. */
export interface OfferedPackage {
  readonly listed: ListedPackage;
  readonly metadata: Buffer;
}

export interface BuilderRequest {
  /** Requirements (`haiku >= r1~beta5`, `cmd:gcc`) or keys of packages. */
  readonly wanted: readonly string[];
  readonly packages: AsyncIterable<OfferedPackage>;
  /** Of the second repository, which a build has in any case; empty where there is none. */
  readonly systemPackages: AsyncIterable<OfferedPackage>;
  /** File names of system packages that the builder has, where it named no second repository: nothing else is known of them. */
  readonly present?: readonly string[];
}

export interface BuilderChoice {
  /** Keys, of either repository. */
  readonly chosen: readonly string[];
  /** In words for whoever looks after builds: what is wanted, and why it cannot be. */
  readonly unresolved: readonly { readonly requirement: string; readonly reason: string }[];
}
