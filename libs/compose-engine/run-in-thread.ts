import { Worker } from 'node:worker_threads';
import { MillraceError } from '../errors/millrace-error.js';
import type { EngineOptions, GeneratedTree, GenerationProgress } from './compose-engine.js';
import { runTool, type SupervisedTool } from '../pungi/supervised-tool.js';
import { asEngineError } from './engine-error.js';
import type { GenerationTask, ThreadReport, ToolAnswer } from './generation-task.js';
import { asMillraceError, asThreadFailure } from './thread-failure.js';

export interface ThreadOptions extends EngineOptions {
  /** The built entry. */
  readonly entry: string | URL;
  /** MiB. */
  readonly heapMiB: number;
}

/** Runs a generation in a thread of its own and tells its progress every half second, also while the thread computes and tells nothing. */
export async function runInThread(task: GenerationTask, options: ThreadOptions): Promise<GeneratedTree> {
  options.signal.throwIfAborted();
  const worker = new Worker(options.entry, { workerData: task, resourceLimits: { maxOldGenerationSizeMb: options.heapMiB }, name: `compose odcs-${task.job.id}` });
  const children = new Set<number>();
  const stopTools = new AbortController();
  const tools: Promise<void>[] = [];
  let progress: GenerationProgress = { step: 'resolve', done: 0, total: 0 };
  const tick = setInterval(() => options.onProgress?.(progress), 500);
  let ended = false;
  let stop: () => void = () => undefined;
  const outcome = new Promise<GeneratedTree>((resolve, reject) => {
    worker.on('message', (report: ThreadReport) => {
      if (report.kind === 'done') resolve(report.generated);
      else if (report.kind === 'failed') reject(asMillraceError(report.failure));
      else if (report.kind === 'tool') tools.push(answerTool(worker, report.tool, stopTools.signal));
      else if (report.kind === 'child') children[report.running ? 'add' : 'delete'](report.pid);
      else {
        progress = report.progress;
        if (!ended) options.onProgress?.(progress);
      }
    });
    worker.on('error', (error) => reject(threadFailure(error, options.heapMiB)));
    worker.on('exit', (code) => reject(new MillraceError('internal', `the thread of the generation ended with ${code}`)));
    stop = () => reject(options.signal.reason as Error);
    options.signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await outcome;
  } finally {
    ended = true;
    clearInterval(tick);
    options.signal.removeEventListener('abort', stop);
    await worker.terminate();
    for (const pid of children) endProcess(pid);
    stopTools.abort();
    await Promise.all(tools);
  }
}

/** Settled when nothing of the tool is left. */
async function answerTool(worker: Worker, tool: SupervisedTool, signal: AbortSignal): Promise<void> {
  const answer = await runTool(tool, { signal }).then(
    (end): ToolAnswer => ({ kind: 'ended', end }),
    (error: unknown): ToolAnswer => ({ kind: 'failed', failure: asThreadFailure(asEngineError(error, tool.program)) }),
  );
  worker.postMessage(answer);
}

function threadFailure(error: unknown, heapMiB: number): MillraceError {
  if ((error as { code?: unknown }).code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return new MillraceError('payload-too-large', `the repositories need more memory than one generation may have (${heapMiB} MiB)`, { cause: error, suggestion: 'Name fewer or smaller repositories.' });
  }
  return new MillraceError('internal', `the thread of the generation failed: ${(error as Error).message}`, { cause: error });
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
