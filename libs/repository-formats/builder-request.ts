import type { ListedPackage } from '../repository/listed-package.js';

/** A package that a repository lists, with what is kept of it. */
export interface OfferedPackage<Listed = ListedPackage> {
  readonly listed: Listed;
  readonly metadata: Buffer;
}

/** What a builder asks. It has two folders, as HaikuPorter's builders do: one of the repository's packages, one of the system's. */
export interface BuilderRequest<Listed = ListedPackage> {
  /** What its build needs: requirements (`haiku >= r1~beta5`, `cmd:gcc`) or keys of packages. */
  readonly wanted: readonly string[];
  readonly packages: AsyncIterable<OfferedPackage<Listed>>;
  /** Of the second repository, which a build has in any case; empty where there is none. */
  readonly systemPackages: AsyncIterable<OfferedPackage<Listed>>;
  /** File names of system packages that the builder has, where no repository of the service lists them: they provide their names and versions. */
  readonly present?: readonly string[];
}

export interface BuilderChoice {
  /** Keys, of either repository: of the wanted packages and all that they need, each once. */
  readonly chosen: readonly string[];
  /** In words for whoever looks after builds: what is wanted, and why it cannot be. Empty: the build can begin. */
  readonly unresolved: readonly { readonly requirement: string; readonly reason: string }[];
}

/** Chooses what a build takes in, in the words of one kind of package. */
export type BuilderResolver = (request: BuilderRequest) => Promise<BuilderChoice>;
