/** A package as a state of a repository lists it. */
export interface ListedPackage {
  /**
   * What nobody may publish twice with other bytes, the name of its file: `foo-1.2.3-1-x86_64.hpkg`, `bash-5.2-1.x86_64.rpm`, `bash_5.2-1_amd64.deb`. Unique in its repository
   * for ever, whether or not a state lists it.
   */
  readonly key: string;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly size: number;
  /** Key of its object below the repository's place: `packages/foo-1.2.3-1-x86_64.hpkg`. */
  readonly path: string;
  readonly name: string;
  /** As the package manager writes it; epoch and revision included. */
  readonly version: string;
  readonly architecture: string;
  /** Of deb: `main`; else empty. */
  readonly component: string;
  /** RFC 3339: when it was first listed. */
  readonly addedAt: string;
}

/** Where a package came from, as whoever published it says, or as the record knows by its digest. */
export interface PackageOrigin {
  readonly session?: string;
  readonly compose?: number;
  /** Instance and key of an entry of the artifact cache. */
  readonly cache?: { readonly instance: string; readonly key: string };
  /** Whatever the build farm calls the build: at most 500 characters. */
  readonly build?: string;
  readonly url?: string;
  /** Another repository of this service that has had the same bytes; only with `found`. */
  readonly repository?: string;
  /** True: session, compose and cache were found by its digest, and not said. */
  readonly found?: true;
}
