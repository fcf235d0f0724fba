import type { ChildProcess } from 'node:child_process';
import type { SupervisedTool, ToolEnd } from '../pungi/supervised-tool.js';
import { selectPackages } from '../rpm/resolution/select-packages.js';
import type { GeneratedTree, GenerationProgress } from './compose-engine.js';
import { placesOfTree } from './compose-layout.js';
import { openEngineParts } from './engine-parts.js';
import { generateTree } from './generate-tree.js';
import { openGenerationLog } from './generation-log.js';
import type { GenerationTask } from './generation-task.js';

export interface RunOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: GenerationProgress) => void;
  readonly onChild: (child: ChildProcess) => void;
  /** Runs a tool that starts processes of its own, under the signal of this generation. */
  readonly runTool: (tool: SupervisedTool) => Promise<ToolEnd>;
}

/** A whole generation, wherever it runs. Errors: those of `ComposeEngine.generate`. */
export async function runGeneration({ settings, job, staged, imageTool, bootTool, searchPath }: GenerationTask, { signal, onProgress, onChild, runTool }: RunOptions): Promise<GeneratedTree> {
  const places = placesOfTree(settings, job);
  const log = openGenerationLog(places.directory);
  // Whatever asks other services has been asked before, when the sources were pinned.
  const parts = await openEngineParts({ ...settings, pulpFile: undefined }, { searchPath });
  try {
    const progress = (step: GenerationProgress['step'], done: number, total: number): void => onProgress({ step, done, total });
    return await generateTree({ ...parts, bucket: job.targetDir === 'default' ? parts.bucket : undefined, select: selectPackages, log, signal, progress }, { job, places, staged, imageTool: imageTool === undefined ? undefined : { path: imageTool, onChild }, bootTool: bootTool === undefined ? undefined : { ...bootTool, run: runTool } });
  } finally {
    await parts.close();
    log.close();
  }
}
