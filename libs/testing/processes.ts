import { readdirSync, readFileSync } from 'node:fs';

/** Ids of the processes with such an entry in their environment (`NAME=value`); what has ended and waits to be noticed is none. */
export function processesWith(entry: string): number[] {
  return readdirSync('/proc').map(Number).filter((pid) => Number.isInteger(pid) && pid !== process.pid && isRunning(pid) && environmentOf(pid).includes(entry));
}

export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function environmentOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
