import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { MillraceError } from '../libs/errors/millrace-error.js';

export interface ProgramDefinition {
  readonly command: string;
  readonly args: readonly string[];
  /** It is up when this port of 127.0.0.1 takes connections. */
  readonly port: number;
  readonly logFile: string;
  readonly signal: AbortSignal;
}

export interface RunningProgram {
  readonly pid: number;
  stop(): Promise<void>;
}

const startDeadline = 60_000;
const stopDeadline = 5_000;

/** Starts a server and waits until it listens. Rejects with its last words when it ends instead. */
export async function runProgram(definition: ProgramDefinition): Promise<RunningProgram> {
  const log = openSync(definition.logFile, 'a');
  const child = spawn(definition.command, definition.args, { stdio: ['ignore', log, log] });
  closeSync(log);
  let ended = false;
  let problem: Error | undefined;
  const end = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (error) => {
      problem = error;
      resolve();
    });
  }).then(() => (ended = true));
  const stop = async (): Promise<void> => {
    if (ended) return;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), stopDeadline);
    await end;
    clearTimeout(timer);
  };
  const deadline = Date.now() + startDeadline;
  while (!(await accepts(definition.port))) {
    if (ended || definition.signal.aborted || Date.now() > deadline) {
      await stop();
      definition.signal.throwIfAborted();
      const words = readFileSync(definition.logFile, 'utf8').trim().split('\n').slice(-5).join('\n');
      throw new MillraceError('start-failed', `${definition.command} did not start: ${problem?.message ?? words}`, { cause: problem });
    }
    await delay(50);
  }
  return { pid: child.pid ?? 0, stop };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(socket.destroy() !== undefined));
    socket.once('error', () => resolve(false));
  });
}
