import type { DebSettings, HaikuSettings, RepositoryKind } from '../repository/repository.js';

/** Where a repository of somebody else lies: a web server, a directory or a bucket. Paths are relative to its base, decoded (names of files), and never lead out of it: `source-invalid`. */
export interface ExistingPlace {
  /** For messages; holds no credentials. */
  readonly name: string;
  /** A small file whole, as `InRelease`; undefined when there is none. Errors: `source-unavailable` (worth another attempt), `source-invalid` (larger than `limit` bytes, no file), `forbidden`. */
  document(path: string, options: PlaceOptions): Promise<Buffer | undefined>;
  /** The bytes of a large file as they come; whoever asks checks their digest. Errors as of `document`, and for a file that is not there `source-invalid`. */
  open(path: string, options: PlaceOptions & { readonly size?: number }): AsyncIterable<Buffer>;
}

export interface PlaceOptions {
  /** Bytes that a sound file has at most. */
  readonly limit: number;
  readonly signal: AbortSignal;
  readonly onProgress?: () => void;
}

/** What an existing repository lists, read from its index and verified: an index that is not signed as asked, not whole, or not what its own digests say is `source-invalid` or `source-changed`. */
export interface ExistingRepository {
  readonly kind: RepositoryKind;
  /** Lower-case hex: changes when anything in it does; of what clients begin with (`repo`, `repomd.xml`, `Release`). */
  readonly indexSha256: string;
  /** Never smaller in a later index: the Date of deb, the revision of rpm-md, the time of minisign's signature. Undefined: it says none. */
  readonly serial: number | undefined;
  /** Each package file once. Reads no packages. Limits on their number are the reader's. */
  packages(): AsyncIterable<ExistingPackage>;
  /** What it says of itself, for the settings of whoever takes it over. */
  readonly describes: { readonly haiku?: Partial<HaikuSettings>; readonly deb?: Partial<DebSettings> };
}

export interface ExistingPackage {
  /** Below the base of the repository: `packages/foo-1.2.3-1-x86_64.hpkg`, `pool/main/b/bash/bash_5.2-1_amd64.deb`. Of the index, so hostile: `ExistingPlace` refuses what leads out. */
  readonly path: string;
  /** Bytes, as the index says; undefined: it does not. */
  readonly size: number | undefined;
  /** As the index says, lower-case hex; SHA-256 where there are several. */
  readonly checksum: { readonly algorithm: 'sha256' | 'sha512' | 'sha384' | 'sha224' | 'sha1' | 'md5'; readonly value: string };
  /** Of deb: `main`; else empty. */
  readonly component: string;
  /** See `ListedPackage`: what it would be called here, by the name, version and architecture that the index gives it. Undefined: as its file is called. */
  readonly key?: string;
}

export interface ReadExistingOptions {
  /** Public keys (armoured OpenPGP, base64 line of minisign), one of which has to have signed the index; empty: not looked at. */
  readonly keys: readonly string[];
  /** A folder for this reading alone. */
  readonly workDirectory: string;
  readonly signal: AbortSignal;
  readonly onProgress?: () => void;
  /** Of deb: the suite below `dists/`, the components and architectures to take; others are left. */
  readonly deb?: { readonly suite: string; readonly components: readonly string[]; readonly architectures: readonly string[] };
}

/** One a kind: `readHaikuRepository`, `readRpmRepository`, `readDebRepository`. */
export type ReadExistingRepository = (place: ExistingPlace, options: ReadExistingOptions) => Promise<ExistingRepository>;
