import type { ComposeRule } from './compose-rule.js';

/** Messages of one key that wait to become a compose; times in milliseconds. */
export interface Wait {
  readonly firstAt: number;
  readonly lastAt: number;
}

/** When the wait is over: after silence, and at the latest so long after the first message. Milliseconds. */
export function dueAt({ firstAt, lastAt }: Wait, { quiet, longest }: ComposeRule['debounce']): number {
  return Math.min(lastAt + quiet * 1000, firstAt + longest * 1000);
}

export interface KeyedMessage {
  readonly key: string;
  /** Milliseconds. */
  readonly at: number;
}

/** How many composes these messages, in the order of their times, would become, if each compose took no time. */
export function countComposes(messages: readonly KeyedMessage[], debounce: ComposeRule['debounce']): number {
  const waits = new Map<string, Wait>();
  let composes = 0;
  for (const { key, at } of messages) {
    const wait = waits.get(key);
    if (wait !== undefined && at < dueAt(wait, debounce)) {
      waits.set(key, { firstAt: wait.firstAt, lastAt: at });
      continue;
    }
    composes += 1;
    waits.set(key, { firstAt: at, lastAt: at });
  }
  return composes;
}
