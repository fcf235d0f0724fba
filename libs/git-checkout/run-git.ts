import { spawn } from 'node:child_process';
import { MillraceError } from '../errors/millrace-error.js';
import { endProcessGroup } from '../service/end-process-group.js';
import type { GitLimits } from './git-limits.js';

export interface GitRun {
  readonly parameters: readonly string[];
  /** All of it: nothing of this process's own environment is added. */
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: GitLimits;
  readonly signal: AbortSignal;
  /** Called with what it prints, instead of keeping it. */
  readonly onOutput?: (chunk: Buffer) => void;
}

export interface GitResult {
  /** 0: it went well. */
  readonly status: number;
  readonly output: string;
  /** The end of what it complained about. */
  readonly complaint: string;
}

/** Of the shell and of `env`: no such program. */
const notFound = 127;
/** Units of `ulimit -f` and `ulimit -v`, POSIX and Linux. */
const [fileUnit, memoryUnit] = [512, 1024];

/**
 * Runs git in a process group of its own, which ends with it whatever it has started, with limits on the size of files and on memory. Errors: `tool-not-found`,
 * `source-invalid` for too much output, what `onOutput` throws, and the signal's reason.
 */
export async function runGit({ parameters, environment, limits, signal, onOutput }: GitRun): Promise<GitResult> {
  signal.throwIfAborted();
  const largest = Math.ceil((2 * Math.max(limits.receivedBytes, limits.treeBytes)) / fileUnit);
  const script = 'ulimit -c 0 && ulimit -f "$1" && ulimit -v "$2" && shift 2 && exec git "$@"';
  const child = spawn('/bin/sh', ['-c', script, 'git', `${largest}`, `${Math.ceil(limits.memoryBytes / memoryUnit)}`, ...parameters], { env: environment, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const end = (): void => endProcessGroup(child.pid);
  signal.addEventListener('abort', end, { once: true });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? -1));
  });
  // Who waits for it comes later.
  ended.catch(() => undefined);
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString('utf8')).slice(-4000)));
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limits.outputBytes) throw new MillraceError('source-invalid', `git says more than ${limits.outputBytes} bytes about this repository`);
      if (onOutput === undefined) chunks.push(chunk);
      else onOutput(chunk);
    }
    const status = await ended;
    signal.throwIfAborted();
    if (status === notFound) throw new MillraceError('tool-not-found', 'git is not installed where composes are made', { suggestion: 'Install git on every worker, or leave out what needs it.' });
    return { status, output: Buffer.concat(chunks).toString('utf8'), complaint: plain(complaint) };
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', end);
    end();
    await ended.catch(() => undefined);
  }
}

/** Its last lines, without what a remote server put in to fool terminals. */
function plain(text: string): string {
  const lines = text.split(/[\r\n]+/).map((line) => line.replace(/[\0-\x1f\x7f]/g, ' ').trim().slice(0, 300)).filter((line) => line !== '');
  return lines.slice(-3).join('; ');
}
