/** Which package manager a repository is for: HPKG and HPKR, rpm-md, apt. */
export const repositoryKinds = ['haiku', 'rpm', 'deb'] as const;
export type RepositoryKind = (typeof repositoryKinds)[number];

/** A package repository; its id is its name. Stream `repository:<name>`. */
export interface Repository {
  readonly name: string;
  readonly kind: RepositoryKind;
  readonly place: { readonly store: string; readonly folder: string };
  readonly settings: RepositorySettings;
  /** Number of the state that clients see; 0: nothing was published yet. */
  readonly state: number;
  readonly packages: number;
  readonly bytes: number;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly createdBy: string;
  readonly changedAt: string;
}

/** What an operator says of a repository; what is left out has its default (`repository-settings.ts`). */
export interface RepositorySettings {
  readonly haiku: HaikuSettings | null;
  readonly rpm: RpmSettings | null;
  readonly deb: DebSettings | null;
  /** Names of keys, `libs/signing`; all of them sign, so that a key can be changed without a break. Empty: unsigned. */
  readonly keys: readonly string[];
  /** How many versions of a package (same name, same architecture) stay when a newer one is published; null: all. */
  readonly keepVersions: number | null;
  /** A change that drops more than so many packages and more than this share of all that are listed is done by force only: `change-guarded`; see `guard.ts`. */
  readonly guard: { readonly packages: number; readonly share: number };
  /** Seconds that a package's file stays after no state that clients see lists it. */
  readonly graceSeconds: number;
  /** Seconds that what was pruned stays in `.obsolete/`; null: for ever. */
  readonly obsoleteSeconds: number | null;
  /** Seconds between checks; null: none by themselves. */
  readonly checkSeconds: number | null;
  /** Other repositories of its kind that its packages are installed beside, such as a base system: what they provide is not missing. Left out: none. */
  readonly checkWith?: readonly string[];
  /** Bytes of package files that it may keep, listed or not, and of uploads for it; null or left out: no limit. */
  readonly maxBytes?: number | null;
  /** A mirror: where it is synchronised from. */
  readonly upstream: UpstreamSettings | null;
}

export interface UpstreamSettings {
  /** An http(s) or `file:` URL, or `store:<name>/<folder>`; of deb: what stands before `dists/`. */
  readonly url: string;
  /** Null: when asked. */
  readonly everySeconds: number | null;
  /** Public keys that its index has to be signed with: armoured OpenPGP, or the base64 line of minisign. Left out: its signatures are not looked at. */
  readonly keys?: readonly string[];
}

/** `repo.info` of HaikuPorter. */
export interface HaikuSettings {
  readonly name: string;
  readonly identifier: string;
  readonly baseUrl: string;
  readonly vendor: string;
  readonly summary: string;
  readonly priority: number;
  readonly architecture: string;
}

export interface RpmSettings {
  readonly compression: 'gzip' | 'zstd';
  /** Key ids, upper-case hex: only packages that one of them has signed; empty: any. */
  readonly packageKeys: readonly string[];
  /** Armoured OpenPGP keys: with them signatures of packages are verified, and one of them has to hold; without, only key ids are compared. */
  readonly packagePublicKeys?: string;
}

/** Fields of `Release`. */
export interface DebSettings {
  readonly origin: string;
  readonly label: string;
  readonly suite: string;
  readonly codename: string;
  readonly description: string;
  readonly components: readonly string[];
  readonly architectures: readonly string[];
  /** Seconds; null: no `Valid-Until`. */
  readonly validSeconds: number | null;
}

export const repositoryStreamId = (name: string): string => `repository:${name}`;

/** Part of paths, URLs and workflow ids. */
export const repositoryNamePattern = /^[a-z0-9][a-z0-9._-]{0,127}$/;
