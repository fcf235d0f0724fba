import type { RepositoryKind } from '../repository/repository.js';
import type { SpoolLimits } from './spool-room.js';

export interface RecordOptions {
  /** Public URL of the repositories, without a slash at its end: messages carry addresses. */
  readonly repositoryUrl: string;
  /** Of the package managers; negative: `one` is older. */
  readonly compareVersions: Readonly<Record<RepositoryKind, (one: string, other: string) => number>>;
  readonly spool: SpoolLimits;
  /** RFC 3339 in UTC with milliseconds. */
  readonly now: () => string;
}
