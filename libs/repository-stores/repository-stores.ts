import type { ObjectStore } from '../object-storage/object-store.js';

/** Where repositories lie: `default` (MILLRACE_REPOSITORIES) and the stores that the file of MILLRACE_REPOSITORY_STORES names. */
export interface RepositoryStores {
  /** Names, sorted. */
  readonly names: readonly string[];
  /**
   * Objects of one repository; the same store is opened once. `folder` without slashes at its ends; empty: the store's own prefix. Errors: `invalid-request`
   * (no such store, no such folder may be), `invalid-setting`.
   */
  open(place: RepositoryPlace): ObjectStore;
  /** Where clients may read the place themselves, such as `https://bucket.example/prefix`; undefined: by the gateway only. */
  publicUrl(place: RepositoryPlace): string | undefined;
  close(): void;
}

export interface RepositoryPlace {
  /** `default`, or a name of the settings. */
  readonly store: string;
  readonly folder: string;
}
