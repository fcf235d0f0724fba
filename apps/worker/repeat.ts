import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';

export interface RepeatOptions {
  readonly name: string;
  /** Milliseconds from the end of one round to the start of the next. */
  readonly interval: number;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/**
 * Runs rounds until the signal aborts; resolves when the round under way has ended. A round that fails is logged when the
 * trouble begins and when it is over, not every two seconds while a server is away.
 */
export async function repeat(round: () => Promise<void>, options: RepeatOptions): Promise<void> {
  const { name, interval, signal, log } = options;
  let failing = false;
  while (!signal.aborted) {
    try {
      await round();
      if (failing) log.info({ task: name }, 'works again');
      failing = false;
    } catch (error) {
      if (!failing) log.warn({ task: name, err: error }, 'failed; trying again until it works');
      failing = true;
    }
    await pause(interval, undefined, { signal }).catch(() => undefined);
  }
}
