import { closeSync, openSync, readSync, statSync } from 'node:fs';

/** Lines as they are appended to a file. It is read from its present end; a file that was rotated is read from its start. */
export class LogTail {
  readonly #file: string;
  #offset: number;
  #rest = '';

  constructor(file: string) {
    this.#file = file;
    this.#offset = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** What has come since the last call, without an unfinished last line. */
  read(): readonly string[] {
    const size = statSync(this.#file, { throwIfNoEntry: false })?.size;
    if (size === undefined || size === this.#offset) return [];
    if (size < this.#offset) this.#offset = 0;
    const bytes = Buffer.alloc(Math.min(size - this.#offset, 1024 * 1024));
    const descriptor = openSync(this.#file, 'r');
    try {
      this.#offset += readSync(descriptor, bytes, 0, bytes.length, this.#offset);
    } finally {
      closeSync(descriptor);
    }
    const lines = (this.#rest + bytes.toString('latin1')).split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.map((line) => Buffer.from(line, 'latin1').toString('utf8')).filter((line) => line !== '');
  }
}

const warning = 40;
const problem = 50;
const information = 30;

/** A line of one of our processes (pino's JSON, or the words of a crash) as the daemon's log has it; undefined: not worth a line. */
export function describeLogLine(line: string, processName: string): string | undefined {
  const entry = parse(line);
  if (entry === undefined) return `${processName}: ${line}`;
  if (typeof entry.level !== 'number' || entry.level < information || typeof entry.msg !== 'string') return undefined;
  if (entry.level >= problem) return `ERROR: ${processName}: ${entry.msg}${causeOf(entry.err)}`;
  if (entry.level >= warning) return `WARNING: ${processName}: ${entry.msg}${causeOf(entry.err)}`;
  return entry.msg;
}

interface LogEntry {
  readonly level?: unknown;
  readonly msg?: unknown;
  readonly err?: unknown;
}

function parse(line: string): LogEntry | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function causeOf(error: unknown): string {
  const message = typeof error === 'object' && error !== null ? (error as { message?: unknown }).message : undefined;
  return typeof message === 'string' ? `: ${message}` : '';
}
