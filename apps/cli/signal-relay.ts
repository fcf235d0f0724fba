import type { ChildProcess } from 'node:child_process';
import type { EventEmitter } from 'node:events';

const relayed = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
/** What the terminal's driver sends to the whole foreground group: a build gets these by itself, and twice would mean "at once". */
const fromKeyboard: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT']);

/**
 * Keeps the command alive through signals, so that a session is always revoked and ended, and hands them on to the build.
 * Dispose it when the session is closed: the signals then have their usual effect again.
 */
export class SignalRelay implements Disposable {
  readonly #source: EventEmitter;
  readonly #interactive: boolean;
  readonly #listeners = relayed.map((signal) => [signal, () => this.#receive(signal)] as const);
  #child: ChildProcess | undefined;
  #received: NodeJS.Signals | undefined;

  /** @param source emits signals by name: `process`. */
  constructor(source: EventEmitter, options: { readonly interactive: boolean }) {
    this.#source = source;
    this.#interactive = options.interactive;
    for (const [signal, listener] of this.#listeners) source.on(signal, listener);
  }

  /** Told of every signal. */
  onReceive: (signal: NodeJS.Signals) => void = () => undefined;

  /** The first signal that came; undefined when none did. */
  get received(): NodeJS.Signals | undefined {
    return this.#received;
  }

  /** Signals go to this process until it ends; one that came before goes to it at once. */
  follow(child: ChildProcess): void {
    this.#child = child;
    child.once('exit', () => (this.#child = undefined));
    if (this.#received !== undefined) child.kill(this.#received);
  }

  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#listeners) this.#source.off(signal, listener);
  }

  #receive(signal: NodeJS.Signals): void {
    this.#received ??= signal;
    this.onReceive(signal);
    if (this.#interactive && fromKeyboard.has(signal)) return;
    this.#child?.kill(signal);
  }
}
