import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { MillraceError } from '../errors/millrace-error.js';

/** A run of another program that starts processes of its own. All paths are absolute. */
export interface SupervisedTool {
  readonly program: string;
  readonly args: readonly string[];
  readonly directory: string;
  /** All of it: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  /** What it says is appended to these. */
  readonly stdout: string;
  readonly stderr: string;
  /** Bytes of each. */
  readonly outputLimit: number;
  /** What the same mark is on is ended before and after: the tree that the tool works for. */
  readonly mark: string;
}

export interface ToolEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

export type RunTool = (tool: SupervisedTool, options: { readonly signal: AbortSignal }) => Promise<ToolEnd>;

/** What the supervisor is told; without a program it only ends what is left of the mark. */
export type SupervisorTask = { readonly mark: string; readonly grace: number } & (({ readonly program: string } & Omit<SupervisedTool, 'program' | 'mark'>) | { readonly program?: undefined });

export type SupervisorReport = ({ readonly kind: 'ended' } & ToolEnd) | { readonly kind: 'not-started'; readonly message: string };

/** Milliseconds between asking a tool to end and ending it. */
const grace = 3000;

/** The program that stands between; specs run it from its source. */
const supervisor = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './tool-supervisor.ts' : './tool-supervisor.js', import.meta.url));

/**
 * Runs a tool to its end. When the signal aborts, or this process dies in whatever way, the tool and all that it has started are asked to end and then killed; it is
 * settled only when nothing of it is left. Errors: the signal's reason; `tool-not-found`; `internal`.
 */
export const runTool: RunTool = async (tool, { signal }) => {
  signal.throwIfAborted();
  const report = await runSupervisor({ ...tool, grace }, signal);
  signal.throwIfAborted();
  if (report === undefined) {
    await runSupervisor({ mark: tool.mark, grace });
    throw new MillraceError('internal', `what watches over ${tool.program} was ended from outside`);
  }
  if (report.kind === 'not-started') throw new MillraceError('tool-not-found', `${tool.program} cannot be started: ${report.message}`);
  return { code: report.code, signal: report.signal };
};

/** Undefined where it died before it could report. */
function runSupervisor(task: SupervisorTask, signal?: AbortSignal): Promise<SupervisorReport | undefined> {
  const flags = ['--disable-warning=ExperimentalWarning', '--max-old-space-size=64'];
  // In a session of its own, so that what ends this process's group does not end it.
  const child = spawn(process.execPath, [...flags, supervisor], { detached: true, env: {}, cwd: '/', stdio: ['pipe', 'pipe', 'ignore'] });
  const stop = (): void => void child.stdin.end();
  signal?.addEventListener('abort', stop, { once: true });
  child.stdin.on('error', () => undefined); // it has ended
  child.stdin.write(`${JSON.stringify(task)}\n`);
  if (signal?.aborted === true) stop();
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  return new Promise((resolve, reject) => {
    const ended = (): void => signal?.removeEventListener('abort', stop);
    child.once('error', (cause) => {
      ended();
      reject(new MillraceError('internal', `no process can be started: ${cause.message}`, { cause }));
    });
    child.once('close', () => {
      ended();
      resolve(said.endsWith('\n') ? (JSON.parse(said) as SupervisorReport) : undefined);
    });
  });
}
