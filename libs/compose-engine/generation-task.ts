import type { ErrorCode } from '../errors/millrace-error.js';
import type { LoraxTool } from '../pungi/lorax.js';
import type { SupervisedTool, ToolEnd } from '../pungi/supervised-tool.js';
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
  /** Undefined where no bootable image is asked for. */
  readonly bootTool: LoraxTool | undefined;
  /** Where other tools are looked for, as in PATH. */
  readonly searchPath: string | undefined;
}

/** What a thread tells its process. */
export type ThreadReport =
  | { readonly kind: 'progress'; readonly progress: GenerationProgress }
  /** A child process began or ended: whoever ends the thread ends it too. */
  | { readonly kind: 'child'; readonly pid: number; readonly running: boolean }
  /** A tool that starts processes of its own: the process runs it, because it outlives the thread. One at a time. */
  | { readonly kind: 'tool'; readonly tool: SupervisedTool }
  | { readonly kind: 'done'; readonly generated: GeneratedTree }
  | { readonly kind: 'failed'; readonly failure: ThreadFailure };

/** How a tool ended that a thread has asked for. */
export type ToolAnswer = { readonly kind: 'ended'; readonly end: ToolEnd } | { readonly kind: 'failed'; readonly failure: ThreadFailure };

/** A MillraceError, which loses its class on the way. */
export interface ThreadFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly suggestion: string | undefined;
  readonly details: readonly object[] | undefined;
}
