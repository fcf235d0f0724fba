import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessIdentity } from './process-identity.js';
import { identifyProcess, isSameProcess } from './process-identity.js';

interface RegisteredProcess extends ProcessIdentity {
  readonly name: string;
}

/** The file that says which processes a server runs, so that the next one can end what a server that was killed -9 left behind. */
export class ProcessRegister {
  readonly #file: string;
  readonly #processes = new Map<string, RegisteredProcess>();

  constructor(file: string) {
    this.#file = file;
  }

  set(name: string, pid: number | undefined): void {
    const identity = pid === undefined ? undefined : identifyProcess(pid);
    if (identity === undefined) this.#processes.delete(name);
    else this.#processes.set(name, { name, ...identity });
    const temporary = `${this.#file}.${process.pid}`;
    try {
      writeFileSync(temporary, JSON.stringify([...this.#processes.values()]), { mode: 0o600 });
      renameSync(temporary, this.#file);
    } catch (error) {
      // Somebody deleted the home under a running server; the server can still stop its processes.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  remove(): void {
    rmSync(this.#file, { force: true });
  }
}

/**
 * Ends the processes that `file` names and that are still the same ones: SIGTERM first, so that workers can drain and
 * PostgreSQL stays clean, SIGKILL after `graceMilliseconds`. Returns their names. Call it only while holding the lock of the home.
 */
export async function endLeftOvers(file: string, graceMilliseconds = 5000): Promise<string[]> {
  const left = readRegister(file).filter(isSameProcess);
  for (const { pid } of left) signal(pid, 'SIGTERM');
  const deadline = Date.now() + graceMilliseconds;
  while (left.some(isSameProcess) && Date.now() < deadline) await delay(25);
  for (const entry of left.filter(isSameProcess)) signal(entry.pid, 'SIGKILL');
  while (left.some(isSameProcess)) await delay(25);
  return left.map(({ name }) => name);
}

/** Sends the signal unless the process is gone by now. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function readRegister(file: string): RegisteredProcess[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return []; // none, or cut short when the machine went down: then the processes are gone too
  }
  return Array.isArray(parsed) ? parsed.filter(isRegistered) : [];
}

function isRegistered(value: unknown): value is RegisteredProcess {
  if (typeof value !== 'object' || value === null) return false;
  const entry = value as Record<string, unknown>;
  return typeof entry['name'] === 'string' && typeof entry['pid'] === 'number' && entry['pid'] > 1 && typeof entry['startTime'] === 'string';
}
