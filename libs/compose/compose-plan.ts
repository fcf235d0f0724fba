import type { ComposeRequest } from './compose-request.js';

/** What pins the sources of a compose: equal inputs give equal bytes. */
export interface PinnedInputs {
  readonly request: ComposeRequest;
  readonly sources: readonly PinnedRepository[];
  readonly lookaside: readonly PinnedRepository[];
  /** Of tags and builds. */
  readonly koji?: PinnedKoji;
  /** Of configurations of Pungi. */
  readonly config?: PinnedConfig;
  /** Of Pulp: the compose has no packages, and its `.repo` file names these. Sorted by id; empty: there are none, and empty repositories are written. */
  readonly links?: readonly LinkedRepository[];
  /** Of modules, whose packages are among those of `koji`. */
  readonly modules?: PinnedModules;
  /** See `Compose.kojiEvent`. */
  readonly kojiEvent: number | null;
}

export interface PinnedKoji {
  /** URL. */
  readonly hub: string;
  /** Null for builds without one. */
  readonly event: number | null;
  /** Lower-case hex SHA-256 of the list of packages, which is in the blob store. */
  readonly listing: string;
}

/** A configuration of Pungi. */
export interface PinnedConfig {
  /** In the settings. */
  readonly name: string;
  /** Of its git repository; without credentials. */
  readonly url: string;
  /** Full name of the commit: 40 or 64 lower-case hex digits. */
  readonly commit: string;
}

export interface PinnedModules {
  /** Lower-case hex SHA-256 of their metadata for all architectures, defaults included, which is in the blob store. */
  readonly document: string;
}

export interface PinnedRepository {
  /** As requested, with `$basearch` filled in: http(s) URL or absolute path, without a slash at its end. */
  readonly url: string;
  /** The architectures of the compose that it serves. */
  readonly arches: readonly string[];
  readonly revision: string;
  /** Lower-case hex; of `repomd.xml`. */
  readonly repomdSha256: string;
}

/** A repository that stays where it is. */
export interface LinkedRepository {
  /** Section of the `.repo` file. */
  readonly id: string;
  readonly name: string;
  /** http(s); may have `$basearch` in it. */
  readonly url: string;
  /** Empty: not told. */
  readonly arches: readonly string[];
  readonly skipIfUnavailable: boolean;
}

/** Which packages go where, with digests: the whole input of writing a tree. Kept for renewals. Canonical JSON (RFC 8785) of this is hashed. */
export interface ComposePlan {
  readonly version: 1;
  /** Sorted by architecture. */
  readonly trees: readonly PlannedTree[];
  /** Seconds since 1970: the newest file time of all packages; stands for "now" in everything that is written. */
  readonly sourceDate: number;
  readonly results: readonly string[];
  /** Digests of documents in the blob store that are merged into the repositories. */
  readonly groups: readonly string[];
  readonly modules: readonly string[];
  /** What the `.repo` file names instead of the compose's own repositories, which are not written then. */
  readonly links?: readonly LinkedRepository[];
  /** Of a compose that Pungi has made: then no tree is planned here. */
  readonly pungi?: PungiPlan;
}

/** What makes a compose of Pungi again. */
export interface PungiPlan {
  readonly config: PinnedConfig;
  readonly kojiEvent: number | null;
  /** JSON as Pungi wrote it, where the type of the compose asks for the very same configuration: `production`, `development`. */
  readonly configDump: string | null;
}

export interface PlannedTree {
  readonly arch: string;
  /** Each sorted by name, version, architecture and digest. */
  readonly packages: readonly PlannedPackage[];
  readonly debuginfo: readonly PlannedPackage[];
  readonly sources: readonly PlannedPackage[];
}

export interface PlannedPackage {
  /** Lower-case hex, of the package file. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  readonly name: string;
  readonly epoch: number;
  readonly version: string;
  readonly release: string;
  readonly arch: string;
  /** File name of the source package; of a source package its own. */
  readonly sourceRpm: string;
  /** Upper-case hex of 16 digits, of the signature that `sigkeys` chose, else of its first; empty: unsigned. */
  readonly sigkey: string;
  /** Seconds since 1970, as the source's metadata says. */
  readonly fileTime: number;
  /** Where it came from: a URL or a path. Not part of what is compared. */
  readonly from: string;
}
