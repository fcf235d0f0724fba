import { setTimeout as sleep } from 'node:timers/promises';
import type { Compose } from '../../../libs/compose/compose.js';
import type { ComposeReads } from '../../../libs/compose-record/compose-commands.js';

export interface AwaitChangeOptions {
  readonly milliseconds: number;
  /** The client is gone. */
  readonly signal: AbortSignal;
  /** Whether the compose is now what the client waits for. */
  readonly isNews: (compose: Compose) => boolean;
}

/** Nothing is written to the record of these but their removal. */
export function hasEnded({ state }: Pick<Compose, 'state'>): boolean {
  return state === 'done' || state === 'failed' || state === 'removed';
}

/** The compose as soon as it is news, or as it is when the time is over. */
export async function awaitChange(reads: Pick<ComposeReads, 'get' | 'changed'>, compose: Compose, { milliseconds, signal, isNews }: AwaitChangeOptions): Promise<Compose> {
  const end = performance.now() + milliseconds;
  let current = compose;
  while (!isNews(current)) {
    const left = Math.ceil(end - performance.now());
    if (left <= 0 || signal.aborted) return current;
    await reads.changed(current.id, { version: current.version, milliseconds: left, signal });
    const next = (await reads.get(current.id)) ?? current;
    // Woken for nothing, as when the listener lost its connection: ask the record no more often than this.
    if (next.version === current.version) await sleep(Math.max(0, Math.min(500, end - performance.now())), undefined, { signal }).catch(() => undefined);
    current = next;
  }
  return current;
}
