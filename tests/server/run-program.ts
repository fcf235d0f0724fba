import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { identifyProcess } from '../../libs/embedded/process-identity.js';

export interface RunningProgram {
  readonly child: ChildProcess;
  /** All that it has printed so far. */
  output(): { readonly stdout: string; readonly stderr: string };
  /** Exit code or signal. */
  readonly ended: Promise<number | string>;
}

export function runProgram(command: string, args: readonly string[], options: { readonly environment: NodeJS.ProcessEnv; readonly cwd: string }): RunningProgram {
  const child = spawn(command, args, { env: options.environment, cwd: options.cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const ended = new Promise<number | string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  return { child, output: () => ({ stdout, stderr }), ended };
}

/** Processes that the server of this home runs now, by name. */
export function processesOf(home: string): readonly { readonly name: string; readonly pid: number }[] {
  return JSON.parse(readFileSync(path.join(home, 'processes.json'), 'utf8')) as { name: string; pid: number }[];
}

export function alive(processes: readonly { readonly pid: number }[]): readonly { readonly pid: number }[] {
  return processes.filter(({ pid }) => identifyProcess(pid) !== undefined);
}

/** Asks again until the answer is truthy or the program has ended. */
export async function awaitResult<Result>(program: RunningProgram, ask: () => Promise<Result | undefined> | Result | undefined): Promise<Result> {
  let over = false;
  void program.ended.then(() => (over = true));
  for (;;) {
    const result = await ask();
    if (result !== undefined && result !== false) return result;
    if (over) throw new Error(`the program ended: ${JSON.stringify(program.output())}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
