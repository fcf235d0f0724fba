import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';

/** The daemon's log file. Its standard output is a pipe that nobody reads, so nothing is ever written there. */
export class DaemonLog {
  readonly #file: string;
  #descriptor: number;

  constructor(file: string) {
    this.#file = file;
    mkdirSync(path.dirname(file), { recursive: true });
    this.#descriptor = openSync(file, 'a', 0o640);
  }

  /** One line; line breaks in it (an error's stack) are kept out, so that no text from a build can pass for a line of its own. */
  write(message: string): void {
    writeSync(this.#descriptor, `${new Date().toISOString()} ${message.replace(/[\u0000-\u001f\u007f]+/g, ' | ')}\n`);
  }

  error(message: string): void {
    this.write(`ERROR: ${message}`);
  }

  /** After logrotate has moved the file away. */
  reopen(): void {
    const next = openSync(this.#file, 'a', 0o640);
    closeSync(this.#descriptor);
    this.#descriptor = next;
  }
}
