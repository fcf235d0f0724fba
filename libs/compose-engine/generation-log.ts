import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { besideLogs } from '../pungi/write-pungi-tree.js';

/** What release engineers read while a compose is made, and after. */
export interface GenerationLog {
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
  /** Only the short account: what was begun and what came out. */
  step(text: string): void;
  close(): void;
}

export const logFiles = { account: 'pungi-stdout.log', log: 'pungi-stderr.log' } as const;
/** All that is left of a tree that could not be made, and outlives its attempts. */
export const allLogFiles: readonly string[] = [...Object.values(logFiles), ...Object.values(besideLogs).flat()];

/**
 * Opens the two logs of a tree, which ODCS's clients watch by range requests: a later attempt goes on where the one before ended, so that what was read
 * stays true. Written at once, line by line: a thread that is ended, and a process that is killed, leave all they said.
 */
export function openGenerationLog(directory: string, now: () => Date = () => new Date()): GenerationLog {
  mkdirSync(directory, { recursive: true });
  const log = openSync(path.join(directory, logFiles.log), 'a', 0o644);
  const account = openSync(path.join(directory, logFiles.account), 'a', 0o644);
  const write = (file: number, level: string, text: string): void => {
    const head = `${now().toISOString().slice(0, 19).replace('T', ' ')} [${level.padEnd(8)}] `;
    // One line each, whatever a hostile name has in it.
    const lines = text.split('\n').map((line) => head + line.replace(/[\x00-\x1f\x7f]/g, '?') + '\n');
    writeSync(file, lines.join(''));
  };
  return {
    info: (text) => write(log, 'INFO', text),
    warn: (text) => write(log, 'WARNING', text),
    error(text) {
      write(log, 'ERROR', text);
      write(account, 'ERROR', text);
    },
    step(text) {
      write(log, 'INFO', text);
      write(account, 'INFO', text);
    },
    close() {
      for (const file of [log, account]) {
        fsyncSync(file);
        closeSync(file);
      }
    },
  };
}
