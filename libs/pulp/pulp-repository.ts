/** A repository of RPMs as Pulp has it. */
export interface PulpRepository {
  /** Of Pulp 2 the repository's id, of Pulp 3 the name of its distribution. */
  readonly name: string;
  /** Undefined: it is not served anywhere. */
  readonly url: string | undefined;
  readonly published: boolean;
  /** As rpm names them; empty: not told. */
  readonly arches: readonly string[];
  /** Key ids that its packages are signed with, as far as Pulp was told. */
  readonly sigkeys: readonly string[];
}

/** Content sets and repositories that were asked for; those that Pulp does not know are not in it. */
export type FoundRepositories = ReadonlyMap<string, readonly PulpRepository[]>;

export interface Lookup {
  /** Names of content sets or repositories. */
  readonly sources: readonly string[];
  /** Whether it matters which of them are published. */
  readonly unpublished: boolean;
  readonly signal: AbortSignal;
}

export type FindRepositories = (lookup: Lookup) => Promise<FoundRepositories>;

/** Distinct repositories that one compose points to at most. */
export const mostRepositories = 1000;
