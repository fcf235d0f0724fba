import type { ErrorCode } from '../errors/millrace-error.js';
import type { GeneratedTree, GenerationJob, GenerationProgress } from './compose-engine.js';
import type { EngineSettings } from './engine-settings.js';
import type { StagedTree } from './tree-publication.js';

/** A generation as it crosses to its thread: plain data. */
export interface GenerationTask {
  readonly settings: EngineSettings;
  readonly job: GenerationJob;
  readonly staged: StagedTree;
  /** Absolute path of `xorriso`; undefined where no image is asked for. */
  readonly imageTool: string | undefined;
  /** Where other tools are looked for, as in PATH. */
  readonly searchPath: string | undefined;
}

/** What a thread tells its process. */
export type ThreadReport =
  | { readonly kind: 'progress'; readonly progress: GenerationProgress }
  /** A child process began or ended: whoever ends the thread ends it too. */
  | { readonly kind: 'child'; readonly pid: number; readonly running: boolean }
  | { readonly kind: 'done'; readonly generated: GeneratedTree }
  | { readonly kind: 'failed'; readonly failure: ThreadFailure };

/** A MillraceError, which loses its class on the way. */
export interface ThreadFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly suggestion: string | undefined;
  readonly details: readonly object[] | undefined;
}
