import { spawn } from 'node:child_process';
import { MillraceError } from '../libs/errors/millrace-error.js';
import type { ToolSourceContext } from './find-tool.js';

export interface StepCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Prefix of the progress lines. */
  readonly title: string;
  /** Ends the command when `stalled` has been true for so long (milliseconds). */
  readonly stall?: { readonly milliseconds: number; readonly progress: () => number };
  /** Between two progress lines; milliseconds. */
  readonly reportEvery?: number;
}

/** Runs one provisioning command to its end; says how long it has been running; rejects with the end of its output. */
export async function runStep(step: StepCommand, context: ToolSourceContext): Promise<void> {
  context.signal?.throwIfAborted();
  // A process group of its own, because compilers start children that must end with it.
  const child = spawn(step.command, step.args, { env: step.environment, cwd: step.cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const started = Date.now();
  let output = '';
  let stalled = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output = (output + chunk).slice(-4000);
    });
  }
  const end = (): void => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // already gone
    }
  };
  const reporter = setInterval(() => context.onProgress(`${step.title}: still at it after ${Math.round((Date.now() - started) / 1000)} s`), step.reportEvery ?? 10_000);
  const watcher = step.stall === undefined ? undefined : watchStall(step.stall, () => {
    stalled = true;
    end();
  });
  context.signal?.addEventListener('abort', end);
  process.on('exit', end);
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        if (code === 0) resolve();
        else if (stalled) reject(new MillraceError('tool-not-found', `no progress for ${(step.stall?.milliseconds ?? 0) / 1000} s`));
        else reject(new MillraceError('tool-not-found', `${lastLines(output)} (${signal ?? `exit code ${code}`})`));
      });
    });
  } finally {
    clearInterval(reporter);
    clearInterval(watcher);
    context.signal?.removeEventListener('abort', end);
    process.off('exit', end);
  }
}

function watchStall(stall: NonNullable<StepCommand['stall']>, onStall: () => void): NodeJS.Timeout {
  let last = stall.progress();
  let changed = Date.now();
  return setInterval(() => {
    const now = stall.progress();
    if (now !== last) {
      last = now;
      changed = Date.now();
    } else if (Date.now() - changed > stall.milliseconds) {
      onStall();
    }
  }, 250);
}

function lastLines(output: string): string {
  const lines = output.split('\n').map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('Node.js v'));
  return lines.slice(-3).join(' | ') || 'no output';
}
