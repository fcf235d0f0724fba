import type { Repomd } from '../rpm/metadata/repomd.js';
import type { AvailablePackage, FindFileOwners } from '../rpm/repository/available-package.js';

/**
 * Reads rpm-md repositories at http(s) URLs and, below the configured places, at local paths. Every byte is checked against the digests of the `repomd.xml`
 * that was read first. Errors: `source-unavailable` (cannot be reached, answers 5xx; worth another attempt), `source-changed` (a file is not what that
 * repomd.xml says), `source-invalid` (404, hostile or broken documents, limits), `forbidden` (address or path that policy does not allow), `storage-full`.
 */
export interface RepositorySource {
  /** One look at `repodata/repomd.xml`. */
  pin(url: string, options: SourceOptions): Promise<{ readonly revision: string; readonly repomdSha256: string }>;
  /** The repository as it was when pinned; metadata is kept by the digest of repomd.xml. */
  load(pinned: { readonly url: string; readonly repomdSha256: string }, options: LoadOptions): Promise<LoadedRepository>;
  /** Brings a package file into the content store, unless it is there; answers its SHA-256. The checksum that the metadata declares must hold. */
  fetch(file: Pick<AvailablePackage, 'location' | 'checksum' | 'size'>, options: SourceOptions): Promise<{ readonly sha256: string; readonly size: number }>;
  /** A small document, as JSON metadata of Pungi composes: at most 64 MiB. */
  read(url: string, options: SourceOptions): Promise<Buffer>;
}

export interface SourceOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: () => void;
}

export interface LoadOptions extends SourceOptions {
  /** See `AvailablePackage.repository`. */
  readonly index: number;
}

export interface LoadedRepository {
  readonly url: string;
  readonly repomd: Repomd;
  readonly packages: readonly AvailablePackage[];
  readonly findFileOwners: FindFileOwners;
  /** Comps XML and modules YAML, unpacked; undefined where the repository has none. */
  groups(): Promise<Buffer | undefined>;
  modules(): Promise<Buffer | undefined>;
}
