import { parentPort, workerData } from 'node:worker_threads';
import type { SupervisedTool, ToolEnd } from '../pungi/supervised-tool.js';
import type { GenerationTask, ThreadReport, ToolAnswer } from './generation-task.js';
import { runGeneration } from './run-generation.js';
import { asEngineError } from './engine-error.js';
import { asMillraceError, asThreadFailure } from './thread-failure.js';

/** Entry of a thread that makes one compose. It is ended from outside, so its own signal never comes. */
const report = (message: ThreadReport): void => parentPort?.postMessage(message);

/** Progress is told this often at most, in milliseconds: a large compose has a step for every file. */
const interval = 100;

/** A listener keeps the thread alive, so there is one only while something is to come. */
function askForTool(tool: SupervisedTool): Promise<ToolEnd> {
  return new Promise((resolve, reject) => {
    parentPort?.once('message', (answer: ToolAnswer) => {
      if (answer.kind === 'ended') resolve(answer.end);
      else reject(asMillraceError(answer.failure));
    });
    report({ kind: 'tool', tool });
  });
}

async function main(): Promise<void> {
  let told = 0;
  let step = '';
  try {
    const generated = await runGeneration(workerData as GenerationTask, {
      signal: new AbortController().signal,
      onProgress(progress) {
        const now = performance.now();
        if (progress.step === step && progress.done < progress.total && now - told < interval) return;
        [told, step] = [now, progress.step];
        report({ kind: 'progress', progress });
      },
      onChild(child) {
        const { pid } = child;
        if (pid === undefined) return;
        report({ kind: 'child', pid, running: true });
        child.once('exit', () => report({ kind: 'child', pid, running: false }));
      },
      runTool: askForTool,
    });
    report({ kind: 'done', generated });
  } catch (error) {
    report({ kind: 'failed', failure: asThreadFailure(asEngineError(error, 'the generation')) });
  }
}

await main();
