import type { PackageIdentity } from '../rpm/package/package-details.js';

/** Writes rpm-md metadata out of package files. What a package gives is made once per digest and kept, so the cost of a repository follows what changed. */
export interface RepositoryWriter {
  /** Reads the headers of a package file that is in the content store; kept by digest. Errors: `source-invalid` (no sound package). */
  describe(sha256: string): Promise<PackageDescription>;
  /** Writes `<directory>/repodata`: repomd.xml, primary, filelists, other and what else is given. Equal input gives equal bytes. */
  write(directory: string, options: WriteOptions): Promise<WrittenRepository>;
}

/** What package headers say; never what an index says of them. */
export interface PackageDescription extends PackageIdentity {
  /** Bytes of the file. */
  readonly size: number;
  /** File name of the source package; empty for source packages. */
  readonly sourceRpm: string;
  /** Seconds since 1970. */
  readonly buildTime: number;
  /** Key ids of its signatures, upper-case hex of 16 digits, the header's first. Empty: unsigned. */
  readonly keyIds: readonly string[];
  readonly excludeArch: readonly string[];
  readonly exclusiveArch: readonly string[];
}

export interface RepositoryPackage {
  readonly sha256: string;
  /** Relative to the directory: `Packages/b/bash-5.2-1.x86_64.rpm`. */
  readonly href: string;
  /** Seconds since 1970. */
  readonly fileTime: number;
}

export interface WriteOptions {
  /** In the order in which they are to stand in the metadata. */
  readonly packages: readonly RepositoryPackage[];
  /** `<revision>`, and the timestamp of every file. */
  readonly revision: number;
  readonly compression: 'gzip' | 'zstd';
  /** Whole documents: comps XML, modules YAML. */
  readonly groups?: Buffer;
  readonly modules?: Buffer;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface WrittenRepository {
  readonly repomdSha256: string;
  /** Paths relative to the directory. */
  readonly files: readonly string[];
}
