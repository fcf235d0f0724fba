import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { Environment } from '../../libs/settings/settings.js';
import type { SignalRelay } from './signal-relay.js';

export interface ChildOutcome {
  /** As a shell tells it: the command's own code, 128 + n when signal n ended it, 127 not found, 126 not to be run. */
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | null;
  /** Why the command could not be started. */
  readonly failure?: string;
}

export interface ChildCommand {
  readonly command: readonly [string, ...string[]];
  readonly environment: Environment;
  readonly directory?: string;
  /** File descriptor that takes both output streams; absent: this process's own streams, input included. */
  readonly output?: number;
}

/** Runs a command; never rejects for what the command does. */
export async function runChild(child: ChildCommand, relay: SignalRelay): Promise<ChildOutcome> {
  const [file, ...parameters] = child.command;
  const started = spawn(file, parameters, {
    stdio: child.output === undefined ? 'inherit' : ['ignore', child.output, child.output],
    env: { ...child.environment },
    cwd: child.directory,
  });
  relay.follow(started);
  try {
    const [code, signal] = (await once(started, 'exit')) as [number | null, NodeJS.Signals | null];
    return { exitCode: signal === null ? (code ?? 1) : 128 + constants.signals[signal], signal };
  } catch (error) {
    return notStarted(file, error as NodeJS.ErrnoException);
  }
}

function notStarted(file: string, error: NodeJS.ErrnoException): ChildOutcome {
  const absent = error.code === 'ENOENT';
  return {
    exitCode: absent ? 127 : 126,
    signal: null,
    failure: absent ? `${file}: command not found` : `${file}: cannot be run (${error.code ?? error.message})`,
  };
}
