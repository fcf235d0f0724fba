import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { errorMessage } from '../errors/error-message.js';
import { MillraceError } from '../errors/millrace-error.js';
import { signal } from './process-register.js';

export interface ProcessDefinition {
  /** For messages, `processes.json` and the log's name. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** User to run as; default: the own one. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /**
   * How it says that it is ready: `message` = it sends `{ type: 'ready', address? }` over IPC; otherwise a check that is
   * repeated until it resolves to true.
   */
  readonly ready: 'message' | (() => Promise<boolean>);
  /** Milliseconds. */
  readonly readyDeadline: number;
  /** How often the first start is tried; once when not given. */
  readonly startAttempts?: number;
  /** Runs before each start, for what a killed predecessor may have left behind. */
  readonly prepare?: () => Promise<void> | void;
  /** Default SIGTERM. */
  readonly stopSignal?: NodeJS.Signals;
  readonly logDirectory: string;
}

export interface SupervisionEvents {
  /** The process id changed (undefined: it is gone). */
  onPid(name: string, pid: number | undefined): void;
  onProgress(message: string): void;
  /** It keeps failing and is not started again. */
  onGivenUp(error: MillraceError): void;
}

/** A process that lived this long (milliseconds) was well; its end does not count with the ones before. */
const stableAfter = 10_000;
const failuresBeforeGivingUp = 8;
const longestBackoff = 5000;
const logRotationBytes = 32 * 1024 * 1024;

/** One child process that is started again, on the same terms, whenever it dies. */
export class SupervisedProcess {
  readonly definition: ProcessDefinition;
  readonly #events: SupervisionEvents;
  #child: ChildProcess | undefined;
  #stopping = false;
  #restarting: Promise<void> | undefined;
  readonly #stopSleep = new AbortController();

  constructor(definition: ProcessDefinition, events: SupervisionEvents) {
    this.definition = definition;
    this.#events = events;
  }

