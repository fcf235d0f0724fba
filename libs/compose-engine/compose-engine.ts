import type { PinnedInputs } from '../compose/compose-plan.js';
import type { ComposeRequest } from '../compose/compose-request.js';

/**
 * Makes composes out of pinned inputs. Errors: `source-unavailable` and `source-changed` (worth another attempt), `source-invalid`, `unresolvable`
 * (a package is missing, has no wanted signature or has broken dependencies: the message names them all, in words for a release engineer),
 * `storage-full`, `tool-not-found`.
 */
export interface ComposeEngine {
  /** Fails at once for what this service cannot make (source types of other systems, results without their tool), with the reason. Asks no network. */
  check(request: ComposeRequest): void;
  /** Fetches what pins the sources: a `repomd.xml` each; seconds. */
  pin(request: ComposeRequest, options: EngineOptions): Promise<PinnedInputs>;
  /** Adds a line to the log of a tree that is still to be made: what fails before a generation begins would have none. */
  note(tree: TreeName, text: string): void;
  /** Resolves, fetches, writes, and makes visible at once. What an attempt before left behind is used or cleaned away. */
  generate(job: GenerationJob, options: EngineOptions): Promise<GeneratedTree>;
  /** Whether the files of a tree are there, all of them: somebody may have deleted them past this service. */
  has(tree: TreeName): Promise<boolean>;
  /** Deletes the files of a tree; fine when there are none. */
  remove(tree: TreeName): Promise<void>;
  /** Trees that have files here, for a sweep of what a crash left behind. */
  list(): Promise<readonly TreeName[]>;
  /** Removes package files and caches that nobody has used in a long time, but never the given plans (SHA-256) and what they name. Answers how many files went. */
  sweep(plans: readonly string[]): Promise<number>;
  close(): Promise<void>;
}

export interface TreeName {
  /** Id of the compose that generates it. */
  readonly id: number;
  /** `default`, or a name of the settings. */
  readonly targetDir: string;
}

export interface GenerationJob extends TreeName {
  readonly inputs: PinnedInputs;
  /** RFC 3339; goes into names and logs. */
  readonly startedAt: string;
}

export interface EngineOptions {
  readonly signal: AbortSignal;
  /** Called at least once a second while work goes on; a heartbeat carries it. */
  readonly onProgress?: (progress: GenerationProgress) => void;
}

export interface GenerationProgress {
  readonly step: 'pin' | 'resolve' | 'fetch' | 'write' | 'image' | 'publish';
  readonly done: number;
  readonly total: number;
}

export interface GeneratedTree {
  /** Lower-case hex SHA-256 of the canonical plan, which is in the blob store. */
  readonly plan: string;
  /** Distinct package files. */
  readonly packages: number;
  readonly bytes: number;
  /** `odcs-<id>-1-YYYYMMDD.t.0` */
  readonly pungiComposeId: string;
}
