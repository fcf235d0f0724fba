import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

export interface ServerProcess {
  /** Also after `kill`. Resolves when it answers. */
  start(): Promise<void>;
  /** kill -9; fine when it does not run. */
  kill(): Promise<void>;
}

export interface ServerProcessOptions {
  /** For messages. */
  readonly name: string;
  readonly command: string;
  readonly arguments: readonly string[];
  readonly directory?: string;
  readonly environment?: NodeJS.ProcessEnv;
  /** It has processes of its own, which end with it. */
  readonly group?: boolean;
  /** Absolute path: what it prints is added here, and its end is shown when it does not start. */
  readonly log: string;
  /** Whether clients are served. */
  readonly answers: () => Promise<boolean>;
}

/** Milliseconds. */
const longestStart = 60_000;
const interval = 50;

/** A real server for specs, as a child process that may be killed in the middle. */
export function serverProcess(options: ServerProcessOptions): ServerProcess {
  let running: ChildProcess | undefined;
  return {
    async start() {
      const child = spawn(options.command, options.arguments, { cwd: options.directory, env: options.environment, detached: options.group === true, stdio: ['ignore', 'pipe', 'pipe'] });
      running = child;
      let failure = '';
      child.on('error', ({ message }) => (failure = message));
      const log = createWriteStream(options.log, { flags: 'a' });
      for (const stream of [child.stdout, child.stderr]) stream.pipe(log, { end: false });
      const deadline = performance.now() + longestStart;
      while (!(await options.answers())) {
        if (failure !== '' || child.exitCode !== null || performance.now() > deadline) throw new Error(`${options.name} does not start: ${failure}\n${endOf(options.log)}`);
        await pause(interval);
      }
    },
    async kill() {
      const child = running;
      running = undefined;
      await killed(child, options.group);
    },
  };
}

/** Resolves when the process has gone; at once when there is none. */
export function killed(child: ChildProcess | undefined, group = false): Promise<void> {
  if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    if (group) process.kill(-(child.pid as number), 'SIGKILL');
    else child.kill('SIGKILL');
  });
}

function endOf(log: string): string {
  return existsSync(log) ? readFileSync(log, 'utf8').slice(-3000) : '';
}
