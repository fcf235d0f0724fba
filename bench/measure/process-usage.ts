import { readdirSync, readFileSync } from 'node:fs';

/** What a set of processes and all their descendants used. */
export interface Usage {
  /** Processor time so far, in milliseconds, ended children included. */
  readonly cpu: number;
  /** Resident memory now, in bytes; pages that processes share count in each. */
  readonly memory: number;
}

interface ProcessRow {
  readonly parent: number;
  readonly cpu: number;
  readonly memory: number;
}

// Linux: USER_HZ is 100 on every architecture that Node runs on, pages are asked for in kilobytes.
const millisecondsPerTick = 10;

/** Undefined where there is no /proc (macOS): the tables then show a dash. */
export function usageOf(roots: readonly number[]): Usage | undefined {
  const rows = readProcesses();
  if (rows === undefined) return undefined;
  const wanted = new Set(roots);
  // Children come after their parents in no particular order, so repeat until nothing is added.
  for (let before = -1; before !== wanted.size; ) {
    before = wanted.size;
    for (const [pid, { parent }] of rows) if (wanted.has(parent)) wanted.add(pid);
  }
  let [cpu, memory] = [0, 0];
  for (const pid of wanted) {
    cpu += rows.get(pid)?.cpu ?? 0;
    memory += rows.get(pid)?.memory ?? 0;
  }
  return { cpu, memory };
}

function readProcesses(): Map<number, ProcessRow> | undefined {
  let names: string[];
  try {
    names = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return undefined;
  }
  const rows = new Map<number, ProcessRow>();
  for (const name of names) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      // The second field is the command in parentheses and may hold anything.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ').map(Number);
      const resident = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1] ?? '0';
      const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + (fields[index] ?? 0), 0);
      rows.set(Number(name), { parent: fields[1] ?? 0, cpu: ticks * millisecondsPerTick, memory: Number(resident) * 1024 });
    } catch {
      continue; // it ended while this was reading
    }
  }
  return rows;
}
