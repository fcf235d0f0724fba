import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readlinkSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface ProcessPlan {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Folder for `<name>.log`. */
  readonly logs: string;
}

/** The user of the image, without any privilege; only root can become somebody else. */
const unprivileged = ['setpriv', '--reuid=1000', '--regid=1000', '--clear-groups', '--no-new-privs', '--bounding-set=-all', '--inh-caps=-all', '--'];

/** One process that nobody restarts: what its end does is what is looked at. */
export class StartedProcess {
  readonly name: string;
  readonly pid: number;
  readonly ended: Promise<number | string>;
  readonly #child: ChildProcess;
  readonly #logFile: string;

  constructor(plan: ProcessPlan, options: { readonly unprivileged: boolean }) {
    const [command = '', ...args] = options.unprivileged && process.getuid?.() === 0 ? [...unprivileged, ...plan.command] : plan.command;
    this.name = plan.name;
    this.#logFile = path.join(plan.logs, `${plan.name}.log`);
    const log = openSync(this.#logFile, 'a', 0o600);
    this.#child = spawn(command, args, { cwd: plan.cwd, env: plan.environment, stdio: ['ignore', log, log], detached: true });
    closeSync(log);
    if (this.#child.pid === undefined) throw new Error(`${plan.name} could not be started`);
    this.pid = this.#child.pid;
    this.ended = new Promise((resolve) => this.#child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown')));
  }

  log(): string {
    return readFileSync(this.#logFile, 'utf8');
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** SIGTERM, as `docker stop` does; answers with how it ended and after how many milliseconds. SIGKILL after 15 s, the grace period of the file. */
  async stop(): Promise<{ readonly end: number | string; readonly milliseconds: number }> {
    const started = performance.now();
    this.kill('SIGTERM');
    const killer = setTimeout(() => this.kill('SIGKILL'), 15_000);
    const end = await this.ended;
    clearTimeout(killer);
    return { end, milliseconds: Math.round(performance.now() - started) };
  }

  /** Resident memory in MiB. */
  memory(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Math.round(Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024);
  }

  /** `address:port` of every TCP socket that it listens on; both as the kernel writes them, in hex. */
  listeners(): readonly string[] {
    return this.#sockets('0A');
  }

  /** How many connections others have to this port of it. */
  connections(port: number): number {
    return this.#sockets('01').filter((local) => local.endsWith(`:${hexPort(port)}`)).length;
  }

  #sockets(state: string): readonly string[] {
    const inodes = new Set(readdirSync(`/proc/${this.pid}/fd`).flatMap((fd) => socketInode(`/proc/${this.pid}/fd/${fd}`)));
    return ['tcp', 'tcp6'].flatMap((table) =>
      readFileSync(`/proc/${this.pid}/net/${table}`, 'utf8')
        .split('\n')
        .map((line) => line.trim().split(/\s+/))
        .filter((columns) => columns[3] === state && inodes.has(columns[9] ?? ''))
        .map((columns) => columns[1] ?? ''),
    );
  }
}

export function hexPort(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}

function socketInode(link: string): string[] {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(link))?.slice(1) ?? [];
  } catch {
    return []; // closed meanwhile
  }
}

/** 127.0.0.0/8 or ::1, in the kernel's hex (each group of four bytes in the machine's order). */
export function isLoopback(listener: string): boolean {
  return /^[0-9A-F]{6}7F:/.test(listener) || /^0{24}01000000:/.test(listener) || /^0{16}FFFF0000[0-9A-F]{6}7F:/.test(listener);
}

/** Runs a command to its end; its output comes back whatever the exit code is. */
export function run(
  command: readonly string[],
  options: { readonly environment: Readonly<Record<string, string>>; readonly cwd: string },
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const [file = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: options.cwd, env: options.environment, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
}

/** Asks until the answer is neither undefined nor false; rejects after `seconds` with the last error. */
export async function until<Value>(what: string, ask: () => Promise<Value | undefined | false> | Value | undefined | false, seconds = 60): Promise<Value> {
  const end = Date.now() + seconds * 1000;
  let last = '';
  while (Date.now() < end) {
    try {
      const value = await ask();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    await delay(100);
  }
  throw new Error(`${what}: not within ${seconds} s${last === '' ? '' : ` (${last})`}`);
}
