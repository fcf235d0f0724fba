import path from 'node:path';
import { MillraceError } from '../errors/millrace-error.js';
import { ProcessRegister } from '../embedded/process-register.js';
import type { ProcessDefinition } from '../embedded/supervised-process.js';
import { SupervisedProcess } from '../embedded/supervised-process.js';
import type { ServerProcess, StopOptions } from './server-options.js';

/** In the order in which they are stopped: nobody loses what it still needs. Those of one group go at the same time. */
const stopOrder = [/^(gateway|cache)$/, /^proxy-/, /^worker$/, /^temporal$/, /^postgres$/];
const patientDeadline = 15_000;
/** Milliseconds for PostgreSQL's immediate mode, which takes a few when the machine is idle. */
const immediateDeadline = 300;

/** All child processes of one server. */
export class ServerProcesses {
  readonly #home: string;
  readonly #onProgress: (message: string) => void;
  readonly #register: ProcessRegister;
  readonly #processes: SupervisedProcess[] = [];
  #stopped = false;
  readonly #giveUp = Promise.withResolvers<MillraceError>();

  constructor(home: string, onProgress: (message: string) => void) {
    this.#home = home;
    this.#onProgress = onProgress;
    this.#register = new ProcessRegister(path.join(home, 'processes.json'));
  }

  get failed(): Promise<MillraceError> {
    return this.#giveUp.promise;
  }

  list(): readonly ServerProcess[] {
    return this.#processes.map(({ name, pid, logFile }) => ({ name, pid, logFile }));
  }

  async start(definition: Omit<ProcessDefinition, 'logDirectory'>): Promise<void> {
    if (this.#stopped) throw new MillraceError('start-failed', `${definition.name} is not wanted any more`);
    const supervised = new SupervisedProcess({ ...definition, logDirectory: path.join(this.#home, 'logs') }, {
      onPid: (name, pid) => this.#register.set(name, pid),
      onProgress: this.#onProgress,
      onGivenUp: (error) => this.#giveUp.resolve(error),
    });
    this.#processes.push(supervised);
    await supervised.start();
  }

  /** Nothing can be started any more from here on. */
  async stop(options: StopOptions = {}): Promise<void> {
    this.#stopped = true;
    if (options.immediately === true) {
      // All signals go out before anything is waited for: whoever wants it at once may kill this process next. All of them recover from
      // kill -9, and a moment's grace would only make them compete for the processor. PostgreSQL ends its own children at SIGQUIT.
      await Promise.all(this.#processes.map((each) => (each.name === 'postgres' ? each.stop(immediateDeadline, 'SIGQUIT') : each.stop(0, 'SIGKILL'))));
    } else {
      const groups = stopOrder.map((pattern) => this.#processes.filter(({ name }) => pattern.test(name)));
      for (const group of groups) await Promise.all(group.map((each) => each.stop(patientDeadline)));
    }
    this.#register.remove();
  }
}
