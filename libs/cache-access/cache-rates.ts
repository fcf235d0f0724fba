import { setTimeout as sleepFor } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { MillraceError } from '../errors/millrace-error.js';
import type { InstanceAccess } from './cache-access-schema.js';

/** How much one caller may do in a minute, over all its connections to this process. */
export interface CacheRates {
  /** Errors: `quota-exceeded`, with `retryAfter` (seconds) in its cause. */
  request(caller: string): void;
  /** Until what was pushed before is made up for; nothing that has begun is refused for its size. Errors: as `request` when it would take longer than `patience`, and the signal's reason. */
  bytes(caller: string, count: number, waiting?: RateWaiting): Promise<void>;
  /** Whether a push may begin now, or in a moment. Errors: as `request`. */
  push(caller: string): void;
}

export interface RateWaiting {
  readonly signal?: AbortSignal;
  /** Milliseconds; undefined: as long as it takes. */
  readonly patience?: number;
}

export interface RateClock {
  /** Milliseconds. */
  readonly now: () => number;
  readonly sleep?: (milliseconds: number, signal: AbortSignal | undefined) => Promise<void>;
}

const remembered = 50_000;
/** Milliseconds that a push which has not begun is made to wait; clients have deadlines, and are better told when to come again. */
export const patienceToBegin = 20_000;
/** Of timers. */
const longestSleep = 0x7fffffff;

export function createRates({ 'requests-per-minute': requests, 'pushed-bytes-per-minute': bytes }: InstanceAccess['rates'], { now, sleep = sleepUntil }: RateClock): CacheRates {
  const requestRate = requests === undefined ? undefined : createAllowance({ perMinute: requests, now, what: 'requests' });
  const byteRate = bytes === undefined ? undefined : createAllowance({ perMinute: bytes, now, what: 'pushed bytes' });
  return {
    request(caller) {
      requestRate?.demand(caller, 0);
      requestRate?.take(caller, 1);
    },
    async bytes(caller, count, { signal, patience = Infinity } = {}) {
      if (byteRate === undefined || count === 0) return;
      byteRate.demand(caller, patience);
      const wait = byteRate.take(caller, count);
      if (wait === 0) return;
      try {
        await sleep(wait, signal);
      } catch (error) {
        byteRate.take(caller, -count);
        throw error;
      }
    },
    push: (caller) => byteRate?.demand(caller, patienceToBegin),
  };
}

interface Level {
  readonly left: number;
  readonly at: number;
}

interface Allowance {
  /** Errors: `quota-exceeded` while there is less than one left for longer than `patience` (milliseconds). */
  demand(caller: string, patience: number): void;
  /** Returns the milliseconds until what was taken before is made up for. What is taken itself is a debt of whoever comes next. */
  take(caller: string, amount: number): number;
}

/** A minute's worth at once, and as much again each minute. */
function createAllowance({ perMinute, now, what }: { readonly perMinute: number; readonly now: () => number; readonly what: string }): Allowance {
  const callers = new LRUCache<string, Level>({ max: remembered });
  const perMillisecond = perMinute / 60_000;

  function leftOf(caller: string): number {
    const known = callers.get(caller);
    return known === undefined ? perMinute : Math.min(perMinute, known.left + Math.max(0, now() - known.at) * perMillisecond);
  }

  return {
    demand(caller, patience) {
      const missing = 1 - leftOf(caller);
      if (missing <= 0 || missing / perMillisecond <= patience) return;
      const retryAfter = Math.max(1, Math.ceil(missing / perMillisecond / 1000));
      throw new MillraceError('quota-exceeded', `too many ${what} in a minute`, { cause: { retryAfter }, suggestion: `Go on in ${retryAfter} s; more than ${perMinute} a minute is not allowed to one caller of this instance.` });
    },
    take(caller, amount) {
      const left = leftOf(caller);
      callers.set(caller, { left: left - amount, at: now() });
      return Math.max(0, Math.ceil(-left / perMillisecond));
    },
  };
}

async function sleepUntil(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    for (let left = milliseconds; left > 0; left -= longestSleep) await sleepFor(Math.min(left, longestSleep), undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
