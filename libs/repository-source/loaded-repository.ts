import type { Repomd } from '../rpm/metadata/repomd.js';
import type { AvailablePackage, FindFileOwners } from '../rpm/repository/available-package.js';

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
