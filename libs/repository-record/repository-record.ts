import type { ListedPackage, PackageOrigin } from '../repository/listed-package.js';
import type { ChangeProblem, ChangeRequest, IndexFile, PlannedState, RepositoryChange, RepositoryState } from '../repository/repository-change.js';
import type { RepositoryTotals } from './repository-totals.js';
import type { UpkeepFailed } from '../repository/repository-events.js';
import type { Repository, RepositoryKind, RepositorySettings } from '../repository/repository.js';

/**
 * What is known of repositories, on PostgreSQL. Each command is one transaction with its event in the stream `repository:<name>`, its projections and the message
 * for the outside; all may be repeated. Errors: `repository-not-found`, `database-unavailable`, and those that are named.
 */
export interface RepositoryCommands {
  /** Errors: `repository-exists`, `invalid-request`. */
  create(repository: NewRepository, by: string): Promise<Repository>;
  /** Takes effect with a change of kind `configure`. */
  configure(name: string, settings: RepositorySettings, by: string): Promise<Repository>;
  /** Forgets it; its objects stay. Errors: `change-guarded` while it lists packages, without `force`. */
  remove(name: string, options: { readonly by: string; readonly force: boolean }): Promise<void>;

  /**
   * Keeps room in the spool for an upload that arrives, or changes what is kept: answers how many bytes it may have, `wanted` or fewer, `least` at least. Errors:
   * `payload-too-large`, `repository-full`, `spool-full`.
   */
  takeRoom(arrival: NewArrival, bytes: { readonly least: number; readonly wanted: number }): Promise<number>;
  leaveRoom(id: string): Promise<void>;
  /** In place of the room that was kept for it. */
  addUpload(upload: NewUpload, room?: string): Promise<Upload>;
  /** What the bytes of an upload are; kept by digest for every repository of the kind. */
  describeUpload(id: string, described: DescribedPackage): Promise<void>;
  /**
   * At most 1000 to be deleted in the store, then forgotten: of changes that are done; of nobody, and of changes that have failed, once they have been idle for so long
   * (a change that was refused may be asked for again with the same uploads). No change can be requested with them any more.
   */
  staleUploads(repository: string, idleSeconds: number): Promise<readonly Upload[]>;
  /** To be deleted in the store, then forgotten, before its time. Errors: `upload-not-found`, `resources-in-use`: a change that has not ended has it. */
  discardUpload(repository: string, id: string): Promise<void>;
  forgetUploads(ids: readonly string[]): Promise<void>;
  /** Knowledge that was lost, or that an import brings without the packages at hand. */
  rememberMetadata(kind: RepositoryKind, entries: ReadonlyMap<string, Buffer>): Promise<void>;

  /** Errors: `upload-not-found`, `package-not-found` (remove), `state-not-found` (roll-back), `idempotency-conflict` (the id was used for something else). */
  requestChange(change: NewChange): Promise<RepositoryChange>;
  /**
   * What clients are to see next: the state that was planned before and is not published yet, or one made of changes that are inspected, oldest first. Changes that
   * cannot be (`package-conflict` with both digests, `change-guarded` with what would go) fail by it. Undefined: nothing is left to do.
   */
  plan(name: string, limits: { readonly changes: number }): Promise<PlannedState | undefined>;
  /** What a change would do now. Changes nothing. */
  preview(change: NewChange): Promise<ChangePreview>;
  /** From now on clients may see some of it: it is carried through, and cannot be abandoned. Errors: `record-conflict` (another state is to come by now, or it was abandoned). */
  switching(planned: PlannedState): Promise<void>;
  /** The index is switched: this is what clients see now. */
  published(planned: PlannedState, index: readonly IndexFile[]): Promise<Repository>;
  /**
   * The planned state cannot be made: its changes fail with the reason (`culprits`: only these do, the others are planned again, which is all of them where it is empty), clients
   * keep what they have. Fine when it was abandoned before. Errors: `record-conflict` once it is being switched.
   */
  abandoned(planned: PlannedState, problem: ChangeProblem, culprits?: readonly string[]): Promise<void>;
  /** One that waits fails: its packages are no good. */
  refuse(changeId: string, problem: ChangeProblem): Promise<RepositoryChange>;
  /** Objects were moved to `.obsolete/`, brought back, or deleted for good. */
  pruned(name: string, done: PrunedObjects, by: string): Promise<void>;
  /** A check or a synchronisation by the clock came to nothing. The same `task` and `failedAt` again changes nothing. */
  upkeepFailed(name: string, failed: FailedUpkeep): Promise<void>;
}

