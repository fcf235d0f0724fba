import type { ChildProcess } from 'node:child_process';
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** Until the program listens on 127.0.0.1. Rejects with what it said when it ends before, or takes more than 20 s. */
export async function awaitListening(program: ChildProcess, port: number, said: () => string): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await accepts(port))) {
    if (program.exitCode !== null || performance.now() > deadline) throw new Error(`${program.spawnargs.join(' ')} does not start:\n${said().slice(-2000)}`);
    await pause(20);
  }
}

/** Ends it, if it runs still. */
export async function endProgram(program: ChildProcess | undefined, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (program?.pid === undefined || program.exitCode !== null || program.signalCode !== null) return;
  const gone = new Promise((resolve) => program.once('exit', resolve));
  program.kill(signal);
  await gone;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
