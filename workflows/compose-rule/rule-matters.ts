import { dueAt } from '../../libs/compose-rules/debounce.js';
import type { MatchedKey, MatterReference, RuleSettings } from './compose-rule-activities.js';
import type { ComposeMatter, MatterStep } from './compose-rule-messages.js';

/** Messages of one key that wait; times in milliseconds of the workflow. */
export interface WaitingMatter {
  readonly key: string;
  readonly position: number;
  /** Of those that are not from a replay; null: all are. */
  readonly oldest: number | null;
  readonly messages: number;
  readonly replay: string;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** One that is under way. What is known of it is changed step by step, so that another run can go on with it. */
export interface RunningMatter extends Pick<WaitingMatter, 'key' | 'position' | 'oldest' | 'messages' | 'replay'> {
  step: MatterStep;
  composeId: number | null;
  attempt: number;
  /** When the gate was asked first, or when the next attempt may begin; milliseconds, 0: not yet. */
  since: number;
}

/** As the messages of a batch come to those that wait already. */
export function mergeMatter(before: WaitingMatter | undefined, matched: MatchedKey, { now, replay }: { readonly now: number; readonly replay: string }): WaitingMatter {
  const oldest = replay === '' ? matched.oldest : null;
  if (before === undefined) return { key: matched.key, position: matched.position, oldest, messages: matched.messages, replay, firstAt: now, lastAt: now };
  const newer = matched.position > before.position;
  return {
    key: matched.key,
    position: Math.max(before.position, matched.position),
    oldest: lowest(before.oldest, oldest),
    messages: before.messages + matched.messages,
    // That of the newest message: it makes the request. One that was composed before and is replayed is not the same request again.
    replay: newer ? replay : matched.position === before.position && replay !== '' ? replay : before.replay,
    firstAt: before.firstAt,
    lastAt: now,
  };
}

/** A newer matter takes the place of one that waits at its gate. */
export function absorb(waiting: WaitingMatter, running: RunningMatter): WaitingMatter {
  return { ...waiting, oldest: lowest(waiting.oldest, running.oldest), messages: waiting.messages + running.messages };
}

export function begin({ key, position, oldest, messages, replay }: WaitingMatter): RunningMatter {
  return { key, position, oldest, messages, replay, step: 'gate-before', composeId: null, attempt: 1, since: 0 };
}

export const referenceOf = ({ key, position, replay, attempt }: RunningMatter): MatterReference => ({ key, position, replay, attempt });

export const matterDue = (matter: WaitingMatter, { debounce }: RuleSettings): number => dueAt(matter, debounce);

/** Before it, nothing is left to be done. */
export function settledPosition(position: number, matters: Iterable<{ readonly oldest: number | null }>): number {
  let settled = position;
  for (const { oldest } of matters) if (oldest !== null) settled = Math.min(settled, oldest - 1);
  return settled;
}

export function shownMatters(running: Iterable<RunningMatter>, waiting: Iterable<WaitingMatter>, most: number): readonly ComposeMatter[] {
  const shown: ComposeMatter[] = [];
  for (const { key, step, position, messages, composeId, attempt } of running) shown.push({ key, state: step, position, messages, composeId, attempt });
  for (const { key, position, messages } of waiting) {
    if (shown.length >= most) break;
    shown.push({ key, state: 'waiting', position, messages, composeId: null, attempt: 1 });
  }
  return shown;
}

function lowest(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}