export interface RepositoryReads {
  get(name: string): Promise<Repository>;
  list(page: { readonly limit: number; readonly after?: string }): Promise<readonly Repository[]>;
  change(id: string): Promise<RepositoryChange>;
  /** Of these ids, those that there are, in no order. */
  changesOf(ids: readonly string[]): Promise<readonly RepositoryChange[]>;
  /** Newest first; `before`: the id of a change. */
  changes(name: string, page: { readonly limit: number; readonly before?: string }): Promise<readonly RepositoryChange[]>;
  upload(id: string): Promise<Upload>;
  /** The state that is being made; undefined: none. */
  planned(name: string): Promise<PlannedState | undefined>;
  /** Newest first. */
  states(name: string, page: { readonly limit: number; readonly before?: number }): Promise<readonly RepositoryState[]>;
  /** Errors: `state-not-found`. */
  state(name: string, state: number): Promise<RepositoryState>;
  /** In the order of keys. `state`: a published or planned one; default: what clients see. */
  packages(name: string, page: { readonly state?: number; readonly limit: number; readonly after?: string; readonly search?: string }): Promise<readonly ListedPackage[]>;
  /** The same without pages, a cursor of the database. */
  allPackages(name: string, state: number): AsyncIterable<ListedPackage>;
  /** Errors: `package-not-found`. */
  package(name: string, key: string): Promise<KnownPackage>;
  metadata(kind: RepositoryKind, digests: readonly string[]): Promise<ReadonlyMap<string, Buffer>>;
  diff(name: string, from: number, to: number): Promise<{ readonly added: readonly ListedPackage[]; readonly removed: readonly ListedPackage[] }>;
  /** Sessions, composes and repositories that have had these bytes. */
  origins(sha256: string): Promise<readonly PackageOrigin[]>;
  /** Packages that no state since then has listed, and whose objects are still at their place. */
  prunable(name: string, before: string): Promise<readonly ListedPackage[]>;
  /** Moved to `.obsolete/` before then. */
  expired(name: string, before: string): Promise<readonly ListedPackage[]>;
  /** Changes that nobody has inspected yet, oldest first. */
  waiting(name: string, limit: number): Promise<readonly RepositoryChange[]>;
  /** Names that have changes waiting, or a planned state: for a sweep after the engine was away. */
  unsettled(limit: number): Promise<readonly string[]>;
  /** For metrics: the first thousand by name. */
  totals(): Promise<readonly RepositoryTotals[]>;
}

export interface NewRepository {
  readonly name: string;
  readonly kind: RepositoryKind;
  readonly place: Repository['place'];
  readonly settings: RepositorySettings;
}

export interface NewArrival {
  /** UUID; not that of the upload, which several may try at once. */
  readonly id: string;
  readonly repository: string;
  readonly by: string;
  /** Whether the limits of the spool are for it; those of its repository are for all. */
  readonly spooled: boolean;
}

export interface NewUpload {
  /** UUID. */
  readonly id: string;
  readonly repository: string;
  /** As the client calls it; for messages only. */
  readonly fileName: string;
  readonly sha256: string;
  readonly size: number;
  readonly by: string;
  /** False: the limits of the spool, which are for publishers, are not for it. */
  readonly spooled?: boolean;
}

export interface Upload extends Omit<NewUpload, 'spooled'> {
  readonly uploadedAt: string;
  /** Null: not inspected yet. */
  readonly key: string | null;
  /** That it was inspected for; its path follows from it. */
  readonly component?: string;
}

export interface DescribedPackage {
  readonly key: string;
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly path: string;
  readonly component: string;
  readonly metadata: Buffer;
}

export interface NewChange {
  readonly id: string;
  readonly repository: string;
  readonly request: ChangeRequest;
  readonly by: string;
  readonly force: boolean;
}

export interface ChangePreview {
  readonly added: readonly ListedPackage[];
  readonly same: readonly string[];
  readonly removed: readonly ListedPackage[];
  readonly obsoleted: readonly ListedPackage[];
  /** Undefined: it would be done. */
  readonly problem: ChangeProblem | undefined;
}

export interface PrunedObjects {
  /** Keys of packages. */
  readonly moved: readonly string[];
  readonly deleted: readonly string[];
  /** Paths of objects that nothing knows. */
  readonly strangers: readonly string[];
}

export type FailedUpkeep = UpkeepFailed['data'];

export interface KnownPackage extends ListedPackage {
  /** States from and until which it is listed; `until` null: still. */
  readonly listed: readonly { readonly from: number; readonly until: number | null }[];
  readonly origin: PackageOrigin;
  readonly publishedBy: string;
}
