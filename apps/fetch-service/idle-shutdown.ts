export interface IdleShutdownOptions {
  /** 0 = never. */
  readonly seconds: number;
  /** How many sessions are active; undefined when nobody answers. */
  readonly activeSessions: () => Promise<number | undefined>;
  readonly onIdle: () => void;
}

/** Ends the daemon when it was not asked for anything for a while and has no session. Unlike fetch-service's, its timer runs on while there are sessions. */
export class IdleShutdown {
  readonly #options: IdleShutdownOptions;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: IdleShutdownOptions) {
    this.#options = options;
    this.touch();
  }

  /** Somebody was there. */
  touch(): void {
    clearTimeout(this.#timer);
    if (this.#options.seconds > 0) this.#timer = setTimeout(() => void this.#expire(), this.#options.seconds * 1000);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  async #expire(): Promise<void> {
    const active = await this.#options.activeSessions();
    if (active === 0) this.#options.onIdle();
    else this.touch();
  }
}