  get name(): string {
    return this.definition.name;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get logFile(): string {
    return path.join(this.definition.logDirectory, `${this.name}.log`);
  }

  /** The first start; resolves when the process is ready and rejects when it ended or said nothing in time. From then on it is kept alive. */
  async start(): Promise<void> {
    const child = await this.#firstLaunch(this.definition.startAttempts ?? 1);
    this.#keepAlive(child, Date.now());
  }

  async #firstLaunch(attempts: number): Promise<ChildProcess> {
    try {
      return await this.#launch();
    } catch (error) {
      if (attempts <= 1 || this.#stopping) throw error;
      this.#events.onProgress(`${errorMessage(error)}; trying again`);
      return this.#firstLaunch(attempts - 1);
    }
  }

  /** Asks it to end and, after `deadline` milliseconds, makes it. Resolves when it is gone; may be called again with less patience. */
  async stop(deadline: number, stopSignal: NodeJS.Signals = this.definition.stopSignal ?? 'SIGTERM'): Promise<void> {
    this.#stopping = true;
    this.#stopSleep.abort();
    const child = this.#child;
    if (child !== undefined) await endChild(child, deadline, stopSignal);
    await this.#restarting;
    if (this.#child !== undefined) await endChild(this.#child, 0, 'SIGKILL');
    this.#events.onPid(this.name, undefined);
  }

  async #launch(): Promise<ChildProcess> {
    const { definition } = this;
    await definition.prepare?.();
    if (this.#stopping) throw new MillraceError('start-failed', `${this.name} is not wanted any more`);
    mkdirSync(definition.logDirectory, { recursive: true, mode: 0o700 });
    rotate(this.logFile);
    const logStart = sizeOf(this.logFile);
    const log = openSync(this.logFile, 'a', 0o600);
    let child: ChildProcess;
    const umask = process.umask(0o077); // what a service writes is for its user alone
    try {
      child = spawn(definition.command, definition.args, {
        env: definition.environment,
        cwd: definition.cwd,
        ...definition.user,
        // A process group of its own: a terminal's Ctrl-C must reach the supervisor only, which then stops all in order.
        detached: true,
        stdio: definition.ready === 'message' ? ['ignore', log, log, 'ipc'] : ['ignore', log, log],
      });
    } finally {
      process.umask(umask);
      closeSync(log);
    }
    this.#child = child;
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(`could not be started: ${error.message}`));
      child.once('exit', (code, signalName) => resolve(`ended (${signalName ?? `exit code ${code}`})`));
    });
    void ended.then(() => {
      if (this.#child === child) this.#child = undefined;
    });
    this.#events.onPid(this.name, child.pid);
    const problem = await Promise.race([this.#becameReady(child), ended]).catch((error: unknown) => errorMessage(error));
    if (problem === undefined) return child;
    await endChild(child, 0, 'SIGKILL');
    throw new MillraceError('start-failed', `${this.name} ${problem}${tail(this.logFile, logStart)}`, { suggestion: `Its output is in ${this.logFile}.` });
  }

  /** Undefined when ready, otherwise what went wrong. */
  async #becameReady(child: ChildProcess): Promise<string | undefined> {
    const { ready, readyDeadline } = this.definition;
    const late = `was not ready within ${readyDeadline / 1000} s`;
    if (ready === 'message') {
      return new Promise((resolve) => {
        const timer = setTimeout(() => resolve(late), readyDeadline);
        child.on('message', (message) => {
          if (!isReadyMessage(message)) return;
          clearTimeout(timer);
          resolve(undefined);
        });
        child.once('exit', () => clearTimeout(timer));
      });
    }
    const end = Date.now() + readyDeadline;
    while (Date.now() < end && child.exitCode === null && child.signalCode === null && !this.#stopping) {
      if (await ready()) return undefined;
      await delay(50);
    }
    return late;
  }

  #keepAlive(child: ChildProcess, since: number): void {
    const onExit = (code: number | null, signalName: NodeJS.Signals | null): void => {
      this.#events.onPid(this.name, undefined);
      if (this.#stopping) return;
      this.#events.onProgress(`${this.name} ended (${signalName ?? `exit code ${code}`}); starting it again`);
      this.#restarting = this.#restart(Date.now() - since >= stableAfter ? 0 : this.#failures + 1);
    };
    if (child.exitCode !== null || child.signalCode !== null) onExit(child.exitCode, child.signalCode);
    else child.once('exit', onExit);
  }

  #failures = 0;

  async #restart(failures: number): Promise<void> {
    this.#failures = failures;
    let last: unknown;
    while (!this.#stopping) {
      if (this.#failures >= failuresBeforeGivingUp) {
        this.#events.onGivenUp(new MillraceError('start-failed', `${this.name} failed ${this.#failures} times in a row and is not started again`, { cause: last, suggestion: `Its output is in ${this.logFile}.` }));
        return;
      }
      await this.#backOff();
      if (this.#stopping) return;
      const since = Date.now();
      try {
        const child = await this.#launch();
        this.#events.onProgress(`${this.name} is back (process ${child.pid})`);
        this.#keepAlive(child, since);
        return;
      } catch (error) {
        last = error;
        this.#failures += 1;
        if (!this.#stopping) this.#events.onProgress(errorMessage(error));
      }
    }
  }

  /** The first restart is at once: most ends are a kill, not a fault that stays. */
  async #backOff(): Promise<void> {
    if (this.#failures <= 1) return;
    const wait = Math.min(longestBackoff, 100 * 2 ** this.#failures);
    await delay(wait, undefined, { signal: this.#stopSleep.signal }).catch(() => undefined);
  }
}

async function endChild(child: ChildProcess, deadline: number, stopSignal: NodeJS.Signals): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const { pid } = child;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  signal(pid, stopSignal);
  const killer = setTimeout(() => signal(pid, 'SIGKILL'), deadline);
  await gone;
  clearTimeout(killer);
}

function isReadyMessage(message: unknown): boolean {
  return typeof message === 'object' && message !== null && (message as { type?: unknown }).type === 'ready';
}

function rotate(file: string): void {
  if (sizeOf(file) > logRotationBytes) renameSync(file, `${file}.1`);
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** The last lines of this run's output, for the error message. */
function tail(file: string, from: number): string {
  const lines = readFileSync(file).subarray(from).toString('utf8').trimEnd().split('\n').slice(-8).join('\n');
  return lines === '' ? '' : `:\n${lines}`;
}
