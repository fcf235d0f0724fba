import type { Abortable } from '../object-storage/object-store.js';
import type { IndexFile, PlannedState, RepositoryChange } from '../repository/repository-change.js';
import type { PrunedObjects, Upload } from '../repository-record/repository-record.js';

/**
 * The steps from a change to a state that clients see. Each may be broken off at any byte and repeated, by another process too; between two of them a client finds
 * a whole repository. Errors: `storage-unavailable`, `storage-full` (worth another attempt), `storage-refused`, `package-invalid` (details name each package), `signing-unavailable`.
 */
export interface RepositoryEngine {
  /** Takes in a package file as it arrives: `.incoming/<upload id>` in the repository's own store, hashed on the way. Errors also: `payload-too-large`, `repository-full`, `spool-full`, `digest-mismatch`. */
  receive(repository: string, content: AsyncIterable<Buffer>, options: ReceiveOptions): Promise<Upload>;
  /** Takes an upload out of the spool. Errors also: `upload-not-found`, `resources-in-use` (a change that goes on has it). */
  discard(repository: string, id: string, options: Abortable): Promise<void>;
  /** Reads what packages of a change say of themselves; fetches those that Millrace has elsewhere. */
  inspect(change: RepositoryChange, options: EngineOptions): Promise<void>;
  /** Puts the added packages at their paths, from their uploads or from `.obsolete/`. Never over other bytes. */
  place(planned: PlannedState, options: EngineOptions): Promise<void>;
  /** Writes and signs the index; all of its files that no client begins with are in the store after it. */
  prepareIndex(planned: PlannedState, options: EngineOptions): Promise<readonly IndexFile[]>;
  /** What `prepareIndex` has made of this very state, by whichever process; undefined: it has to be made. */
  preparedIndex(planned: PlannedState, options: EngineOptions): Promise<readonly IndexFile[] | undefined>;
  /** Lets clients see it; at most one process at a time. Fine when it was done before. */
  switchIndex(planned: PlannedState, index: readonly IndexFile[], options: EngineOptions): Promise<void>;
  /** The state is given up: takes away what `place` has put for it, as far as no state has listed it. */
  withdraw(planned: PlannedState, options: EngineOptions): Promise<void>;
  /** Empties the spool of what was published or refused, and forgets the index files of old states. */
  tidy(repository: string, options: EngineOptions): Promise<void>;
  /** Moves what nothing lists to `.obsolete/` after the grace time, deletes what lay there for long. Guarded. */
  prune(repository: string, options: PruneOptions): Promise<PrunedObjects>;
}

export interface EngineOptions extends Required<Abortable> {
  /** Called at least once a second while work goes on; a heartbeat carries it. */
  readonly onProgress?: (progress: { readonly step: string; readonly done: number; readonly total: number }) => void;
}

export interface ReceiveOptions extends Abortable {
  /** UUID. */
  readonly id: string;
  readonly fileName: string;
  readonly by: string;
  /** What the client says of it. */
  readonly size?: number;
  readonly sha256?: string;
  /** False: the limits of the spool, which are for publishers, are not for it. */
  readonly spooled?: boolean;
}

export interface PruneOptions extends EngineOptions {
  readonly by: string;
  readonly dryRun: boolean;
  readonly force: boolean;
}
